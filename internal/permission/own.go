package permission

// ownCalls are those of the server's own paths, which AWS has not.
var ownCalls = service{
	prefix: "flyball",
	operations: map[string]string{
		"AdvanceClock": "*",
		"Authority":    "*",
		"Backup":       "*",
		"Clock":        "*",
		"Events":       "*",
		"Explain":      "*",
		"Load":         "*",
		"LoadTest":     "*",
		"Logs":         "*",
		"Metrics":      "*",
		"Regions":      "*",
		"SetLoad":      "*",
		"SignIn":       "*",
		"TaskUse":      "*",
		"Wait":         "*",
	},
}
