package workload

// Command is the argument, before a program's name, with which the flyball
// binary runs a built-in program instead of its commands.
const Command = "workload"
