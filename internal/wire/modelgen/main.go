// Command modelgen writes the constraint tables under ../model from AWS's API
// models, as botocore publishes them, and ../methods.go from the clients of
// aws-sdk-go-v2. It takes a checkout of botocore:
//
//	git clone --depth 1 https://github.com/boto/botocore
//	BOTOCORE=$PWD/botocore go generate ./internal/wire
//
// To serve another service, add it to sources and clients and run it again.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// sources are the models by the service name in credential scopes.
var sources = map[string]string{
	"application-autoscaling": "application-autoscaling/2016-02-06",
	"ecs":                     "ecs/2014-11-13",
	"monitoring":              "cloudwatch/2010-08-01",
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 || os.Args[1] == "" {
		log.Fatal("usage: modelgen DIR, where DIR is a checkout of https://github.com/boto/botocore; " +
			"go generate takes it from the environment variable BOTOCORE")
	}
	if err := generate(filepath.Join(os.Args[1], "botocore")); err != nil {
		log.Fatal(err)
	}
}

func generate(botocore string) error {
	version, err := versionOf(botocore)
	if err != nil {
		return err
	}
	for name, path := range sources {
		if err := generateTable(name, filepath.Join(botocore, "data", path, "service-2.json"), version); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return generateMethods()
}

// versionOf reads which release of botocore a checkout is of.
func versionOf(botocore string) (string, error) {
	b, err := os.ReadFile(filepath.Join(botocore, "__init__.py"))
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`__version__ = '([0-9.]+)'`).FindSubmatch(b)
	if found == nil {
		return "", fmt.Errorf("%s: no version", botocore)
	}
	return string(found[1]), nil
}

// An api is what is read of a service-2.json.
type api struct {
	Operations map[string]struct {
		Input *struct{ Shape string }
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
}

// The tables, in the form that package wire reads.
type (
	table struct {
		Generated  string            `json:"generated"`
		Operations map[string]string `json:"operations"`
		Shapes     map[string]shape  `json:"shapes"`
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

func generateTable(name, from, version string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var a api
	if err := json.Unmarshal(b, &a); err != nil {
		return err
	}
	t := table{
		Generated:  "from botocore " + version + " by modelgen; do not edit",
		Operations: map[string]string{},
		Shapes:     map[string]shape{},
	}
	c := constraints{api: &a, done: map[string]bool{}, out: t.Shapes}
	for name, op := range a.Operations {
		t.Operations[name] = ""
		if op.Input != nil && c.collect(op.Input.Shape) {
			t.Operations[name] = op.Input.Shape
		}
	}
	out, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("model", name+".json"), append(out, '\n'), 0o644)
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
		required := slices.Contains(in.Required, m)
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
