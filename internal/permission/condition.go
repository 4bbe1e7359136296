package permission

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A conditionKey is a key of a service whose value stands in the input.
type conditionKey struct {
	name     string
	member   string
	resource string // the template of its ARN, where the value is one
}

// context are the condition keys of a call, but for those that package policy knows.
func (c *Call) context(s service, in inputValue) map[string][]string {
	context := common(c.Region, c.Source, c.Secure)
	for _, k := range s.keys {
		values := in.values(k.member)
		if k.resource != "" && (len(values) > 0 || k.member == "Cluster" && in.has(k.member)) {
			values = nil
			for _, name := range c.expand(k.resource, in) {
				values = append(values, c.find(s, name).ARN)
			}
		}
		if len(values) > 0 {
			context[k.name] = append(context[k.name], values...)
		}
	}
	in.addTags(context)
	return context
}

// common are the keys of calls of all services.
func common(region, source string, secure bool) map[string][]string {
	context := map[string][]string{"aws:SecureTransport": {strconv.FormatBool(secure)}, "aws:ViaAWSService": {"false"}}
	for key, value := range map[string]string{"aws:RequestedRegion": region, "aws:SourceIp": source} {
		if value != "" {
			context[key] = []string{value}
		}
	}
	return context
}

func (in inputValue) has(member string) bool {
	return in.Kind() == reflect.Struct && in.FieldByName(member).IsValid()
}

// addTags adds the tags that a call gives, and the keys of those that it takes away.
func (in inputValue) addTags(context map[string][]string) {
	keys := in.values("TagKeys")
	for _, t := range in.tags() {
		keys = append(keys, t.key)
		context["aws:RequestTag/"+t.key] = []string{t.value}
	}
	if len(keys) > 0 {
		context["aws:TagKeys"] = keys
	}
}

type tag struct{ key, value string }

// tags are those that a call gives, as a map or as a list, or for a type of resource.
func (in inputValue) tags() (all []tag) {
	if in.has("TagSpecifications") {
		for i := range in.FieldByName("TagSpecifications").Len() {
			all = append(all, inputValue{in.FieldByName("TagSpecifications").Index(i)}.tags()...)
		}
		return all
	}
	if !in.has("Tags") {
		return nil
	}
	switch given := in.FieldByName("Tags"); given.Kind() {
	case reflect.Map:
		for key, value := range given.Seq2() {
			all = append(all, tag{key.String(), value.String()})
		}
		slices.SortFunc(all, func(x, y tag) int { return strings.Compare(x.key, y.key) })
	case reflect.Slice:
		for i := range given.Len() {
			t := inputValue{given.Index(i)}
			for _, key := range t.values("Key") {
				all = append(all, tag{key, strings.Join(t.values("Value"), "")})
			}
		}
	}
	return all
}
