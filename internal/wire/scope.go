package wire

import "strings"

// A Scope is what a request was signed for: a region of an account, and whose key
// signed it.
type Scope struct {
	Account   string // 12 digits
	Region    string // has the form of a region's name, such as "us-east-1"
	AccessKey string // empty if the call is not signed
	Service   string // as the client signed for it, which may be no service at all
}

// KeyAccount is an Options.Account without a list of access keys: a key of 12
// digits names its account, and any other is one of the account given here.
func KeyAccount(otherwise string) func(accessKey string) string {
	return func(key string) string {
		if len(key) == 12 && strings.Trim(key, "0123456789") == "" {
			return key
		}
		return otherwise
	}
}

// isRegion reports whether a name has the form that AWS's region names have, as
// us-east-1, us-gov-west-1 and eusc-de-east-1 do. A region becomes part of names
// and keys: nothing else gets that far.
func isRegion(name string) bool {
	if len(name) > 32 {
		return false
	}
	word := strings.Split(name, "-")
	last := len(word) - 1
	for _, w := range word[:last] {
		if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			return false
		}
	}
	return last >= 2 && word[last] != "" && len(word[last]) <= 2 && strings.Trim(word[last], "0123456789") == ""
}
