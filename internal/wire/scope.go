package wire

import (
	"net/http"
	"strings"
)

// A Scope is what a request was signed for: a region of an account, and whose key
// signed it. The signature itself is not verified here.
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

// scopeOf finds what a request was signed for, but for the account. It is nothing
// if the request is not signed. The header alone keeps web pages out: a browser
// does not send it to another origin without asking first, and it is never told
// yes. A signed URL can stand in any page, so that one is refused when a browser
// opens it.
func scopeOf(r *http.Request) (Scope, *fault) {
	if header := r.Header.Get("Authorization"); strings.HasPrefix(header, "AWS4-") {
		_, rest, _ := strings.Cut(header, " ")
		var credential, headers, signature string
		for part := range strings.SplitSeq(rest, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch name {
			case "Credential":
				credential = value
			case "SignedHeaders":
				headers = value
			case "Signature":
				signature = value
			}
		}
		return parseScope(credential, headers, signature)
	}
	if !strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=AWS4-") {
		return Scope{}, nil
	}
	if fromBrowser(r) {
		return Scope{}, forbidden("Signed URLs are refused from browsers.")
	}
	q := r.URL.Query()
	return parseScope(q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"))
}

func fromBrowser(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") != "" || r.Header.Get("Referer") != ""
}

// parseScope reads KEY/DATE/REGION/SERVICE/aws4_request, or the same without a
// region.
func parseScope(credential, headers, signature string) (Scope, *fault) {
	part := strings.Split(credential, "/")
	n := len(part)
	if headers == "" || signature == "" || n < 4 || n > 5 || part[n-1] != "aws4_request" || part[0] == "" {
		return Scope{}, incompleteSignature()
	}
	s := Scope{AccessKey: part[0], Service: part[n-2]}
	if n == 5 {
		if s.Region = part[2]; !isRegion(s.Region) {
			return Scope{}, invalidRegion(s.Region)
		}
	}
	return s, nil
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
