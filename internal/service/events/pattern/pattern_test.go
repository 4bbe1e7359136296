package pattern

import (
	"fmt"
	"strings"
	"testing"
)

func mustParse(t testing.TB, document string) *Pattern {
	t.Helper()
	p, err := Parse(document)
	if err != nil {
		t.Fatalf("pattern %s: %v", document, err)
	}
	return p
}

func expect(t *testing.T, p *Pattern, pattern, event string, want bool) {
	t.Helper()
	got, err := p.Matches([]byte(event))
	if err != nil || got != want {
		t.Errorf("pattern %s, event %s: got %t, %v, want %t", pattern, event, got, err, want)
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct{ rule, pattern, wanted, not string }{
		{"numbers compare as numbers", `{"a":[300]}`, `{"a":300.0} | {"a":3e2} | {"a":[1,300]}`, `{"a":301} | {"a":"300"}`},
		{"numbers beyond doubles compare as written", `{"a":[9007199254740993]}`, `{"a":9007199254740993}`, `{"a":9007199254740992}`},
		{"texts are not numbers", `{"a":["300"]}`, `{"a":"300"}`, `{"a":300}`},
		{"null is not the text", `{"a":[null]}`, `{"a":null}`, `{"a":"null"} | {"a":""} | {}`},
		{"the empty text", `{"a":[""]}`, `{"a":""}`, `{"a":null} | {}`},
		{"true and false", `{"a":[true]}`, `{"a":true}`, `{"a":false} | {"a":"true"}`},
		{"exactly", `{"a":[{"exactly":"x"}]}`, `{"a":"x"}`, `{"a":"y"}`},
		{"prefix", `{"a":[{"prefix":"EC2"}]}`, `{"a":"EC2 x"} | {"a":"EC2"}`, `{"a":"ec2"} | {"a":2}`},
		{"prefix of any case", `{"a":[{"prefix":{"equals-ignore-case":"EventB"}}]}`, `{"a":"EVENTBridge"}`, `{"a":"event"}`},
		{"suffix", `{"a":[{"suffix":".png"}]}`, `{"a":"x.png"}`, `{"a":"x.PNG"}`},
		{"suffix of any case", `{"a":[{"suffix":{"equals-ignore-case":".Png"}}]}`, `{"a":"x.pNG"}`, `{"a":"png"}`},
		{"equals-ignore-case", `{"a":[{"equals-ignore-case":"Straße É"}]}`, `{"a":"STRAßE é"}`, `{"a":"strasse é"}`},
		{"wildcard", `{"a":[{"wildcard":"dir/*.png"}]}`, `{"a":"dir/.png"} | {"a":"dir/a/b.png"}`, `{"a":"dir/png"} | {"a":"xdir/a.png"} | {"a":"dir/a.pngx"}`},
		{"several wildcards", `{"a":[{"wildcard":"*a*ba*"}]}`, `{"a":"aba"} | {"a":"xabxbay"}`, `{"a":"ba"} | {"a":"ab"}`},
		{"ends of a wildcard do not overlap", `{"a":[{"wildcard":"ab*ba"}]}`, `{"a":"abba"}`, `{"a":"aba"}`},
		{"escapes in wildcards", `{"a":[{"wildcard":"a\\*b\\\\*"}]}`, `{"a":"a*b\\c"}`, `{"a":"aXb\\c"} | {"a":"a*bc"}`},
		{"a wildcard alone", `{"a":[{"wildcard":"*"}]}`, `{"a":""} | {"a":"x"}`, `{"a":1} | {}`},
		{"anything-but a text", `{"a":[{"anything-but":"x"}]}`, `{"a":"y"} | {"a":1} | {"a":null} | {"a":["x","y"]}`, `{"a":"x"} | {"a":["x"]} | {} | {"a":[]}`},
		{"anything-but numbers", `{"a":[{"anything-but":[1,2]}]}`, `{"a":3} | {"a":"1"}`, `{"a":1.0} | {"a":2}`},
		{"anything-but a prefix", `{"a":[{"anything-but":{"prefix":"x"}}]}`, `{"a":"y"} | {"a":7}`, `{"a":"xy"}`},
		{"anything-but suffixes", `{"a":[{"anything-but":{"suffix":["x","y"]}}]}`, `{"a":"z"}`, `{"a":"zx"} | {"a":"zy"}`},
		{"anything-but of any case", `{"a":[{"anything-but":{"equals-ignore-case":["x","Y"]}}]}`, `{"a":"z"}`, `{"a":"X"} | {"a":"y"}`},
		{"anything-but wildcards", `{"a":[{"anything-but":{"wildcard":["*/lib/*","x*"]}}]}`, `{"a":"/bin/"}`, `{"a":"/lib/y"} | {"a":"xx"}`},
		{"a range", `{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":5} | {"a":0.1} | {"a":[9,1]}`, `{"a":0} | {"a":5.1} | {"a":"1"}`},
		{"numeric =", `{"a":[{"numeric":["=",3.018e2]}]}`, `{"a":301.8}`, `{"a":301.81}`},
		{"numeric !=", `{"a":[{"numeric":["!=",3]}]}`, `{"a":4}`, `{"a":3.0} | {"a":"4"}`},
		{"numeric <", `{"a":[{"numeric":["<",-1.5]}]}`, `{"a":-2}`, `{"a":-1.5} | {"a":-1}`},
		{"cidr", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0.255"}`, `{"a":"10.0.1.0"} | {"a":"x"} | {"a":10}`},
		{"cidr of IPv6", `{"a":[{"cidr":"2001:db8::/32"}]}`, `{"a":"2001:0db8:0::1"}`, `{"a":"2001:db9::1"}`},
		{"an address is the same however it is written", `{"a":["2001:db8::1"]}`, `{"a":"2001:0DB8:0::1"}`, `{"a":"2001:db8::2"}`},
		{"exists", `{"a":{"b":[{"exists":true}]}}`, `{"a":{"b":null}} | {"a":[{"c":1},{"b":2}]}`, `{"a":{"b":{"c":1}}} | {"a":{"b":[]}} | {}`},
		{"exists false", `{"a":{"b":[{"exists":false}]}}`, `{"a":{}} | {} | {"a":{"b":{"c":1}}} | {"a":7}`, `{"a":{"b":0}} | {"a":[{},{"b":1}]}`},
		{"absent or a value", `{"a":[{"exists":false},"x"]}`, `{} | {"a":"x"}`, `{"a":"y"}`},
		{"what must be missing is looked for in the element of the fields before it", `{"d":{"a":[1],"b":[{"exists":false}]}}`,
			`{"d":[{"a":1},{"b":2}]}`, `{"d":[{"a":1,"b":2}]}`},
		{"what must be missing comes first: in no element", `{"d":{"b":[1],"a":[{"exists":false}]}}`,
			`{"d":[{"b":1},{"c":2}]}`, `{"d":[{"b":1},{"a":2}]}`},
		{"or", `{"s":["x"],"$or":[{"a":[1]},{"b":[2],"c":[3]}]}`, `{"s":"x","a":1} | {"s":"x","b":2,"c":3}`, `{"s":"x","b":2} | {"a":1}`},
		{"or within or", `{"$or":[{"a":[1]},{"b":[2],"$or":[{"c":[3]},{"d":[4]}]}]}`, `{"a":1} | {"b":2,"d":4}`, `{"b":2} | {"c":3}`},
		{"or inside an object keeps to one element", `{"d":{"k":[1],"$or":[{"a":[1]},{"b":[2]}]}}`, `{"d":[{"k":1,"b":2}]}`, `{"d":[{"k":1},{"a":1}]}`},
		{"or at two levels", `{"$or":[{"d":{"a":[1]}},{"e":[1]}],"d":{"b":[2]}}`, `{"d":[{"a":1,"b":2}]} | {"e":1,"d":{"b":2}}`, `{"d":[{"a":1},{"b":2}]}`},
		{"or of one is a field", `{"$or":[{"cidr":"10.0.0.0/24"}]}`, `{"$or":"10.0.0.1"}`, `{"cidr":"10.0.0.1"}`},
		{"or as an object is a field", `{"$or":{"a":[1]}}`, `{"$or":{"a":1}}`, `{"a":1}`},
		{"the last of two members counts in patterns", `{"a":[1],"a":[2]}`, `{"a":2}`, `{"a":1}`},
		{"the last of two members counts in events", `{"a":[2]}`, `{"a":1,"a":2}`, `{"a":2,"a":1}`},
		{"dots in names", `{"a":{"b":["x"]}}`, `{"a.b":"x"} | {"a.b":"x","a":1} | {"a":{"c":1},"a.b":"x"}`, `{"a.c":"x"}`},
		{"dots in names of a pattern", `{"a.b":["x"]}`, `{"a":{"b":"x"}} | {"a.b":"x"}`, `{"a":"x"}`},
		{"arrays in arrays", `{"e":{"f":["A"],"l":["S"]}}`, `{"e":[[{"f":"J"},{"f":"A","l":"S"}]]}`, `{"e":[[{"f":"A"},{"l":"S"}]]} | {"e":[[{"f":"A"}],[{"l":"S"}]]}`},
		{"any value in an array of arrays", `{"a":["x"]}`, `{"a":[["y"],["x"]]}`, `{"a":[{"x":"x"}]}`},
		{"two arrays have elements of their own", `{"a":{"x":[1]},"b":{"x":[2]}}`, `{"a":[{"x":0},{"x":1}],"b":[{"x":2},{"x":0}]}`, `{"a":[{"x":1}],"b":[{"x":1}]}`},
		{"escapes are read", `{"a\u0062":["\u00e9\n"]}`, `{"ab":"é\u000a"}`, `{"ab":"e"}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := mustParse(t, c.pattern)
			for event := range strings.SplitSeq(c.wanted, " | ") {
				expect(t, p, c.pattern, event, true)
			}
			for event := range strings.SplitSeq(c.not, " | ") {
				expect(t, p, c.pattern, event, false)
			}
		})
	}
}

// AWS was seen to tell the place of what is wrong in a list of anything-but twice.
func TestThePlaceInAListIsToldTwice(t *testing.T) {
	const at = "\n at [Source: (String)\"%s\"; line: 1, column: %d]"
	for _, c := range []struct {
		pattern, reason string
		column          int
	}{
		{`{"detail": {"state": [{"anything-but": ["stopped", null]}]}}`, "Inside anything but list, start|null|boolean is not supported.", 56},
		{`{"detail": {"state": [{"anything-but": {"equals-ignore-case": [123, 456]}}]}}`, "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.", 67},
		{`{"detail": {"state": [{"anything-but": {"wildcard": [123, "*/dir/*"]}}]}}`, "wildcard match pattern must be a string", 57},
		{`{"detail": {"FileName": [{"anything-but": {"suffix": [null, ".txt"]}}]}}`, "prefix/suffix match pattern must be a string", 59},
	} {
		_, err := Parse(c.pattern)
		place := fmt.Sprintf(at, c.pattern, c.column)
		if want := "Event pattern is not valid. Reason: " + c.reason + place + place; err == nil || err.Error() != want {
			t.Errorf("pattern %s: got %v, want %s", c.pattern, err, want)
		}
	}
}

func TestInvalidPatterns(t *testing.T) {
	for _, c := range []struct{ pattern, reason, place string }{
		{`{"source": ["aws.health"], "detail": {}}`, "Empty objects are not allowed", "line: 1, column: 40"},
		{`{"source":["test.event-pattern"],"detail":{"lenderId":"LenderA"}}`, `"lenderId" must be an object or an array`, "line: 1, column: 56"},
		{"{\n  \"a\": []\n}", "Empty arrays are not allowed", "line: 2, column: 10"},
		{`[]`, "Filter is not an object", "line: 1, column: 2"},
		{`"x"`, "Filter is not an object", "line: 1, column: 2"},
		{`{"a":[["x"]]}`, "Match value must be String, number, true, false, or null", "line: 1, column: 8"},
		{`{"a":[{"foo":"x"}]}`, "Unrecognized match type foo", ""},
		{`{"a":[{}]}`, "Match expression name not found", ""},
		{`{"a":[{"prefix":1}]}`, "prefix match pattern must be a string", ""},
		{`{"a":[{"suffix":["x"]}]}`, "suffix match pattern must be a string", ""},
		{`{"a":[{"prefix":"x","suffix":"y"}]}`, "Only one key allowed in match expression", ""},
		{`{"a":[{"prefix":{"wildcard":"x"}}]}`, "Unsupported prefix pattern: wildcard", ""},
		{`{"a":[{"wildcard":"a**b"}]}`, "Consecutive wildcard characters at pos 2", ""},
		{`{"a":[{"wildcard":"a\\b"}]}`, "Invalid escape character at pos 2", ""},
		{`{"a":[{"wildcard":"a\\"}]}`, "Invalid escape character at pos 2", ""},
		{`{"a":[{"anything-but":[]}]}`, "Inside anything but list, either all values are number or string, mixed type is not supported", ""},
		{`{"a":[{"anything-but":[1,"x"]}]}`, "Inside anything but list, either all values are number or string, mixed type is not supported", ""},
		{`{"a":[{"anything-but":[null]}]}`, "Inside anything but list, start|null|boolean is not supported.", ""},
		{`{"a":[{"anything-but":true}]}`, "Value of anything-but must be an array or single string/number value.", ""},
		{`{"detail": {"FileName": [{"anything-but": {"suffix": ""}}]}}`, "Null prefix/suffix not allowed", "line: 1, column: 56"},
		{`{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}`, "Bad numeric range operator: >", "line: 1, column: 49"},
		{`{"a":[{"anything-but":{"numeric":["=",1]}}]}`, "Unsupported anything-but pattern: numeric", ""},
		{`{"a":[{"anything-but":{"wildcard":[1]}}]}`, "wildcard match pattern must be a string", ""},
		{`{"a":[{"numeric":"x"}]}`, "Value of numeric must be an array.", ""},
		{`{"a":[{"numeric":["~",1]}]}`, "Unrecognized numeric range operator: ~", ""},
		{`{"a":[{"numeric":["=","1"]}]}`, "Value of equals must be numeric", ""},
		{`{"a":[{"numeric":["<","1"]}]}`, "Value of < must be numeric", ""},
		{`{"a":[{"numeric":[">",1,"=",2]}]}`, "Bad numeric range operator: =", ""},
		{`{"a":[{"numeric":[">",2,"<",1]}]}`, "Bottom must be less than top", ""},
		{`{"a":[{"numeric":["<",2,">",1]}]}`, "Too many elements in numeric expression", ""},
		{`{"a":[{"numeric":["=",0.30000000000000000001]}]}`, "Cannot compare number : 0.30000000000000000001", ""},
		{`{"a":[{"cidr":"10.0.0.0"}]}`, "Malformed CIDR, one '/' required", "no place"},
		{`{"a":[{"cidr":"10.0.0.0/x"}]}`, "Malformed CIDR, mask bits must be an integer", "no place"},
		{`{"a":[{"cidr":"10.0.0.0/32"}]}`, "IPv4 mask bits must be < 32", "no place"},
		{`{"a":[{"cidr":"host/8"}]}`, "Nonstandard IP address: host", "no place"},
		{`{"a":[{"exists":"true"}]}`, "exists match pattern must be either true or false.", ""},
		{`{"$or":[{"a":[1]}]}`, "There must have at least 2 Objects in $or relationship.", "line: 1, column: 19"},
		{`{"$or":[{"a":[1]},[{"b":[1]}]]}`, "Only JSON object is allowed in array of $or relationship.", ""},
		{`{"$or":[{"a":[1]},{"prefix":[1]}]}`, "prefix is Ruler reserved fieldName which cannot be used inside $or.", ""},
		{`{"a":[1]`, "Unexpected end-of-input", ""},
		{`not json`, "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", "line: 1, column: 4"},
		{``, "Unexpected end-of-input", ""},
		{`{'a':[1]}`, "Unexpected character (''' (code 39)): was expecting double-quote to start field name", "line: 1, column: 2"},
		{`{"a":[1]} x`, "Unexpected character ('x' (code 120)): was expecting the end of the document", ""},
		{`{"a":` + strings.Repeat("[", 1001), "Document nesting depth exceeds the maximum allowed (1000)", ""},
	} {
		_, err := Parse(c.pattern)
		want := "Event pattern is not valid. Reason: " + c.reason
		if c.place != "no place" {
			want += "\n at [Source: (String)\""
			c.place += "]"
		} else {
			c.place = ""
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), c.place) {
			t.Errorf("pattern %s: got %v", c.pattern, err)
		}
	}
}

func TestOrHasThousandCombinations(t *testing.T) {
	ors := func(n int) string { // n times ten branches
		var b strings.Builder
		b.WriteString(`{"x":[1]`)
		for i := range n {
			fmt.Fprintf(&b, `,"o%d":{"$or":[{"a":[0]}`, i)
			for j := 1; j < 10; j++ {
				fmt.Fprintf(&b, `,{"a":[%d]}`, j)
			}
			b.WriteString(`]}`)
		}
		return b.String() + "}"
	}
	if p := mustParse(t, ors(3)); len(p.branches) != 1000 {
		t.Errorf("%d branches", len(p.branches))
	}
	if _, err := Parse(ors(4)); err == nil || !strings.HasPrefix(err.Error(), "Event pattern is not valid. Reason: Rule is too complex") {
		t.Errorf("got %v", err)
	}
}

func TestTheComplexityOfAWildcardIsOfOneText(t *testing.T) {
	for text, want := range map[string]int{
		"*": 1, "a*b": 2, "aa*": 2, "*aa": 3, "a*bbb": 4, "*ab*ad": 4, "a*b*bb": 5, "*:*:*:*:*:event-bus/*": 10, "arn:aws:events:us-east-1:*:event-bus/*": 3, "*/dir/*/file.png": 4,
	} {
		if got := wildcard(strings.Split(text, "*")).complexity(); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	_, err := Parse(`{"a":[{"wildcard":"*:*:*:*:*:event-bus/*"}]}`)
	if want := "Event pattern is not valid. Reason: Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestInvalidEvents(t *testing.T) {
	for _, event := range []string{
		``, `[]`, `1`, `{"a":}`, `{"a":1}x`, `{"a":01}`, `{"a":1.}`, `{"a":+1}`, `{"a":tru}`, `{"a":"` + "\n" + `"}`, `{"a":"\x"}`, "{\"a\":\"\xff\"}",
		`{"a":9223372036854775808}`, `{"a":-9223372036854775809}`, `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
	} {
		if _, err := ParseEvent([]byte(event)); err == nil {
			t.Errorf("event %.50s is taken", event)
		}
	}
	for _, event := range []string{
		`{"a":9223372036854775807}`, `{"a":1e400}`, `{"a":` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `}`,
	} {
		if _, err := ParseEvent([]byte(event)); err != nil {
			t.Errorf("event %.50s: %v", event, err)
		}
	}
}
