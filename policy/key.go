package policy

import (
	"strconv"
	"strings"
	"time"
)

// key is a condition key, or the key of a policy variable. Names are compared
// without regard to case ("IAM JSON policy elements: Condition").
type key struct {
	name   string
	source source
}

// source is where the value of a key comes from.
type source uint8

const (
	fromContext source = iota
	principalARN
	principalAccount
	principalType
	principalIsService
	principalService
	principalTag // name is that of the tag
	userID
	userName
	resourceAccount
	currentTime
	epochTime
)

const principalTagPrefix = "aws:PrincipalTag/"

func compileKey(name string) key {
	if n := len(principalTagPrefix); len(name) >= n && strings.EqualFold(name[:n], principalTagPrefix) {
		return key{name[n:], principalTag}
	}
	return key{name, sourceOf(strings.ToLower(name))}
}

func sourceOf(lower string) source {
	switch lower {
	case "aws:principalarn":
		return principalARN
	case "aws:principalaccount":
		return principalAccount
	case "aws:principaltype":
		return principalType
	case "aws:principalisawsservice":
		return principalIsService
	case "aws:principalservicename":
		return principalService
	case "aws:userid":
		return userID
	case "aws:username":
		return userName
	case "aws:resourceaccount":
		return resourceAccount
	case "aws:currenttime":
		return currentTime
	case "aws:epochtime":
		return epochTime
	}
	return fromContext
}

// values are what the request says of the key, and none where it says nothing.
// A single value is put into the space that the caller has for it.
func (k key) values(r *Request, single *[1]string) []string {
	switch k.source {
	case fromContext:
		values, _ := lookUp(r.Context, k.name)
		return values
	case principalTag:
		value, ok := lookUp(r.Principal.Tags, k.name)
		if !ok {
			return nil
		}
		single[0] = value
		return single[:]
	}
	single[0] = k.known(r)
	if single[0] == "" {
		return nil
	}
	return single[:]
}

// known is the value of a key that the request's own fields have, and empty
// where the key is not there.
func (k key) known(r *Request) string {
	p := &r.Principal
	switch k.source {
	case principalARN:
		return p.entity()
	case principalAccount:
		return p.Account
	case principalType:
		return p.Kind.conditionValue()
	case principalIsService:
		return strconv.FormatBool(p.Kind == Service)
	case principalService:
		return p.Service
	case userID:
		return p.UserID
	case userName:
		return p.userName()
	case resourceAccount:
		resource := splitARN(r.Resource)
		return r.owner(&resource)
	}
	if r.Time.IsZero() {
		return ""
	}
	if k.source == epochTime {
		return strconv.FormatInt(r.Time.Unix(), 10)
	}
	return r.Time.UTC().Format(time.RFC3339)
}

// conditionValue is the value of aws:PrincipalType.
func (k PrincipalKind) conditionValue() string {
	switch k {
	case Anonymous:
		return "Anonymous"
	case Root:
		return "Account"
	case User:
		return "User"
	case RoleSession:
		return "AssumedRole"
	}
	return ""
}

// lookUp finds a name without regard to case. Of several that differ in case
// only it takes the one that is written alike, or else the first in byte order.
func lookUp[V any](m map[string]V, name string) (V, bool) {
	value, ok := m[name]
	if ok {
		return value, true
	}
	var found string
	for other, v := range m {
		if len(other) == len(name) && strings.EqualFold(other, name) && (!ok || other < found) {
			found, value, ok = other, v, true
		}
	}
	return value, ok
}
