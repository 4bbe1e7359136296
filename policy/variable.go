package policy

import "strings"

// variable is a policy variable, such as ${aws:username} or
// ${aws:PrincipalTag/team, 'company-wide'}.
type variable struct {
	key        key
	otherwise  string // what it is where the request says nothing
	hasDefault bool
}

// variableLen is the length of the variable that text begins with, and 0 if it
// begins with none.
func variableLen(text string) int {
	if !strings.HasPrefix(text, "${") {
		return 0
	}
	return strings.IndexByte(text, '}') + 1
}

// compileVariable reads what is between the braces.
func compileVariable(body string) *variable {
	name, otherwise, ok := strings.Cut(body, ",")
	v := &variable{key: compileKey(strings.TrimSpace(name))}
	otherwise = strings.TrimSpace(otherwise)
	if ok && len(otherwise) >= 2 && otherwise[0] == '\'' && otherwise[len(otherwise)-1] == '\'' {
		v.otherwise, v.hasDefault = otherwise[1:len(otherwise)-1], true
	}
	return v
}

// value is what stands for the variable. A key of several values stands for
// none of them.
func (v *variable) value(r *Request) (string, bool) {
	var single [1]string
	if values := v.key.values(r, &single); len(values) == 1 {
		return values[0], true
	}
	return v.otherwise, v.hasDefault
}

// unresolved are the keys of the variables without a default in a pattern.
func (p pattern) unresolved() []key {
	var keys []key
	for _, piece := range p {
		if piece.kind == reference && !piece.variable.hasDefault {
			keys = append(keys, piece.variable.key)
		}
	}
	return keys
}
