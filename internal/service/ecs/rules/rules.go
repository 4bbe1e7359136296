// Package rules says what Amazon ECS accepts, in its words: task definitions,
// services, tasks, and how tasks are launched. All of it is a function of the
// call and of what the call refers to; nothing here knows what is running.
package rules

import "regexp"

// namePattern leaves the length to ValidName: counted by the pattern, it would
// compile to a hundred times the program.
var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// ValidName is the rule for the names of clusters, services, families and
// containers.
func ValidName(name string) bool { return len(name) <= 255 && namePattern.MatchString(name) }
