package server

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// A place is a member of an input, or of what is in it: present in the valid
// input or not.
type place struct {
	path  string
	typ   reflect.Type
	value any           // in the valid input; nil if it has none
	with  func(any) any // the whole input with another value here
}

// A wrong is a value to try in a place.
type wrong struct {
	name    string
	value   any
	refused bool // there is no way to take it as right
	text    bool // nor is there in awsQuery and ec2Query, where every value is text
}

// absent takes a member away.
type absent struct{}

// deepest is how many members down places are looked for.
const deepest = 7

// places lists the members of an input of a type, those below them included.
func places(t reflect.Type, input any, wireName func(of reflect.Type, member string) string) []place {
	var found []place
	var visit func(p place, depth int)
	visit = func(p place, depth int) {
		t := p.typ
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		p.typ = t
		if depth > 0 {
			found = append(found, p)
		}
		if depth == deepest || t == reflect.TypeFor[time.Time]() {
			return
		}
		switch t.Kind() {
		case reflect.Struct:
			object, _ := p.value.(map[string]any)
			for f := range t.Fields() {
				if !f.IsExported() || f.Name == "ResultMetadata" {
					continue
				}
				name := wireName(t, f.Name)
				visit(place{p.path + "." + name, f.Type, object[name], func(v any) any { return p.with(setMember(object, name, v)) }}, depth+1)
			}
		case reflect.Slice:
			if t.Elem().Kind() == reflect.Uint8 {
				return
			}
			for i, v := range listOr(p.value, nil) {
				visit(place{fmt.Sprintf("%s[%d]", p.path, i), t.Elem(), v, func(v any) any { return p.with(setItem(listOr(p.value, nil), i, v)) }}, depth+1)
			}
		case reflect.Map:
			object, _ := p.value.(map[string]any)
			if object == nil {
				object = map[string]any{"key": nil}
			}
			for k, v := range object {
				visit(place{p.path + "." + k, t.Elem(), v, func(v any) any { return p.with(setMember(object, k, v)) }}, depth+1)
			}
		}
	}
	visit(place{"", t, input, func(v any) any { return v }}, 0)
	return found
}

// listOr is a list's items; a list that is not in the valid input gets one.
func listOr(v, item any) []any {
	if list, ok := v.([]any); ok && len(list) > 0 {
		return list
	}
	return []any{item}
}

func setMember(object map[string]any, name string, v any) map[string]any {
	out := make(map[string]any, len(object)+1)
	for k, e := range object {
		if e != nil {
			out[k] = e
		}
	}
	if delete(out, name); v != (any)(absent{}) {
		out[name] = v
	}
	return out
}

func setItem(list []any, i int, v any) []any {
	out := append([]any{}, list...)
	if v == (any)(absent{}) {
		return append(out[:i], out[i+1:]...)
	}
	out[i] = v
	return out
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

// memberNames are what the members of structs are called in the requests of services.
var memberNames = map[string]func(of reflect.Type, member string) string{
	"application-autoscaling": sameName,
	"ec2":                     ec2Name,
	"sqs": func(of reflect.Type, member string) string {
		if member == "Tags" && of.Name() == "CreateQueueInput" {
			return "tags"
		}
		return member
	},
	"ecr": func(of reflect.Type, member string) string {
		if of.Name() == "Tag" {
			return member
		}
		return lowerFirst(member)
	},
	"ecs":                  func(_ reflect.Type, member string) string { return lowerFirst(member) },
	"elasticloadbalancing": sameName,
	"events":               sameName,
	"iam":                  sameName,
	"logs":                 func(_ reflect.Type, member string) string { return lowerFirst(member) },
	"monitoring":           sameName,
	"lambda":               restName("lambda"),
	"scheduler":            restName("scheduler"),
	"sts": func(_ reflect.Type, member string) string {
		if member == "Arn" { // of a PolicyDescriptorType
			return "arn"
		}
		return member
	},
}

func sameName(_ reflect.Type, member string) string { return member }

// ec2Name is a name in ec2Query, which has as many exceptions as rules: they are in
// the table of the wire.
func ec2Name(of reflect.Type, member string) string {
	shape := of.Name()
	if operation, ok := strings.CutSuffix(shape, "Input"); ok {
		shape = operation + "Request"
	}
	return cmp.Or(ec2Names().Shapes[shape].Members[member].Query, member)
}

type ec2Table struct {
	Shapes map[string]struct {
		Members map[string]struct{ Query string }
	}
}

var ec2Names = sync.OnceValue(func() (t ec2Table) {
	b, err := os.ReadFile("../wire/model/ec2.json")
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err != nil {
		panic(err)
	}
	return t
})

// wrongs lists the values to try in a place.
func (p place) wrongs() []wrong {
	out := []wrong{{name: "absent", value: absent{}}, {name: "null"}, {"deep", nested{2000}, p.known(), p.known()}}
	mismatch := func(name string, v any, text bool) { out = append(out, wrong{name, v, true, text}) }
	try := func(name string, v any) { out = append(out, wrong{name: name, value: v}) }
	switch t := p.typ; {
	case t == reflect.TypeFor[time.Time]():
		mismatch("words", "yesterday", true)
		mismatch("true", true, true)
		mismatch("list", []any{int64(1)}, true)
		mismatch("NaN", "NaN", true)
		mismatch("huge", 1e308, true)
		for _, at := range []int64{0, -62135596799, 253402300799, 9_000_000_000} {
			try(fmt.Sprint("second ", at), time.Unix(at, 0).UTC())
		}
	case t.Kind() == reflect.String:
		mismatch("number", int64(12), false)
		mismatch("true", true, false)
		mismatch("list", []any{"a"}, true)
		mismatch("object", map[string]any{"a": "b"}, true)
		mismatch("charset", broken, true)
		if t.Name() != "string" {
			mismatch("enum", "NO_SUCH_VALUE", true)
		}
		for name, s := range oddTexts {
			try(name, s)
		}
	case t.Kind() == reflect.Bool:
		mismatch("words", "perhaps", true)
		mismatch("number", 0.5, true)
		mismatch("list", []any{true}, true)
		try("true", true)
		try("false", false)
	case t.Kind() == reflect.Int32 || t.Kind() == reflect.Int64:
		mismatch("words", "many", true)
		mismatch("true", true, true)
		mismatch("object", map[string]any{"a": int64(1)}, true)
		mismatch("2^63", uint64(1<<63), true)
		mismatch("1e308", 1e308, true)
		mismatch("NaN", "NaN", true)
		for _, n := range []int64{-1, 0, 7, 1000, math.MinInt32, math.MaxInt32, math.MinInt64, math.MaxInt64} {
			try(fmt.Sprint(n), n)
		}
	case t.Kind() == reflect.Float64:
		mismatch("words", "much", true)
		mismatch("true", true, true)
		mismatch("list", []any{1.5}, true)
		try("1e400", json.Number("1e400"))
		for _, f := range []float64{-1, 0, 1e308, -1e308, 5e-324, math.NaN(), math.Inf(1), math.Inf(-1)} {
			try(fmt.Sprint(f), f)
		}
	case t.Kind() == reflect.Struct:
		mismatch("words", "text", true)
		mismatch("number", int64(1), true)
		mismatch("list", []any{}, false)
		try("empty", map[string]any{})
		try("unknown member", map[string]any{"noSuchMember": "x"})
	case t == reflect.TypeFor[[]byte]():
		mismatch("words", "some text", true)
		mismatch("number", int64(1), true)
		mismatch("list", []any{int64(1)}, true)
		try("empty", "")
	case t.Kind() == reflect.Slice:
		items := listOr(p.value, sample(t.Elem()))
		mismatch("words", "text", true)
		mismatch("number", int64(1), true)
		mismatch("object", map[string]any{"a": items[0]}, false)
		try("empty", []any{})
		try("nulls", []any{nil, nil})
		try("twice", append(append([]any{}, items...), items...))
		try("many", many{items[0], false})
	case t.Kind() == reflect.Map:
		mismatch("words", "text", true)
		mismatch("list", []any{sample(t.Elem())}, false)
		try("empty", map[string]any{})
		try("null", map[string]any{"a": nil})
		for name, s := range oddTexts {
			try("key "+name, map[string]any{s: sample(t.Elem())})
		}
		try("many", many{sample(t.Elem()), true})
	default: // a union or a document
		try("words", "text")
		try("empty", map[string]any{})
		try("unknown member", map[string]any{"noSuchMember": map[string]any{}})
	}
	return out
}

// known is whether the type says what may stand in a place.
func (p place) known() bool { return p.typ.Kind() != reflect.Interface }

var oddTexts = map[string]string{
	"empty":             "",
	"space":             " ",
	"long":              strings.Repeat("x", 900_000),
	"257 long":          strings.Repeat("x", 257),
	"controls":          "\x01\n\x7f",
	"other letters":     "éשß\U0001f600\u2028",
	"punctuation":       `/..\<&>"'%;:|*?[](){}$`,
	"digits":            "99999999999999999999",
	"negative":          "-1",
	"NaN":               "NaN",
	"json":              `{"a": [1`,
	"unknown name":      "no-such-thing",
	"garbage ARN":       "arn:aws:::",
	"short ARN":         "arn:aws:ecs",
	"unknown service":   "arn:aws:ecs:us-east-1:123456789012:service/prod/none",
	"unknown task":      "arn:aws:ecs:us-east-1:123456789012:task/prod/none",
	"empty resource":    "arn:aws:ecs:us-east-1:123456789012:",
	"cluster alone":     "arn:aws:ecs:us-east-1:123456789012:cluster/",
	"another's cluster": "arn:aws:ecs:us-east-1:999999999999:cluster/prod",
	"other region":      "arn:aws:ecs:eu-west-3:123456789012:cluster/prod",
	"unknown alarm":     "arn:aws:cloudwatch:us-east-1:123456789012:alarm:none",
	"another's alarm":   "arn:aws:cloudwatch:us-east-1:999999999999:alarm:busy",
	"unknown target":    "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/none",
	"other policy":      "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:none:resource/ecs/service/prod/web:policyName/none",
	"unknown role":      "arn:aws:iam::123456789012:role/none",
	"another's role":    "arn:aws:iam::999999999999:role/web",
	"role elsewhere":    "arn:aws:iam::123456789012:role/path/web",
	"AWS's policy":      "arn:aws:iam::aws:policy/AdministratorAccess",
	"a service's own":   "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy",
	"linked role":       "AWSServiceRoleForECS",
	"empty policy":      `{"Version": "2012-10-17", "Statement": []}`,
	"other namespace":   "dynamodb",
	"short resource":    "service/web",
}

// sample is a plausible value of a type.
func sample(t reflect.Type) any {
	switch t.Kind() {
	case reflect.Pointer:
		return sample(t.Elem())
	case reflect.String:
		if values := reflect.Zero(t).MethodByName("Values"); values.IsValid() {
			return values.Call(nil)[0].Index(0).String()
		}
		return "a"
	case reflect.Int32, reflect.Int64, reflect.Float64:
		return int64(1)
	case reflect.Bool:
		return true
	case reflect.Slice:
		return []any{sample(t.Elem())}
	}
	return map[string]any{}
}

// many stands for a list or a map with ten thousand times the same value, and
// nested for a list in a list, and so on. They are made when they are sent.
type (
	many struct {
		item  any
		keyed bool
	}
	nested struct{ depth int }
)

func (m many) value() any {
	list, object := make([]any, 10_000), map[string]any{}
	for i := range list {
		list[i] = m.item
		if m.keyed {
			object[fmt.Sprint("key", i)] = m.item
		}
	}
	if m.keyed {
		return object
	}
	return list
}

func (n nested) value() any {
	v := any("x")
	for range n.depth {
		v = []any{v}
	}
	return v
}
