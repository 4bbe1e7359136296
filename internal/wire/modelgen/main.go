// Command modelgen writes the constraint tables under ../model from AWS's API
// models, as aws-sdk-go v1 publishes them, and ../methods.go from the clients of
// aws-sdk-go-v2:
//
//	go generate ./internal/wire
//
// To serve another service, add it to sources and clients and run it again.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// The last release of aws-sdk-go v1; its models are JSON files in the module.
const module = "github.com/aws/aws-sdk-go@v1.55.8"

// sources are the models by the service name in credential scopes.
var sources = map[string]string{
	"application-autoscaling": "application-autoscaling/2016-02-06",
	"ecs":                     "ecs/2014-11-13",
	"monitoring":              "monitoring/2010-08-01",
}

func main() {
	log.SetFlags(0)
	dir, err := download(module)
	if err != nil {
		log.Fatal(err)
	}
	for name, path := range sources {
		if err := generate(name, filepath.Join(dir, "models/apis", path, "api-2.json")); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
	if err := generateMethods(); err != nil {
		log.Fatal(err)
	}
}

func download(module string) (dir string, err error) {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w", module, err)
	}
	var got struct{ Dir string }
	err = json.Unmarshal(out, &got)
	return got.Dir, err
}

// What AWS changed since the last release of these models.
var (
	// Members that are not required any more.
	optional = map[string][]string{
		"CreateCapacityProviderRequest": {"autoScalingGroupProvider"},
		"PutMetricAlarmInput":           {"EvaluationPeriods", "ComparisonOperator"},
		"PutMetricDataInput":            {"MetricData"},
		"UpdateCapacityProviderRequest": {"autoScalingGroupProvider"},
	}
	// Errors that are new.
	newErrors = map[string]map[string]errorCode{
		"monitoring": {
			"ConflictException":   {Code: "ConflictException", Status: 409},
			"ResourceConflict":    {Code: "ResourceConflict", Status: 409},
			"ValidationException": {Code: "ValidationError", Status: 400},
		},
	}
)

// Operations, shapes and members that are new, by service, in the form of an
// api-2.json.
//
//go:embed added.json
var added []byte

// api is what is read of an api-2.json.
type api struct {
	Operations map[string]struct {
		Input, Output *struct{ Shape string }
	}
	Shapes map[string]*apiShape
}

type apiShape struct {
	Type               string
	Members            map[string]struct{ Shape string }
	Required           []string
	Member, Key, Value struct{ Shape string }
	Min, Max           *float64
	Pattern            string
	Exception          bool
	Error              struct {
		Code           string
		HTTPStatusCode int
	}
}

// The tables, in the form that package wire reads.
type (
	table struct {
		Generated  string               `json:"generated"`
		Operations map[string]operation `json:"operations"`
		Errors     map[string]errorCode `json:"errors,omitempty"`
		Shapes     map[string]shape     `json:"shapes"`
	}
	operation struct {
		Input string `json:"input,omitempty"`
		Void  bool   `json:"void,omitempty"`
	}
	errorCode struct {
		Code   string `json:"code,omitempty"`
		Status int    `json:"status,omitempty"`
	}
	shape struct {
		Members map[string]member `json:"members,omitempty"`
		List    string            `json:"list,omitempty"`
		Key     string            `json:"key,omitempty"`
		Value   string            `json:"value,omitempty"`
		Min     *float64          `json:"min,omitempty"`
		Max     *float64          `json:"max,omitempty"`
		Pattern string            `json:"pattern,omitempty"`
		RE2     string            `json:"re2,omitempty"`
	}
	member struct {
		Shape    string `json:"shape,omitempty"`
		Required bool   `json:"required,omitempty"`
	}
)

func generate(name, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var a api
	if err := json.Unmarshal(b, &a); err != nil {
		return err
	}
	if err := a.add(name); err != nil {
		return err
	}
	t := table{
		Generated:  "from " + module + " by modelgen; do not edit",
		Operations: map[string]operation{},
		Errors:     map[string]errorCode{},
		Shapes:     map[string]shape{},
	}
	c := constraints{api: &a, done: map[string]bool{}, out: t.Shapes}
	for name, op := range a.Operations {
		o := operation{Void: op.Output == nil}
		if op.Input != nil && c.collect(op.Input.Shape) {
			o.Input = op.Input.Shape
		}
		t.Operations[name] = o
	}
	for name, s := range a.Shapes {
		if s.Exception && s.Error.Code != "" {
			t.Errors[name] = errorCode{Code: s.Error.Code, Status: s.Error.HTTPStatusCode}
		}
	}
	maps.Copy(t.Errors, newErrors[name])
	out, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("model", name+".json"), append(out, '\n'), 0o644)
}

// add takes over what is new in a service.
func (a *api) add(service string) error {
	var all map[string]api
	if err := json.Unmarshal(added, &all); err != nil {
		return err
	}
	maps.Copy(a.Operations, all[service].Operations)
	for name, s := range all[service].Shapes {
		if old := a.Shapes[name]; old != nil {
			maps.Copy(old.Members, s.Members)
			continue
		}
		a.Shapes[name] = s
	}
	return nil
}

// constraints collects the shapes that constrain their values, or those below.
type constraints struct {
	api  *api
	done map[string]bool
	out  map[string]shape
}

// collect reports whether a shape, or one that it refers to, is constrained.
func (c *constraints) collect(name string) bool {
	if c.done[name] {
		_, ok := c.out[name]
		return ok
	}
	c.done[name] = true
	in := c.api.Shapes[name]
	// Enum values are checked against the SDK's types, numbers and times have
	// no pattern, and a minimum length of zero says nothing.
	out := shape{Min: in.Min, Max: in.Max}
	if out.Min != nil && *out.Min == 0 && in.Type != "integer" && in.Type != "long" && in.Type != "double" {
		out.Min = nil
	}
	if in.Pattern != "" && !matchesAll(in.Pattern) {
		re2, ok := translate(in.Pattern)
		if ok {
			out.Pattern = in.Pattern
		} else {
			log.Printf("%s: pattern is not checked: %s", name, in.Pattern)
		}
		if ok && re2 != in.Pattern {
			out.RE2 = re2
		}
	}
	constrained := out.Min != nil || out.Max != nil || out.Pattern != ""
	for m, ref := range in.Members {
		required := slices.Contains(in.Required, m) && !slices.Contains(optional[name], m)
		below := c.collect(ref.Shape)
		if !required && !below {
			continue
		}
		constrained = true
		if out.Members == nil {
			out.Members = map[string]member{}
		}
		got := member{Required: required}
		if below {
			got.Shape = ref.Shape
		}
		out.Members[strings.ToUpper(m[:1])+m[1:]] = got
	}
	for _, part := range []struct {
		ref string
		to  *string
	}{{in.Member.Shape, &out.List}, {in.Key.Shape, &out.Key}, {in.Value.Shape, &out.Value}} {
		if part.ref != "" && c.collect(part.ref) {
			*part.to = part.ref
			constrained = true
		}
	}
	if constrained {
		c.out[name] = out
	}
	return constrained
}

func matchesAll(pattern string) bool { return pattern == ".*" }

// Patterns that look ahead, which RE2 cannot, said in another way.
var rewritten = map[string]string{
	// Not a space at either end, no control character, colon, slash or bar.
	`(?!((^[ ]+.*)|(.*([\u0000-\u001f]|[\u007f-\u009f]|[:/|])+.*)|(.*[ ]+$))).+`: `[^\x00-\x20\x{7f}-\x{9f}:/|]([^\x00-\x1f\x{7f}-\x{9f}:/|]*[^\x00-\x20\x{7f}-\x{9f}:/|])?`,
}

var (
	surrogates = regexp.MustCompile(`\\uD800\\uDC00-\\uDBFF\\uDFFF`)
	unicode    = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)
)

// translate turns a Java pattern into Go's syntax.
func translate(java string) (string, bool) {
	if re2, ok := rewritten[java]; ok {
		return re2, true
	}
	re2 := surrogates.ReplaceAllString(java, `\x{10000}-\x{10FFFF}`)
	re2 = unicode.ReplaceAllString(re2, `\x{$1}`)
	re2 = strings.ReplaceAll(re2, `\p{Print}`, `[\x20-\x7E]`)
	_, err := syntax.Parse(re2, syntax.Perl)
	return re2, err == nil
}
