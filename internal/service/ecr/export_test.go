package ecr

// CheckLifecycle is for the fuzz test.
var CheckLifecycle = checkLifecycle
