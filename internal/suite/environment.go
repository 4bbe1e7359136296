package main

import "strings"

// local are the addresses at which tests have servers and tasks.
const local = "localhost,127.0.0.0/8,::1,100.64.0.0/10"

// environment is what tests get of one: nothing that leads AWS's clients and our commands elsewhere, or as somebody
// else. What Go downloads goes through a proxy, and what tests call does not.
func environment(all []string) (kept []string) {
	var exempt []string
	for _, variable := range all {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case strings.HasPrefix(name, "AWS_"), strings.HasPrefix(name, "FLYBALL_"):
		case strings.EqualFold(name, "NO_PROXY"):
			exempt = append(exempt, value)
		default:
			kept = append(kept, variable)
		}
	}
	without := strings.Join(append(exempt, local), ",")
	return append(kept, "NO_PROXY="+without, "no_proxy="+without, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
}
