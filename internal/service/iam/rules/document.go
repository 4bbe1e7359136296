// Package rules holds what IAM accepts: policy documents and tags. Its functions
// are pure; their errors are IAM's.
//
// What a document must look like is said by "Grammar of the IAM JSON policy
// language" of the user guide. In which order and in which words IAM refuses what
// does not follow it is not documented: it looks for errors of form in the whole
// document first, then statement by statement at identifiers, resources and
// actions.
package rules

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode"

	"flyball/internal/service/iam/fault"
	"flyball/policy"
)

// What IAM says of documents that do not follow the grammar.
var (
	errSyntax = fault.MalformedPolicy("Syntax errors in policy.")
	errLegacy = fault.MalformedPolicy("The policy failed legacy parsing")
	errJSON   = fault.MalformedPolicy("This policy contains invalid Json")
)

// The versions of the policy language.
const (
	language    = "2012-10-17"
	oldLanguage = "2008-10-17"
)

// A statement is one of a document, its members checked for their form. What may
// be one text or a list of them is a list; a member that is not there is nil.
type statement struct {
	sid, effect       string
	actions           []string // of Action or NotAction
	resources         []string // of Resource or NotResource
	conditions        map[string]map[string][]string
	principal         any // as it was written
	prohibited        string
	actable, resource bool // the member is there, if only as an empty list
}

// CheckInline refuses a policy that cannot be embedded in a user, a group or a
// role.
func CheckInline(document string) error {
	_, statements, err := parse(document)
	if err != nil {
		return err
	}
	if err := checkIdentity(statements); err != nil {
		return err
	}
	return judgeable(document, policy.IdentityBased)
}

// judgeable refuses a document that nobody could be judged by.
func judgeable(document string, kind policy.Type) error {
	if _, err := policy.Parse(document, kind); err != nil {
		if malformed, ok := errors.AsType[*policy.Malformed](err); ok {
			return fault.MalformedPolicy("%s", malformed.Message)
		}
		return errSyntax
	}
	return nil
}

// CheckManaged refuses a policy that cannot stand for itself. It must be written
// in today's version of the language.
func CheckManaged(document string) error {
	version, statements, err := parse(document)
	if err != nil {
		return err
	}
	if version != language {
		return fault.MalformedPolicy("Policy document must be version %s or greater.", language)
	}
	if err := checkIdentity(statements); err != nil {
		return err
	}
	return judgeable(document, policy.IdentityBased)
}

func checkIdentity(statements []statement) error {
	if err := checkForm(statements); err != nil {
		return err
	}
	for _, s := range statements {
		if s.principal != nil {
			return fault.MalformedPolicy("Policy document should not specify a principal.")
		}
		if err := s.checkActions(); err != nil {
			return err
		}
	}
	for _, s := range statements {
		if len(s.resources) == 0 {
			return fault.MalformedPolicy("Policy statement must contain resources.")
		}
	}
	return nil
}

// checkForm refuses what does not depend on where the document is to stand.
func checkForm(statements []statement) error {
	for _, s := range statements {
		if err := s.checkLegacy(); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, s := range statements {
		switch {
		case s.sid == "":
		case seen[s.sid]:
			return fault.MalformedPolicy("Statement IDs (SID) in a single policy must be unique.")
		case strings.ContainsFunc(s.sid, notAlphanumeric):
			return fault.MalformedPolicy("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
		}
		seen[s.sid] = true
	}
	for _, s := range statements {
		for _, r := range s.resources {
			if err := checkResource(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// Size is how much of its quota a document takes: white space does not count.
func Size(document string) int {
	n := 0
	for _, r := range document {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// parse reads a document's statements.
func parse(document string) (version string, statements []statement, err error) {
	var root map[string]any
	if json.Unmarshal([]byte(document), &root) != nil || root == nil {
		return "", nil, errSyntax
	}
	version = oldLanguage
	for member, value := range root {
		switch member {
		case "Version":
			if version, _ = value.(string); version != language && version != oldLanguage {
				return "", nil, errSyntax
			}
		case "Id":
			if _, ok := value.(string); !ok {
				return "", nil, errSyntax
			}
		case "Statement":
		default:
			return "", nil, errSyntax
		}
	}
	list, isList := root["Statement"].([]any)
	if !isList {
		list = []any{root["Statement"]}
	}
	if len(list) == 0 {
		return "", nil, errSyntax
	}
	for _, item := range list {
		s, err := parseStatement(item)
		if err != nil {
			return "", nil, err
		}
		statements = append(statements, s)
	}
	return version, statements, nil
}

func parseStatement(item any) (s statement, err error) {
	members, ok := item.(map[string]any)
	if !ok {
		return s, errSyntax
	}
	for member, value := range members {
		ok := true
		switch member {
		case "Sid":
			s.sid, ok = value.(string)
		case "Effect":
			s.effect, ok = value.(string)
		case "Action", "NotAction":
			ok = !s.actable
			s.actable = true
			s.actions, ok = texts(value, ok)
		case "Resource", "NotResource":
			ok = !s.resource
			s.resource, s.prohibited = true, member
			s.resources, ok = texts(value, ok)
		case "Principal", "NotPrincipal":
			ok = s.principal == nil && value != nil
			s.principal = value
		case "Condition":
			s.conditions, ok = conditions(value)
		default:
			ok = false
		}
		if !ok {
			return s, errSyntax
		}
	}
	if !strings.EqualFold(s.effect, "Allow") && !strings.EqualFold(s.effect, "Deny") {
		return s, errSyntax
	}
	return s, nil
}

// texts reads a text or a list of texts.
func texts(value any, ok bool) ([]string, bool) {
	if text, isText := value.(string); isText {
		return []string{text}, ok
	}
	items, isList := value.([]any)
	if !isList {
		return nil, false
	}
	list := make([]string, len(items))
	for i, item := range items {
		text, isText := item.(string)
		list[i], ok = text, ok && isText
	}
	return list, ok
}

// operators are those of conditions, in "IAM JSON policy elements: Condition
// operators".
var operators = []string{
	"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "BinaryEquals", "Bool",
	"DateEquals", "DateGreaterThan", "DateGreaterThanEquals", "DateLessThan", "DateLessThanEquals", "DateNotEquals",
	"IpAddress", "NotIpAddress", "Null",
	"NumericEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "NumericLessThan", "NumericLessThanEquals", "NumericNotEquals",
	"StringEquals", "StringEqualsIgnoreCase", "StringLike", "StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike",
}

// operator is what a condition compares with, in the spelling of the documentation,
// without the qualifiers for sets and for keys that are missing.
func operator(name string) (string, bool) {
	for _, set := range []string{"ForAllValues:", "ForAnyValue:"} {
		if rest, ok := cutPrefixFold(name, set); ok {
			name = rest
			break
		}
	}
	if n := len(name) - len("IfExists"); n > 0 && strings.EqualFold(name[n:], "IfExists") {
		name = name[:n]
	}
	i := slices.IndexFunc(operators, func(o string) bool { return strings.EqualFold(o, name) })
	if i < 0 {
		return "", false
	}
	return operators[i], true
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// conditions reads {OPERATOR: {KEY: VALUES}}. Values may be numbers and booleans,
// too.
func conditions(value any) (map[string]map[string][]string, bool) {
	byOperator, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	read := map[string]map[string][]string{}
	for name, keys := range byOperator {
		op, known := operator(name)
		byKey, isObject := keys.(map[string]any)
		if !known || !isObject {
			return nil, false
		}
		if read[op] == nil {
			read[op] = map[string][]string{}
		}
		for key, values := range byKey {
			list, ok := scalars(values)
			if !ok {
				return nil, false
			}
			read[op][key] = append(read[op][key], list...)
		}
	}
	return read, true
}

func scalars(value any) ([]string, bool) {
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	var list []string
	for _, item := range items {
		switch item := item.(type) {
		case string:
			list = append(list, item)
		case float64, bool:
		default:
			return nil, false
		}
	}
	return list, true
}
