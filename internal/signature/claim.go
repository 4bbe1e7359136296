package signature

import (
	"net/http"
	"strings"
)

// A Claim is what a request says of its signature. Nothing of it is true yet.
type Claim struct {
	Algorithm string
	AccessKey string
	Date      string // of the credential scope
	Region    string // of the credential scope; empty in one of Signature Version 4a
	Service   string // of the credential scope
	Headers   string // the names of the signed headers, such as host;x-amz-date
	Signature string
	Presigned bool // in the URL, not in the Authorization header
}

// algorithmPrefix begins the names of the algorithms of AWS's signatures.
const algorithmPrefix = "AWS4-"

// Claimed says whether a request says that it is signed.
func Claimed(r *http.Request) bool {
	values := r.Header["Authorization"]
	return len(values) > 0 && strings.HasPrefix(values[0], algorithmPrefix) || strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm="+algorithmPrefix)
}

// Parse reads what a request says of its signature. An Authorization header goes
// before a presigned URL.
func Parse(r *http.Request) (Claim, error) {
	if values := r.Header["Authorization"]; len(values) > 0 && strings.HasPrefix(values[0], algorithmPrefix) {
		if len(values) > 1 {
			return Claim{}, incomplete("The request has more than one Authorization header.")
		}
		return parseHeader(values[0])
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm="+algorithmPrefix) {
		return parseQuery(parameters(r.URL.RawQuery))
	}
	return Claim{}, ErrMissingToken
}

// parseHeader reads an Authorization header:
//
//	AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...
func parseHeader(header string) (c Claim, err error) {
	var credential, rest string
	c.Algorithm, rest, _ = strings.Cut(header, " ")
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			c.Headers = value
		case "Signature":
			c.Signature = value
		}
	}
	if credential == "" || c.Headers == "" || c.Signature == "" {
		return Claim{}, incompleteHeader(credential, &c)
	}
	return c, c.scope(credential)
}

func incompleteHeader(credential string, c *Claim) error {
	var missing []string
	for _, p := range []struct{ name, value string }{{"Credential", credential}, {"Signature", c.Signature}, {"SignedHeaders", c.Headers}} {
		if p.value == "" {
			missing = append(missing, "Authorization header requires '"+p.name+"' parameter.")
		}
	}
	return incomplete("%s", strings.Join(missing, " "))
}

// parseQuery reads the parameters of a presigned URL.
func parseQuery(q query) (c Claim, err error) {
	var credential string
	c.Presigned = true
	for _, p := range []struct {
		name  string
		value *string
	}{
		{"X-Amz-Algorithm", &c.Algorithm},
		{"X-Amz-Credential", &credential},
		{"X-Amz-SignedHeaders", &c.Headers},
		{"X-Amz-Signature", &c.Signature},
	} {
		if *p.value = q.get(p.name); *p.value == "" {
			return Claim{}, incompleteQuery(p.name)
		}
	}
	return c, c.scope(credential)
}

func incompleteQuery(name string) error {
	return incomplete("AWS query-string parameters must include '%s'. Re-examine the query-string parameters.", name)
}

// scope reads KEY/DATE/REGION/SERVICE/aws4_request, or the same without a region,
// as in Signature Version 4a.
func (c *Claim) scope(credential string) error {
	part := [6]string{}
	n := 0
	for p := range strings.SplitSeq(credential, "/") {
		if n == len(part) {
			break
		}
		part[n] = p
		n++
	}
	switch {
	case n < 4 || n > 5 || part[0] == "":
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", excerpt(credential))
	case part[n-1] != terminator:
		return wrongScope("Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, excerpt(part[n-1]))
	case n == 5 && part[2] == "":
		return WrongRegion("")
	}
	c.AccessKey, c.Date, c.Service = part[0], part[1], part[n-2]
	if n == 5 {
		c.Region = part[2]
	}
	return nil
}
