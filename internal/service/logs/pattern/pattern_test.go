package pattern_test

import (
	"maps"
	"strings"
	"testing"

	"flyball/internal/service/logs/pattern"
)

// The messages of the user guide's examples.
const (
	badRequest   = "[ERROR 400] BAD REQUEST"
	unauthorized = "[ERROR 401] UNAUTHORIZED REQUEST"
	missing      = "[ERROR 419] MISSING ARGUMENTS"
	invalid      = "[ERROR 420] INVALID ARGUMENTS"
	internal     = "[ERROR 500] INTERNAL SERVER ERROR"

	trail = `{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
		"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "cluster.name": "c", "ThisFlag": true}`
	users = `{"user": {"id": 1, "email": "John.Stiles@example.com"},
		"users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
		"actions": ["GET", "PUT", "DELETE"], "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]]}`

	access  = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	failed  = "ERROR 09/25/2014 12:00:02 Failed to process request"
	warning = "WARNING 09/25/2014 12:00:02 Invalid user request"
	get     = "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200"
	post    = "INFO 09/25/2014 12:00:01 POST /service/resource/67/part/111 1310"
)

// held has a pattern match some messages and not others.
type held struct {
	pattern  string
	yes, not []string
}

func (h held) check(t *testing.T) {
	t.Helper()
	p, err := pattern.Parse(h.pattern)
	if err != nil {
		t.Errorf("%s: %v", h.pattern, err)
		return
	}
	for _, m := range h.yes {
		if !p.Match([]byte(m)) {
			t.Errorf("%s does not match %s", h.pattern, m)
		}
	}
	for _, m := range h.not {
		if p.Match([]byte(m)) {
			t.Errorf("%s matches %s", h.pattern, m)
		}
	}
}

func TestTerms(t *testing.T) {
	for _, h := range []held{
		{"ERROR", []string{badRequest, unauthorized, missing, invalid}, []string{"[INFO 200] OK", "an error"}},
		{"ERROR ARGUMENTS", []string{missing, invalid}, []string{badRequest, unauthorized}},
		{"?ERROR ?ARGUMENTS", []string{badRequest, unauthorized, missing, "[INFO] INVALID ARGUMENTS PROVIDED"}, []string{"[INFO 200] OK"}},
		// A question mark beside other terms is ignored.
		{"?ERROR ?ARGUMENTS REQUEST", []string{"[INFO] REQUEST FAILED", badRequest}, []string{missing}},
		{`"INTERNAL SERVER ERROR"`, []string{internal}, []string{"INTERNAL ERROR OF A SERVER"}},
		{"ERROR -ARGUMENTS", []string{badRequest, unauthorized}, []string{missing, invalid}},
		{`"ERROR" - "Exiting"`, []string{"[ERROR] A fatal exception has occurred"}, []string{"Exiting with ERRORCODE: -1"}},
		{"-ERROR", []string{"[INFO 200] OK"}, []string{badRequest}},
		{"", []string{"", "anything"}, nil},
		{" ", []string{"", "anything"}, nil},
		{`" "`, []string{"one", "two words"}, nil},
		{`"say \"hello\""`, []string{`they say "hello" again`}, []string{"say hello"}},
	} {
		h.check(t)
	}
}

func TestRegularExpressions(t *testing.T) {
	for _, h := range []held{
		{"%AUTHORIZED%", []string{unauthorized, "[SUCCESS 200] AUTHORIZED REQUEST"}, []string{badRequest}},
		{"%^[hc]at%", []string{"hat trick", "cat"}, []string{"a hat"}},
		{"%[hc]at$%", []string{"the cat"}, []string{"cats"}},
		{"%colou?r%", []string{"color", "colour"}, []string{"colouur"}},
		{"%^a{3,5}$%", []string{"aaa", "aaaaa"}, []string{"aa", "aaaaaa"}},
		{"%^starting|^initializing|^shutting down%", []string{"starting ...", "shutting down"}, []string{"skipping initializing"}},
		{`%10\.10\.0\.1%`, []string{"10.10.0.1"}, []string{"10010,051"}},
		{"%10.10.0.1%", []string{"10.10.0.1", "10010,051"}, nil},
		{`%\[.\]%`, []string{"value [7]"}, []string{"value 7"}},
		{"%ab*c%", []string{"ac", "abbc"}, nil},
		{"%ab+c%", []string{"abc"}, []string{"ac"}},
		{`%\x3A%`, []string{"key:value"}, []string{"key value"}},
		{`%^ERROR\s[0-9]{3}$%`, []string{"ERROR 500"}, []string{"ERROR 50", "xERROR 500"}},
	} {
		h.check(t)
	}
}

func TestFieldsOfJSON(t *testing.T) {
	for _, h := range []held{
		{`{ $.eventType = "UpdateTrail" }`, []string{trail}, []string{users, "eventType=UpdateTrail", `x {"eventType": "UpdateTrail"}`, trail + "x", ""}},
		{"{ $.eventType = UpdateTrail }", []string{trail}, nil},
		{"{$.eventType=%Trail%}", []string{trail}, nil},
		{"{ $.sourceIPAddress != 123.123.* }", []string{trail}, []string{users}},
		{"{ $.sourceIPAddress != 111.111.* }", nil, []string{trail}},
		{`{ $.arrayKey[0] = "value" }`, []string{trail}, []string{users, `{"arrayKey": "value"}`}},
		{"{ $.arrayKey[*] = %val.{2}% }", []string{trail}, []string{users}},
		{`{ $.* = %111\.111\.111\.1[0-9]{1,2}% }`, []string{trail}, []string{users}},
		{`{ $.['cluster.name'] = "c" }`, []string{trail}, nil},
		{"{ $.objectList[1].id = 2 }", []string{trail}, []string{users}},
		{"{ $.objectList[*].id = 2 }", []string{trail}, nil},
		{"{ $.SomeObject IS NULL }", []string{trail}, []string{users, `{"SomeObject": "null"}`}},
		{"{ $.SomeOtherObject NOT EXISTS }", []string{trail, users}, []string{`{"SomeOtherObject": null}`, "no JSON"}},
		{"{ $.ThisFlag IS TRUE }", []string{trail}, []string{`{"ThisFlag": "true"}`, `{"ThisFlag": false}`}},
		{"{ $.ThisFlag IS FALSE }", []string{`{"ThisFlag": false}`}, []string{trail}},
		{"{ $.arrayKey = value }", nil, []string{trail}},
		{"{ $.arrayKey != value }", nil, []string{trail}},
		{`{ $.name = "*a" }`, []string{`{"name": "aa"}`, `{"name": "ba"}`}, []string{`{"name": "ab"}`}},
		{`{ $.name = "*a*" }`, []string{`{"name": "bab"}`}, []string{`{"name": "b"}`}},
		{"{ $.latency = * }", []string{`{"latency": 3}`, `{"latency": ""}`}, []string{`{"latency": null}`, "{}"}},
	} {
		h.check(t)
	}
}

func TestNumbersInJSON(t *testing.T) {
	for _, h := range []held{
		{"{ $.bandwidth > 75 }", []string{`{"bandwidth": 75.5}`}, []string{`{"bandwidth": 75}`, `{"bandwidth": "much"}`}},
		{"{ $.latency < 50 }", []string{`{"latency": -1}`}, []string{`{"latency": 50}`}},
		{"{ $.refreshRate >= 60 }", []string{`{"refreshRate": 6e1}`}, []string{`{"refreshRate": 59}`}},
		{"{ $.responseTime <= 5 }", []string{`{"responseTime": 5}`}, []string{`{"responseTime": 6}`}},
		{"{ $.errorCode = 400}", []string{`{"errorCode": 400}`, `{"errorCode": 400.0}`}, []string{`{"errorCode": 401}`}},
		{"{ $.errorCode != 500 }", []string{`{"errorCode": 400}`}, []string{`{"errorCode": 500}`, "{}"}},
		{"{ $.number[0] = 1e-3 }", []string{`{"number": [0.001]}`}, nil},
		{"{ $.number[0] != 1e+3 }", []string{`{"number": [1]}`}, []string{`{"number": [1000]}`}},
		{"{ $.latency > +1000 }", []string{`{"latency": 1001}`}, nil},
		{"{ $.code = 4* }", []string{`{"code": 404}`}, []string{`{"code": 500}`}},
	} {
		h.check(t)
	}
}

func TestCompoundExpressions(t *testing.T) {
	for _, h := range []held{
		{`{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }`, []string{users}, nil},
		{`{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }`, nil, []string{users}},
		{`{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }`, []string{users}, nil},
		{`{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }`, nil, []string{users}},
	} {
		h.check(t)
	}
}

func TestWords(t *testing.T) {
	for _, h := range []held{
		{"[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]", []string{access}, []string{get}},
		{`[ip=%127\.0\.0\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]`, []string{access}, nil},
		{"[..., request =*.html*, status_code = 4*, bytes]", []string{access}, nil},
		{"[ip, user, ..., status_code, bytes > 1000]", []string{access}, nil},
		{"[ip, user, ...]", []string{access}, []string{"one"}},
		{"[ip, user, username, timestamp, request =*.html*, status_code = 404 || status_code = 410, bytes]", []string{access}, nil},
		{"[..., status_code = 4* && status_code != 403, bytes]", []string{access}, nil},
		{"[..., status_code = 4* && status_code != 404, bytes]", nil, []string{access}},
		{"[a, b, c, d, e, f, g, h]", nil, []string{access}},
		{"[w1=ERROR, w2]", []string{failed}, []string{warning, get, "ERROR"}},
		{"[w1=ERROR || W1=WARNING, w2]", []string{failed, warning}, []string{get}},
		{"[w1!=ERROR && w1!=WARNING, w2]", []string{get}, []string{failed, warning}},
		{"[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, response_time]", []string{get}, []string{post}},
		{"[]", []string{"", access}, nil},
	} {
		h.check(t)
	}
}

func TestWordsAreExtracted(t *testing.T) {
	const line = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	for _, tt := range []struct {
		pattern string
		want    map[string]string
	}{
		{"[ip, identity, user_id, timestamp, request, status_code, size]", map[string]string{"$ip": "127.0.0.1", "$identity": "-", "$user_id": "frank",
			"$timestamp": "10/Oct/2000:13:25:15 -0700", "$request": "GET /index.html HTTP/1.0", "$status_code": "404", "$size": "1534"}},
		{"[..., request=*.html*, status_code=4*,]", map[string]string{"$1": "127.0.0.1", "$2": "-", "$3": "frank",
			"$4": "10/Oct/2000:13:25:15 -0700", "$request": "GET /index.html HTTP/1.0", "$status_code": "404", "$7": "1534"}},
		{"[ip, rest]", map[string]string{"$ip": "127.0.0.1", "$rest": line[len("127.0.0.1 "):]}},
		{"[ip, ...]", map[string]string{"$ip": "127.0.0.1", "$2": "-", "$3": "frank",
			"$4": "10/Oct/2000:13:25:15 -0700", "$5": "GET /index.html HTTP/1.0", "$6": "404", "$7": "1534"}},
	} {
		p, err := pattern.Parse(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		m, ok := p.Find([]byte(line))
		if !ok || !maps.Equal(m.Extracted(), tt.want) {
			t.Errorf("%s: got %q, want %q", tt.pattern, m.Extracted(), tt.want)
		}
	}
}

func TestValuesOfAMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, message, reference, want string
		knows                             bool
	}{
		{"{ $.user.id = * }", users, "$.users[1].id", "3", true},
		{"{ $.user.id = * }", users, "$.actions", "", true},
		{"{ $.user.id = * }", users, "$user", "", false},
		{"[ip, ..., bytes]", access, "$bytes", "1534", true},
		{"[ip, ..., bytes]", access, "$2", "Prod", true},
		{"[ip, ..., bytes]", access, "$other", "", false},
		{"ERROR", badRequest, "$1", "", false},
	} {
		p, err := pattern.Parse(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if p.Knows(tt.reference) != tt.knows {
			t.Errorf("%s knows %s: %t", tt.pattern, tt.reference, !tt.knows)
		}
		m, _ := p.Find([]byte(tt.message))
		if got, _ := m.Value(tt.reference); got != tt.want {
			t.Errorf("%s: %s is %q, want %q", tt.pattern, tt.reference, got, tt.want)
		}
	}
}

func TestMalformedPatternsAreRefused(t *testing.T) {
	for _, text := range []string{
		`"INTERNAL SERVER`, "a-b", "10.0.0.1", "ERR*", "-", "?",
		"%something!%", "%(ab)+%", "%café%", `%\p%`, `%ab`, "%%", "%a{3,2}%", "%x{1,1000}y%", "%[abc%", `%a\%`,
		"{ $.a = }", "{ $.a }", "{ $.a = 1", "{ $.a = 1 } trailing", "{ a = 1 }", "{ $.a == 1 }", "{ $.a = 1 && }", "{ ($.a = 1 }",
		"{ $.a IS MAYBE }", "{ $.a IS NOT NULL }", "{ $.a EXISTS }", "{ $.a[x] = 1 }", `{ $.a = "open }`, "{ $.a[99999999999999999999] = 1 }",
		`{ $.a > "x" }`, "{ $.a = %b% || $.a = %c% || $.a = %d% }", "{ $.items[*].* = 1 }", `{ "v": [1] }`, "{ $ = 1 }", "{}", "{ $..a = 1 }",
		"{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }",
		"[a, ..., b, ...]", "[a, a]", "[a = ]", "[a, b", "[a, b] trailing", "[a = 1 ||]", "[a, b=x || c=y]", "[a=%x%, b=%y%, c=%z%]",
		"{" + strings.Repeat("(", 500),
	} {
		if _, err := pattern.Parse(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"ERROR -x ?y", `"a b"`, "%a+%", trailPattern, "[ip, ..., status=4*, bytes>1000]", "[w1=ERROR || w1=%W%, w2]", "{ $.* IS NULL || $.a[0].['b c'] NOT EXISTS }"} {
		f.Add(seed, access)
		f.Add(seed, trail)
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		p, err := pattern.Parse(text)
		if err != nil {
			return
		}
		m, ok := p.Find([]byte(message))
		if ok != p.Match([]byte(message)) {
			t.Error("two answers")
		}
		for reference, want := range m.Extracted() {
			if got, ok := m.Value(reference); !ok || got != want || !strings.Contains(message, want) {
				t.Errorf("%s is %q, not %q of the message", reference, got, want)
			}
		}
	})
}

const trailPattern = `{ ($.eventType = "Upd*" && $.objectList[1].id >= 2e0) || $.ThisFlag IS TRUE }`

func BenchmarkMatch(b *testing.B) {
	for name, tt := range map[string]struct{ pattern, message string }{
		"terms": {"ERROR -ARGUMENTS", badRequest}, "regex": {"%ERROR [45]%", badRequest},
		"json": {trailPattern, trail}, "words": {"[..., status_code = 4*, bytes]", access},
	} {
		b.Run(name, func(b *testing.B) {
			p, err := pattern.Parse(tt.pattern)
			if err != nil {
				b.Fatal(err)
			}
			message := []byte(tt.message)
			b.ReportAllocs()
			for b.Loop() {
				p.Match(message)
			}
		})
	}
}
