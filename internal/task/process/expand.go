package process

import (
	"regexp"
	"strings"
)

// reference is a reference to one of the variables that tell a program where to listen.
var reference = regexp.MustCompile(`\$(?:(HOST|PORT)\b|\{(HOST|PORT)\})`)

// expandAddress puts the values of HOST and PORT into a command that refers to them, as a
// shell would, since none reads it: "--listen $HOST:$PORT" may become "--listen
// 127.64.0.1:8080". A word with blanks is left alone. It is likely a script, whose
// shell knows the variables. So is a variable that the environment does not have.
func expandAddress(argv, env []string) []string {
	expanded := make([]string, len(argv))
	for i, word := range argv {
		expanded[i] = word
		if strings.ContainsAny(word, " \t\n") {
			continue
		}
		expanded[i] = reference.ReplaceAllStringFunc(word, func(found string) string {
			if value, ok := last(env, strings.Trim(found, "${}")); ok {
				return value
			}
			return found
		})
	}
	return expanded
}

// last is the value of a variable, whose last one in an environment counts.
func last(env []string, name string) (value string, ok bool) {
	for _, variable := range env {
		if v, found := strings.CutPrefix(variable, name+"="); found {
			value, ok = v, true
		}
	}
	return value, ok
}
