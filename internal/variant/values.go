package variant

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A Want says how a call has to be answered.
type Want int

const (
	// Either: the operation takes it, or refuses it.
	Either Want = iota
	// Allowed: it meets what the model says of it. The operation takes it, or refuses it
	// for something that no model says.
	Allowed
	// Same: it means what the valid call means, and is answered like it.
	Same
	// Broken: it breaks a constraint of the model, which is told.
	Broken
	// Unreadable: it is not of the type that it has to be.
	Unreadable
)

// A Variant is an input with one value that is not the valid one.
type Variant struct {
	Operation string
	Path      string // of the value
	Name      string // what it is
	Want      Want
	Input     any

	said, must string // what AWS says of a constraint that is broken
	in         string
	kept       []string // which constraints it keeps
	ofEnum     bool     // it is none of an enum
	hollow     bool     // what it is in was made for it
	text       bool     // it cannot be read in protocols either in which all is text
}

func (v Variant) String() string { return v.Operation + v.Path + " " + v.Name }

// Of lists the variants of an input of an operation, which is a tree of values as
// encoding/json makes them, and of times. The type is the SDK's of the input.
func (m *Model) Of(t reflect.Type, valid any) []Variant {
	operation := operationOf(t)
	out := []Variant{{Operation: operation, Name: "with an unknown member", Want: Same, Input: setMember(objectOf(valid), "NoSuchMember", "x")}}
	for _, p := range m.places(operation, t, valid) {
		v := values{place: p, shape: m.Shapes[p.shape], model: m}
		v.list()
		for _, one := range v.out {
			one.Operation, one.Path, one.in = operation, p.path, p.in
			out = append(out, one)
		}
	}
	return out
}

func objectOf(v any) map[string]any {
	object, _ := v.(map[string]any)
	return object
}

// values are those to try in a place.
type values struct {
	place
	shape shape
	model *Model
	out   []Variant
}

func (v *values) try(name string, want Want, value any) {
	v.out = append(v.out, Variant{Name: name, Want: want, Input: v.with(value)})
}

// allowed adds a value that the model allows.
func (v *values) allowed(name string, value any) {
	v.try(name, Allowed, value)
	one := &v.out[len(v.out)-1]
	one.said, one.kept = v.said, keptByValue
	switch {
	case v.typ.Kind() == reflect.Slice || v.typ.Kind() == reflect.Map:
		one.kept = keptBySize
	case v.isOfWhole():
		one.said = v.whole
	}
	if v.typ.Kind() == reflect.String && v.typ.Name() != "string" {
		one.kept = keptByEnum
	}
}

func (v *values) either(name string, value any) { v.try(name, Either, value) }

// unreadable adds a value of another type. In protocols in which all is text, some can be
// read for all that.
func (v *values) unreadable(name string, value any, alsoText bool) {
	if v.in != "" && (v.typ.Kind() == reflect.String || v.typ.Kind() == reflect.Slice) {
		v.either(name, value) // paths, queries and headers are text, any number of them
		return
	}
	v.try(name, Unreadable, value)
	v.out[len(v.out)-1].text = alsoText
}

// broken adds a value that does not do what it must.
func (v *values) broken(name, must string, value any) {
	v.try(name, Broken, value)
	one := &v.out[len(v.out)-1]
	one.said, one.must, one.hollow = v.said, must, v.made
	one.ofEnum = strings.Contains(must, "enum value set")
	if v.isOfWhole() {
		one.said, one.must = v.whole, "Member must satisfy constraint: ["
		if v.isValueOfMap() {
			one.must = "Map value must satisfy constraint: ["
		}
	}
}

// isOfWhole tells the texts of a list, and those and the numbers of a map, which are named
// whole.
func (v *values) isOfWhole() bool {
	isNumber := v.typ.Kind() == reflect.Float64 || v.typ.Kind() == reflect.Int32 || v.typ.Kind() == reflect.Int64
	return v.whole != "" && (v.typ.Kind() == reflect.String || isNumber && v.isValueOfMap())
}

func (v *values) isValueOfMap() bool { return !strings.HasSuffix(v.path, "]") }

func (v *values) list() {
	v.missing()
	v.unreadable("deep", nested{2000}, v.in == "")
	switch t := v.typ; {
	case t == reflect.TypeFor[time.Time]():
		v.times()
	case t.Kind() == reflect.String && t.Name() != "string":
		v.texts()
		v.enums()
	case t.Kind() == reflect.String:
		v.texts()
		v.strings()
	case t.Kind() == reflect.Bool:
		v.bools()
	case t.Kind() == reflect.Int32 || t.Kind() == reflect.Int64:
		v.integers()
	case t.Kind() == reflect.Float64:
		v.floats()
	case t.Kind() == reflect.Struct:
		v.structs()
	case t == reflect.TypeFor[[]byte]():
		v.blobs()
	case t.Kind() == reflect.Slice:
		v.lists()
	case t.Kind() == reflect.Map:
		v.maps()
	default: // a union or a document, of which the type does not say what may stand there
		v.out = slices.DeleteFunc(v.out, func(one Variant) bool { return one.Name == "deep" })
		v.either("words", "text")
		v.either("empty", map[string]any{})
		v.either("unknown member", map[string]any{"noSuchMember": map[string]any{}})
	}
}

const mustBeThere = "Member must not be null"

// missing leaves the member out, or makes it null, which is the same.
func (v *values) missing() {
	for name, value := range map[string]any{"absent": absent{}, "null": nil} {
		switch {
		case v.in == "uri":
			v.either(name, value) // another path, which may be another operation's
		case v.required:
			v.broken(name, mustBeThere, value)
		case name == "null" && v.value == nil && !v.made && v.whole == "":
			v.try(name, Same, value)
		default:
			v.either(name, value)
		}
	}
}

func (v *values) times() {
	v.unreadable("words", "yesterday", true)
	v.unreadable("true", true, true)
	v.unreadable("list", []any{int64(1)}, true)
	v.unreadable("NaN", "NaN", true)
	v.unreadable("huge", 1e308, true)
	for _, at := range []int64{0, -62135596799, 253402300799, 9_000_000_000} {
		v.either(fmt.Sprint("second ", at), time.Unix(at, 0).UTC())
	}
}

func (v *values) texts() {
	v.unreadable("number", int64(12), false)
	v.unreadable("true", true, false)
	v.unreadable("list", []any{"a"}, true)
	v.unreadable("object", map[string]any{"a": "b"}, true)
	v.unreadable("not UTF-8", notUTF8, true)
}

// enums tries each value of an enum, and one that is none.
func (v *values) enums() {
	for _, value := range enumValues(v.typ) {
		v.allowed("enum "+value, value)
	}
	if v.typ.Name() == "Runtime" { // those that AWS has ended are told by words of their own
		v.either("no value of the enum", "NO_SUCH_VALUE")
		return
	}
	v.broken("no value of the enum", "Member must satisfy enum value set: [", "NO_SUCH_VALUE")
	if v.in == "" {
		v.broken("empty", "Member must satisfy enum value set: [", "")
	}
}

func enumValues(t reflect.Type) (values []string) {
	m := reflect.Zero(t).MethodByName("Values")
	if !m.IsValid() {
		return nil
	}
	list := m.Call(nil)[0]
	for i := range list.Len() {
		values = append(values, list.Index(i).String())
	}
	return values
}

// largest bounds texts and lists that are made to be at a limit.
const largest = 300_000

func (v *values) strings() {
	like := v.shape.matches()
	for _, limit := range []*float64{v.shape.Min, v.shape.Max} {
		if limit == nil || *limit > largest {
			continue
		}
		for n := max(int(*limit)-1, 0); n <= int(*limit)+1; n++ {
			v.held(fmt.Sprint("of length ", n), v.textOf(n, like), like)
		}
	}
	if like != nil {
		v.held("unlike the pattern", v.oddText(like), like)
	}
	for _, name := range slices.Sorted(maps.Keys(oddTexts)) {
		v.held(name, oddTexts[name], like)
	}
	v.elsewhere()
}

// held adds a text, which is held against the model.
func (v *values) held(name, text string, like *regexp.Regexp) {
	switch must := v.must(text, like); {
	case v.in != "" && !carried.MatchString(text):
		v.either(name, text)
	case must != "":
		v.broken(name, must, text)
	default:
		v.allowed(name, text)
	}
}

// carried are the texts that paths, queries and headers carry as they are.
var carried = regexp.MustCompile(`^[A-Za-z0-9_-]{1,900}$`)

// must is what a text has to do and does not.
func (v *values) must(text string, like *regexp.Regexp) string {
	runes := func() float64 { return float64(utf8.RuneCountInString(text)) }
	switch {
	case v.shape.Max != nil && (len(text) > utf8.UTFMax*int(*v.shape.Max) || runes() > *v.shape.Max):
		return "Member must have length less than or equal to " + number(*v.shape.Max)
	case v.shape.Min != nil && runes() < *v.shape.Min:
		return "Member must have length greater than or equal to " + number(*v.shape.Min)
	case like != nil && !like.MatchString(text):
		return "Member must satisfy regular expression pattern: " + v.shape.Pattern
	}
	return ""
}

// textOf is a text of a length, which is like a pattern if one can be found.
func (v *values) textOf(n int, like *regexp.Regexp) string {
	fills := []string{"a", "1", "A", "a1", "/a", "."}
	if valid, isText := v.value.(string); isText && valid != "" && valid[0] != '$' && len(valid) <= n {
		fills = append([]string{valid + strings.Repeat("a", n-len(valid)), valid + strings.Repeat("1", n-len(valid))}, fills...)
	}
	for _, fill := range fills {
		text := strings.Repeat(fill, n/len(fill)+1)[:n]
		if like == nil || like.MatchString(text) {
			return text
		}
	}
	return strings.Repeat("a", n)
}

// oddText is a text within its lengths that is not like a pattern, if there is one.
func (v *values) oddText(like *regexp.Regexp) (text string) {
	n := 1
	if v.shape.Min != nil {
		n = max(n, int(*v.shape.Min))
	}
	for _, c := range []string{"!", " ", "~", "\x01", "é", "*"} {
		if text = strings.Repeat(c, n); !like.MatchString(text) {
			break
		}
	}
	return text
}

// elsewhere has an ARN of the valid input in another region, account and partition.
func (v *values) elsewhere() {
	text, _ := v.value.(string)
	if part := strings.SplitN(text, ":", 6); strings.HasPrefix(text, "arn:") && len(part) == 6 {
		for i, other := range map[int]string{1: "aws-cn", 2: "nosuch", 3: "eu-west-3", 4: "999999999999"} {
			changed := slices.Clone(part)
			changed[i] = other
			v.either("ARN of "+other, strings.Join(changed, ":"))
		}
	}
}

func (v *values) bools() {
	v.unreadable("words", "perhaps", true)
	v.unreadable("number", 0.5, true)
	v.unreadable("list", []any{true}, true)
	v.either("true", true)
	v.either("false", false)
}

func (v *values) integers() {
	v.unreadable("words", "many", true)
	v.unreadable("true", true, true)
	v.unreadable("object", map[string]any{"a": int64(1)}, true)
	v.unreadable("2^63", uint64(1<<63), true)
	v.unreadable("1e308", 1e308, true)
	v.unreadable("NaN", "NaN", true)
	if v.typ.Kind() == reflect.Int32 {
		v.unreadable("2^31", int64(1<<31), true)
	}
	whole := func(f float64) any { return int64(f) }
	v.limits(whole, 1)
	for _, n := range []float64{-1, 0, 7, 1000, math.MinInt32, math.MaxInt32} {
		v.number(fmt.Sprint(n), n, whole)
	}
}

// limits tries the limits of a number, and what is just inside and beyond.
func (v *values) limits(as func(float64) any, step float64) {
	for _, limit := range []*float64{v.shape.Min, v.shape.Max} {
		if limit == nil || math.Abs(*limit) >= math.MaxInt32 {
			continue
		}
		for _, n := range []float64{*limit - step, *limit, *limit + step} {
			v.number(fmt.Sprint(n), n, as)
		}
	}
}

// number adds a number, which is held against the model.
func (v *values) number(name string, n float64, as func(float64) any) {
	switch {
	case v.shape.Max != nil && n > *v.shape.Max:
		v.broken(name, "Member must have value less than or equal to "+number(*v.shape.Max), as(n))
	case v.shape.Min != nil && n < *v.shape.Min:
		v.broken(name, "Member must have value greater than or equal to "+number(*v.shape.Min), as(n))
	default:
		v.allowed(name, as(n))
	}
}

func (v *values) floats() {
	v.unreadable("words", "much", true)
	v.unreadable("true", true, true)
	v.unreadable("list", []any{1.5}, true)
	v.limits(func(f float64) any { return f }, 0.5)
	v.either("1e400", json.Number("1e400"))
	for _, f := range []float64{-1, 0, 1e308, -1e308, 5e-324, math.NaN(), math.Inf(1), math.Inf(-1)} {
		v.either(fmt.Sprint(f), f)
	}
}

func (v *values) structs() {
	v.unreadable("words", "text", true)
	v.unreadable("number", int64(1), true)
	v.unreadable("list", []any{}, false)
	v.either("empty", map[string]any{})
	if object, ok := v.value.(map[string]any); ok {
		v.try("with an unknown member", Same, setMember(object, "noSuchMember", "x"))
	}
}

func (v *values) blobs() {
	v.unreadable("words", "some text", true)
	v.unreadable("number", int64(1), true)
	v.unreadable("list", []any{int64(1)}, true)
	v.either("empty", "")
	if high := v.shape.Max; high != nil && *high <= largest {
		v.broken("too long", "Member must have length less than or equal to "+number(*high), base64.StdEncoding.EncodeToString(make([]byte, int(*high)+1)))
	}
}

func (v *values) lists() {
	item := v.model.sample(place{typ: v.typ.Elem(), shape: v.shape.List, schema: elementOf(v.schema)})
	items := listOr(v.value, item)
	v.unreadable("words", "text", true)
	v.unreadable("number", int64(1), true)
	v.unreadable("object", map[string]any{"a": items[0]}, false)
	v.either("nulls", []any{nil, nil})
	v.either("twice", append(slices.Clone(items), items...))
	v.either("many", many{items[0], false, 10_000})
	v.sizes(func(n int) any { return many{items[0], false, n} })
}

func (v *values) maps() {
	item := v.model.sample(place{typ: v.typ.Elem(), shape: v.shape.Value, schema: valueOf(v.schema)})
	v.unreadable("words", "text", true)
	v.unreadable("list", []any{item}, false)
	v.either("null", map[string]any{"a": nil})
	for _, name := range slices.Sorted(maps.Keys(oddTexts)) {
		v.either("key "+name, map[string]any{oddTexts[name]: item})
	}
	v.either("many", many{item, true, 10_000})
	v.sizes(func(n int) any { return many{item, true, n} })
}

// sizes tries how many elements a list or a map may have.
func (v *values) sizes(of func(n int) any) {
	if low := v.shape.Min; low != nil && *low > 0 && v.in == "" {
		v.broken("too few", "Member must have length greater than or equal to "+number(*low), of(int(*low)-1))
	} else {
		v.either("empty", of(0))
	}
	if high := v.shape.Max; high != nil && *high < mostKeys {
		v.allowed("as many as may be", of(int(*high)))
		v.broken("too many", "Member must have length less than or equal to "+number(*high), of(int(*high)+1))
	}
}

func number(f float64) string { return fmt.Sprint(int64(f)) }

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
func (m *Model) sample(p place) any {
	t := p.typ
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		if values := enumValues(t); len(values) > 0 {
			return values[0]
		}
		return "a"
	case reflect.Int32, reflect.Int64, reflect.Float64:
		return int64(1)
	case reflect.Bool:
		return true
	case reflect.Slice:
		return []any{m.sample(place{typ: t.Elem(), shape: m.Shapes[p.shape].List, schema: elementOf(p.schema)})}
	case reflect.Struct:
		return m.sampleOf(p, t)
	}
	return map[string]any{}
}

// sampleOf is a struct with its first member that is a text.
func (m *Model) sampleOf(p place, t reflect.Type) any {
	for field := range t.Fields() {
		if field.Type == reflect.TypeFor[*string]() {
			name, _ := m.name(m.Shapes[p.shape].Members[field.Name], p.schema, field.Name)
			return map[string]any{name: "a"}
		}
	}
	return map[string]any{}
}

// many stands for a list or a map with the same value many times, and nested for a list
// in a list, and so on. They are made when they are sent.
type (
	many struct {
		item  any
		keyed bool
		n     int
	}
	nested struct{ depth int }
)

func (m many) value() any {
	list, object := make([]any, m.n), map[string]any{}
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

// Resolve puts what is meant in the place of what stands for it: the texts that are
// names, and long lists.
func Resolve(v any, names map[string]any) any {
	switch s := v.(type) {
	case string:
		if named, ok := names[s]; ok {
			return named
		}
	case many:
		return eachValue(s.value(), func(v any) any { return Resolve(v, names) })
	case nested:
		return s.value()
	}
	return eachValue(v, func(v any) any { return Resolve(v, names) })
}

// Parse reads an input in JSON, whole numbers as such.
func Parse(input string) any {
	d := json.NewDecoder(strings.NewReader(input))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(fmt.Errorf("%w in %s", err, input))
	}
	return numbers(v)
}

func numbers(v any) any {
	if n, ok := v.(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			return i
		}
		f, _ := n.Float64()
		return f
	}
	return eachValue(v, numbers)
}
