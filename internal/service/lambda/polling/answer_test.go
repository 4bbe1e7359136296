package polling

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatAnAnswerLeavesInTheQueue(t *testing.T) {
	const all = "a b c"
	for name, c := range map[string]struct{ answer, want string }{
		"nothing":                        {``, ""},
		"null":                           {`null`, ""},
		"an empty object":                {`{}`, ""},
		"another object":                 {`{"statusCode": 200}`, ""},
		"no list":                        {`{"batchItemFailures": null}`, ""},
		"an empty list":                  {`{"batchItemFailures": []}`, ""},
		"some":                           {`{"batchItemFailures": [{"itemIdentifier": "c"}, {"itemIdentifier": "a"}]}`, "a c"},
		"one twice":                      {`{"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "b"}]}`, "b"},
		"no JSON":                        {`{"batchItemFailures": [`, all},
		"a string":                       {`"done"`, all},
		"a list that is none":            {`{"batchItemFailures": "a"}`, all},
		"an empty identifier":            {`{"batchItemFailures": [{"itemIdentifier": ""}]}`, all},
		"an identifier that is null":     {`{"batchItemFailures": [{"itemIdentifier": null}]}`, all},
		"an identifier by another key":   {`{"batchItemFailures": [{"id": "a"}]}`, all},
		"an identifier of no message":    {`{"batchItemFailures": [{"itemIdentifier": "d"}]}`, all},
		"an identifier that is a number": {`{"batchItemFailures": [{"itemIdentifier": 1}]}`, all},
	} {
		var got []string
		for _, r := range Failures([]Record{{ID: "a"}, {ID: "b"}, {ID: "c"}}, []byte(c.answer)) {
			got = append(got, r.ID)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func FuzzFailuresAreAmongTheRecords(f *testing.F) {
	for _, seed := range []string{``, `{"batchItemFailures": [{"itemIdentifier": "a"}]}`, `[[[[`, `{"batchItemFailures": {}}`} {
		f.Add([]byte(seed))
	}
	records := []Record{{ID: "a"}, {ID: "b"}}
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, r := range Failures(records, answer) {
			if !slices.ContainsFunc(records, func(other Record) bool { return other.ID == r.ID }) {
				t.Fatalf("%s leaves %s", answer, r.ID)
			}
		}
	})
}
