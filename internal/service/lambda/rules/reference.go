// Package rules says which names and settings functions can have. It is pure.
package rules

import (
	"regexp"
	"strings"
)

// A Reference is how a call names a function: by its name, by its ARN, or by the end of
// one, each with a qualifier or without ("Lambda function names").
type Reference struct {
	Region, Account string // empty where the reference does not say
	Name            string
	Qualifier       string // a version, $LATEST or an alias; empty for none
}

var reference = regexp.MustCompile(`^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:([a-z]{2,}(?:-[a-z]+)+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_]+)(?::(\$LATEST|[a-zA-Z0-9-_]+))?$`)

// ParseReference reads a reference; it is not ok if it names no function.
func ParseReference(text string) (r Reference, ok bool) {
	parts := reference.FindStringSubmatch(text)
	if parts == nil || strings.HasPrefix(text, "arn:") && (parts[1] == "" || parts[2] == "") {
		return r, false
	}
	return Reference{Region: parts[1], Account: parts[2], Name: parts[3], Qualifier: parts[4]}, true
}

// Pattern is what a reference must look like, as AWS tells who gives none. Operations on a
// function as a whole, its creation among them, tell PlainPattern.
const (
	Pattern      = owner + `([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`
	PlainPattern = owner + `([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`

	owner = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?`
)

// Latest is the version of a function that changes.
const Latest = "$LATEST"

var (
	aliasName     = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
	versionNumber = regexp.MustCompile(`^[0-9]+$`)
)

// IsVersion tells the number of a version, or $LATEST, from an alias.
func IsVersion(qualifier string) bool {
	return qualifier == Latest || versionNumber.MatchString(qualifier)
}

// IsAlias tells what can be the name of an alias: anything but a number.
func IsAlias(name string) bool {
	return len(name) <= 128 && aliasName.MatchString(name) && !versionNumber.MatchString(name)
}
