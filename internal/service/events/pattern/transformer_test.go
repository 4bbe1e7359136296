package pattern

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// instance is the event of "Amazon EventBridge input transformation", with some values more.
const instance = `{"version":"0","id":"7bf73129-1428-4cd3-a780-95db273d1602","detail-type":"EC2 Instance State-change Notification",` +
	`"source":"aws.ec2","account":"123456789012","time":"2015-11-11T21:29:54Z","region":"us-east-1",` +
	`"resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],` +
	`"detail":{"instance-id":"i-0123456789","state":"RUNNING","count":3,"say":"\"hi\"\n","tags":[{"k":"a"},{"k":"b"}],"o":{"p":"q"}}}`

func mustEvent(t testing.TB, document string) *Event {
	t.Helper()
	e, err := ParseEvent([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestInputPaths(t *testing.T) {
	e := mustEvent(t, instance)
	for path, want := range map[string]string{
		"$":                      instance,
		"$.detail.state":         `"RUNNING"`,
		"$.detail.instance-id":   `"i-0123456789"`,
		"$.detail.count":         `3`,
		"$.detail.o":             `{"p":"q"}`,
		"$.detail['o'].p":        `"q"`,
		"$.resources[0]":         `"arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"`,
		"$.detail.tags[1].k":     `"b"`,
		"$.detail.tags[*].k":     `["a","b"]`,
		"$.detail.o.*":           `["q"]`,
		"$.detail.nothing":       ``,
		"$.resources[1]":         ``,
		"$.detail.state.further": ``,
		"$.detail.nothing[*]":    `[]`,
	} {
		if got, err := pathOf(e, path); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", path, got, err, want)
		}
	}
	for _, path := range []string{"", "detail", "$detail", "$.", "$..state", "$.a[", "$.a[x]", "$.a[-1]", "$.a b", "$.a[?(@.x)]"} {
		if _, err := pathOf(e, path); err == nil {
			t.Errorf("path %q is taken", path)
		}
	}
}

func TestTransformers(t *testing.T) {
	paths := map[string]string{"instance": "$.detail.instance-id", "state": "$.detail.state", "count": "$.detail.count",
		"say": "$.detail.say", "tags": "$.detail.tags", "o": "$.detail.o", "none": "$.detail.none"}
	c := Context{RuleARN: "arn:aws:events:us-east-1:123456789012:rule/r", RuleName: "r", Ingested: time.Date(2015, 11, 11, 21, 29, 55, 0, time.UTC)}
	e := mustEvent(t, instance)
	envelope, _, _ := strings.Cut(instance, `,"detail":`)
	envelope = strings.Replace(envelope, "detail-type", "detailType", 1) + "}"
	for _, test := range []struct{ rule, template, want string }{
		{"a text", `"instance <instance> is in <state>"`, `"instance i-0123456789 is in RUNNING"`},
		{"lines of text", "\"instance <instance> is in <state>\"\n\"and <count>\"", "\"instance i-0123456789 is in RUNNING\"\n\"and 3\""},
		{"texts outside quotes get them", `{"instance":<instance>,"state":<state>}`, `{"instance":"i-0123456789","state":"RUNNING"}`},
		{"numbers, objects and arrays stay", `{"c":<count>,"o":<o>,"t":<tags>}`, `{"c":3,"o":{"p":"q"},"t":[{"k":"a"},{"k":"b"}]}`},
		{"within escaped quotes", `{"s":"instance \"<instance>\" is in <state>"}`, `{"s":"instance \"i-0123456789\" is in RUNNING"}`},
		{"escapes stay", `{"s":"<say>","t":<say>}`, `{"s":"\"hi\"\n","t":"\"hi\"\n"}`},
		{"objects in texts lose quotes", `"of <o>"`, `"of {p:q}"`},
		{"what is not there", `{"a":<none>,"b":"<none>"}`, `{"a":"","b":""}`},
		{"the rule", `{"a":<aws.events.rule-arn>,"n":"<aws.events.rule-name>"}`, `{"a":"arn:aws:events:us-east-1:123456789012:rule/r","n":"r"}`},
		{"the event", `{"e":<aws.events.event.json>}`, `{"e":` + instance + `}`},
		{"its envelope", `{"e":<aws.events.event>}`, `{"e":` + envelope + `}`},
		{"when it came", `{"t":<aws.events.event.ingestion-time>}`, `{"t":"2015-11-11T21:29:55Z"}`},
		{"other angle brackets stay", `{"a":"1 < 2 <> 3 > <a b>"}`, `{"a":"1 < 2 <> 3 > <a b>"}`},
		{"a placeholder as a name", `{<instance>:1}`, `{"i-0123456789":1}`},
		{"a whole value", `<o>`, `{"p":"q"}`},
	} {
		transformer, err := ParseTransformer(paths, test.template)
		if err != nil {
			t.Errorf("%s: %v", test.rule, err)
			continue
		}
		if got, err := transformer.Apply(e, c); err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, %v, want %s", test.rule, got, err, test.want)
		}
	}
}

func TestObjectsWithinTheQuotesOfJSONMakeNoInput(t *testing.T) {
	e, err := ParseEvent([]byte(`{"detail":{"payload":{"id":"1"},"list":["HIGH"],"numbers":[1,2]}}`))
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{"payload": "$.detail.payload", "list": "$.detail.list", "numbers": "$.detail.numbers"}
	for template, want := range map[string]string{
		`{"not_valid": "users-service/users/<payload>", "bod": <payload>}`: "",
		`{"payload": "<payload>"}`: "",
		`{"item": "<list>"}`:       "",
		`{"n": "<numbers>"}`:       `{"n": "[1,2]"}`,
		`"item <list>"`:            `"item [HIGH]"`,
	} {
		transformer, err := ParseTransformer(paths, template)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := transformer.Apply(e, Context{}); string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %s, %v", template, got, err)
		}
	}
}

func TestInvalidTransformers(t *testing.T) {
	many := map[string]string{}
	for i := range 101 {
		many[fmt.Sprint("v", i)] = "$.detail"
	}
	for _, c := range []struct {
		paths          map[string]string
		template, want string
	}{
		{nil, `{"a":<b>}`, "InputTemplate for target T contains invalid placeholder b."},
		{map[string]string{"b": "detail"}, `{"a":<b>}`, "InputPathsMap for target T contains invalid path detail."},
		{map[string]string{"aws.b": "$"}, `<aws.b>`, "InputPathsMap for target T contains invalid name aws.b."},
		{map[string]string{"b": "$"}, `instance <b>`, `Invalid InputTemplate for target T : [Source: (String)"instance """; line: 1, column: 9].`},
		{map[string]string{"b": "$"}, `{"a":<b>`, `Invalid InputTemplate for target T : [Source: (String)"{"a":"""; line: 1, column: 8].`},
		{nil, ``, `Invalid InputTemplate for target T : [Source: (String)""; line: 1, column: 1].`},
		{nil, `"event <aws.events.event.json>"`, "InputTemplate for target T contains placeholder aws.events.event.json valid only for JSON template."},
		{nil, `"<aws.events.event>"`, "InputTemplate for target T contains placeholder aws.events.event valid only for JSON template."},
		{many, `"x"`, "InputPathsMap for target T has more than 100 entries."},
	} {
		_, err := ParseTransformer(c.paths, c.template)
		var invalid *InvalidInput
		if !errors.As(err, &invalid) || invalid.For("T") != c.want {
			t.Errorf("template %s: got %v", c.template, err)
		}
	}
}

func TestATemplateThatNamesAValueOverAndOverMakesNoMoreThanATargetTakes(t *testing.T) {
	e, err := ParseEvent([]byte(`{"detail":"` + strings.Repeat("x", 200_000) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	for times, fits := range map[int]bool{5: true, 6: false, 2000: false} {
		transformer, err := ParseTransformer(map[string]string{"d": "$.detail"}, `"`+strings.Repeat("<d>", times)+`"`)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := transformer.Apply(e, Context{}); (err == nil) != fits || len(got) > mostSent {
			t.Errorf("%d times: %d bytes, %v", times, len(got), err)
		}
	}
}

// pathOf is what an input path leads to in an event, or nil.
func pathOf(e *Event, path string) ([]byte, error) {
	p, err := ParsePath(path)
	if err != nil {
		return nil, err
	}
	return p.Find(e), nil
}
