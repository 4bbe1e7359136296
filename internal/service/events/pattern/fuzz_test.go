package pattern

import (
	"encoding/json"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, c := range published {
		f.Add(c.pattern)
	}
	f.Add(`{"$or":[{"a":[{"wildcard":"a*\\*"}]},{"a.b":[{"anything-but":{"suffix":["x"]}}]}],"n":[{"numeric":[">",1,"<=",2e3]},{"cidr":"::/1"},null,1.0]}`)
	e, _ := ParseEvent([]byte(instance))
	f.Fuzz(func(t *testing.T, document string) {
		p, err := Parse(document)
		if err != nil {
			return
		}
		if !json.Valid([]byte(document)) {
			t.Fatalf("%q is taken, and no JSON", document)
		}
		if len(p.branches) == 0 || len(p.branches) > most {
			t.Fatalf("%q has %d branches", document, len(p.branches))
		}
		p.matches(e)
	})
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(instance))
	f.Add([]byte(`{"a":[1,-2.5e-3,[true,null]],"b.c":{"d":"\u00e9\ud83d\ude00"},"b":{"c":1}}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		e, err := ParseEvent(document)
		if err == nil && !json.Valid(document) {
			t.Fatalf("%q is taken, and no JSON", document)
		}
		if err == nil && !json.Valid(e.json(&e.root)) {
			t.Fatalf("%q is cut wrongly", document)
		}
	})
}

func FuzzMatches(f *testing.F) {
	for _, c := range published {
		for _, event := range append(c.wanted, c.not...) {
			f.Add(c.pattern, event)
		}
	}
	f.Fuzz(func(t *testing.T, document, event string) {
		p, err := Parse(document)
		if err != nil {
			return
		}
		e, err := ParseEvent([]byte(event))
		if err != nil {
			return
		}
		var x Index[int]
		x.Set(1, p)
		if got := len(x.Match(e)) == 1; got != p.matches(e) {
			t.Fatalf("pattern %q, event %q: %t in the index, %t alone", document, event, got, !got)
		}
	})
}

func FuzzTransformer(f *testing.F) {
	f.Add("$.detail.state", `{"a":<v>,"b":"<v> <aws.events.rule-name>"}`)
	f.Add("$.detail.tags[*].k", `"<v>"`)
	e, _ := ParseEvent([]byte(instance))
	f.Fuzz(func(t *testing.T, path, template string) {
		transformer, err := ParseTransformer(map[string]string{"v": path}, template)
		if err != nil {
			return
		}
		if _, err := transformer.Apply(e, Context{}); err != nil {
			t.Fatal(err)
		}
	})
}
