package policy_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"flyball/policy"
)

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		of(allowSend, denySend), of(naming("Allow", aws(account))), of(under(`{"ForAnyValue:StringLikeIfExists": {"k": ["${aws:username, 'x'}*", 5, true]}}`)),
		`{"Version": "2008-10-17", "Id": "i", "Statement": {"Effect": "Deny", "NotPrincipal": "*", "NotAction": "sts:*"}}`,
		of(under(`{"IpAddress": {"aws:SourceIp": "::/0"}, "DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00Z"}, "NumericEquals": {"k": 1e3}}`)), `[[[`,
	} {
		for typ := policy.IdentityBased; typ <= policy.RoleTrust; typ++ {
			f.Add(text, uint8(typ))
		}
	}
	f.Fuzz(func(t *testing.T, text string, typ uint8) {
		d, err := policy.Parse(text, policy.Type(typ))
		if err != nil {
			var m *policy.Malformed
			if !errors.As(err, &m) || m.Message == "" || d != nil {
				t.Fatalf("document %v with error %#v", d, err)
			}
			return
		}
		r := send(alice)
		r.Context = map[string][]string{"k": {"v", "2026-01-01", "5", ""}}
		decision := policy.Evaluate(r, policy.Policies{Identity: []*policy.Document{d}, Boundary: d, Session: []*policy.Document{d}, Resource: d})
		if decision.Document != nil && decision.Statement >= d.Len() {
			t.Errorf("decided by statement %d of %d", decision.Statement, d.Len())
		}
		if sentence := decision.Refusal(r); sentence == "" {
			t.Error("no refusal")
		}
	})
}

func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{{"*", ""}, {"a*b*c", "aXbXbXc"}, {"?é*??", "eé\xff12"}, {"**?", "x"}, {"*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaa"}, {"$", "$"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			t.Skip()
		}
		for i := range len(pattern) - 1 {
			if pattern[i:i+2] == "${" {
				t.Skip() // a variable
			}
		}
		if got, want := like(t, pattern, s), glob(pattern, s); got != want {
			t.Errorf("%q like %q: %t, want %t", s, pattern, got, want)
		}
	})
}
