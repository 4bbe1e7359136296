package policydoc

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// Schema is the JSON schema of the files of policies that people write, for editors. It is made
// of the types that Read reads such a file into.
func Schema() ([]byte, error) {
	s := schema{definitions: map[string]any{}}
	file := s.object(reflect.TypeFor[policyFile]())
	file["required"] = []string{"service"}
	file["dependentRequired"] = map[string]any{"min": []string{"max"}, "max": []string{"min"}}
	properties := file["properties"].(map[string]any)
	properties["service"].(map[string]any)["pattern"] = "^(service/)?[^/]+/[^/]+$"
	properties["policies"] = s.policies()
	action := s.object(reflect.TypeFor[fileAction]())
	action["required"] = []string{"at"}
	action["anyOf"] = []any{map[string]any{"required": []string{"min"}}, map[string]any{"required": []string{"max"}}}
	properties["schedules"].(map[string]any)["additionalProperties"] = action
	for name, value := range map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Scaling policies of a service", "$defs": s.definitions,
	} {
		file[name] = value
	}
	return json.MarshalIndent(file, "", "  ")
}

// A schema is made of Go types.
type schema struct {
	definitions map[string]any // of the SDK's types, by their names
}

// policies is the schema of policies by their names: each is a number, where the name is that of a metric, or one of the kinds.
func (s schema) policies() any {
	all := s.object(reflect.TypeFor[filePolicy]())["properties"].(map[string]any)
	all["metric"].(map[string]any)["anyOf"] = []any{
		map[string]any{"enum": slices.Sorted(maps.Keys(shortMetrics))},
		s.of(reflect.TypeFor[types.CustomizedMetricSpecification]()),
	}
	var forms []any
	one := func(names ...string) map[string]any {
		properties := map[string]any{}
		for _, name := range names {
			properties[name] = all[name]
		}
		form := map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": names[:1]}
		forms = append(forms, form)
		return form
	}
	one(kinds["target"]...)
	steps := one(kinds["steps"]...)
	steps["oneOf"] = []any{map[string]any{"required": []string{"above"}}, map[string]any{"required": []string{"below"}}}
	one(kinds["forecast"]...)
	for _, name := range []string{"TargetTrackingScalingPolicyConfiguration", "StepScalingPolicyConfiguration", "PredictiveScalingPolicyConfiguration"} {
		one(name)
	}
	s.definitions["policy"] = map[string]any{"oneOf": forms}
	policy := map[string]any{"$ref": "#/$defs/policy"}
	short := map[string]any{}
	for name := range shortMetrics {
		short[name] = map[string]any{"anyOf": []any{map[string]any{"type": "number", "exclusiveMinimum": 0}, policy}}
	}
	return map[string]any{"type": "object", "properties": short, "additionalProperties": policy}
}

// of is the schema of a type.
func (s schema) of(t reflect.Type) map[string]any {
	switch {
	case t == timeType:
		return map[string]any{"type": []string{"string", "number"}}
	case t == nodeType || t.Kind() == reflect.Interface:
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		if _, made := s.definitions[t.Name()]; !made {
			s.definitions[t.Name()] = nil // while its members are made
			s.definitions[t.Name()] = s.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.String:
		if words := enumeration(t); len(words) > 0 {
			return map[string]any{"enum": words}
		}
		if t == reflect.TypeFor[Limit]() {
			return map[string]any{"type": []string{"string", "integer"}, "minimum": 1, "pattern": `^([0-9]*[1-9][0-9]*|[0-9.]*[1-9][0-9.]*%)$`}
		}
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "integer"}
}

// object is the schema of a struct's members.
func (s schema) object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	for _, f := range fields(t) {
		p := s.of(f.Type)
		if about := f.Tag.Get("about"); about != "" {
			p["description"] = about
		}
		for tag, keyword := range map[string]string{"least": "minimum", "more": "exclusiveMinimum"} {
			if bound, err := strconv.Atoi(f.Tag.Get(tag)); err == nil {
				p[keyword] = bound
			}
		}
		properties[memberName(f)] = p
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}
