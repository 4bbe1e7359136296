package policy

import "strings"

// arnParts is the number of parts of an ARN: arn, partition, service, region,
// account, and the resource with all of its colons.
const arnParts = 6

// arn is a name as a request has it.
type arn struct {
	whole string
	parts [arnParts]string
	ok    bool // it has six parts
}

func splitARN(s string) arn {
	a := arn{whole: s}
	rest := s
	for i := range arnParts - 1 {
		var ok bool
		if a.parts[i], rest, ok = strings.Cut(rest, ":"); !ok {
			return a
		}
	}
	a.parts[arnParts-1] = rest
	a.ok = a.parts[0] == "arn"
	return a
}

// splitPattern cuts the pattern of an ARN at its first five colons. The colons
// of policy variables are not among them.
func splitPattern(text string) []string {
	var parts []string
	begin := 0
	for i := 0; i < len(text) && len(parts) < arnParts-1; i++ {
		if n := variableLen(text[i:]); n > 0 {
			i += n - 1
		} else if text[i] == ':' {
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	return append(parts, text[begin:])
}

// arnPattern matches ARNs part by part, so that a wildcard does not cross the
// first five colons; in the last part it crosses colons and slashes ("IAM JSON
// policy elements: Resource"). No parts match everything, also what is no ARN.
type arnPattern []pattern

// compileARN reads a pattern. Variables count from the part with this number on:
// a Resource has them in its last part only ("IAM policy elements: Variables and
// tags").
func compileARN(text string, variables bool, from int) arnPattern {
	if text == "*" {
		return nil
	}
	parts := splitPattern(text)
	p := make(arnPattern, len(parts))
	for i, part := range parts {
		p[i] = compilePattern(part, syntax{wildcards: true, variables: variables && i >= from})
	}
	return p
}

// match compares. The parts that a pattern does not have may be anything, as IAM
// says where it fills them in ("Partition ... is not valid for resource
// arn:b:c:*:*:*"): arn:aws:sqs is every queue.
func (p arnPattern) match(a *arn, r *Request) bool {
	if len(p) == 0 {
		return true
	}
	if !a.ok {
		return false
	}
	for i, part := range p {
		if !part.match(a.parts[i], false, r) {
			return false
		}
	}
	return true
}

func (p arnPattern) unresolved() []key {
	var keys []key
	for _, part := range p {
		keys = append(keys, part.unresolved()...)
	}
	return keys
}
