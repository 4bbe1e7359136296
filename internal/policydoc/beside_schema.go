package policydoc

import (
	"encoding/json"
	"reflect"
)

// BesideSchema is the JSON schema of files of the name BesideName, for editors. It is made of the types
// that ReadBeside reads such a file into.
func BesideSchema() ([]byte, error) {
	s := schema{definitions: map[string]any{}}
	file := s.object(reflect.TypeFor[Beside]())
	for name, needs := range map[string][]string{
		"PrometheusQuery": {"url", "query"}, "QueueAttribute": {"queue"}, "HTTPValue": {"url"}, "KubernetesMetric": {"namespace", "resource", "name", "metric"},
	} {
		s.requires(name, needs...)
	}
	s.member("HTTPValue", "value")["pattern"] = "^(/|$)"
	metric := s.requires("BoundMetric", "namespace", "metric")
	var places []any
	for _, place := range []string{"prometheus", "sqs", "http", "kubernetes"} {
		places = append(places, map[string]any{"required": []string{place}})
	}
	running := map[string]any{"required": []string{"running"}, "properties": map[string]any{"running": map[string]any{"const": true}}}
	metric["oneOf"] = append(places, running)
	for name, value := range map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "What belongs to the scaling policies of a folder", "$defs": s.definitions,
	} {
		file[name] = value
	}
	return json.MarshalIndent(file, "", "  ")
}

// requires has a type need members, with a value where they are text.
func (s schema) requires(of string, members ...string) map[string]any {
	object := s.definitions[of].(map[string]any)
	object["required"] = members
	for _, name := range members {
		if m := s.member(of, name); m["type"] == "string" {
			m["minLength"] = 1
		}
	}
	return object
}

// member is the schema of a member of a type.
func (s schema) member(of, name string) map[string]any {
	return s.definitions[of].(map[string]any)["properties"].(map[string]any)[name].(map[string]any)
}
