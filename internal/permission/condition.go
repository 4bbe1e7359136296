package permission

import (
	"reflect"
	"strconv"
)

// A conditionKey is a key of a service whose value stands in the input.
type conditionKey struct {
	name     string
	member   string
	resource string // the template of its ARN, where the value is one
}

// context are the condition keys of a call, but for those that package policy knows.
func (c *Call) context(s service, in inputValue) map[string][]string {
	context := map[string][]string{
		"aws:RequestedRegion": {c.Region},
		"aws:SecureTransport": {strconv.FormatBool(c.Secure)},
		"aws:ViaAWSService":   {"false"},
	}
	if c.Source != "" {
		context["aws:SourceIp"] = []string{c.Source}
	}
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

func (in inputValue) has(member string) bool {
	return in.Kind() == reflect.Struct && in.FieldByName(member).IsValid()
}

// addTags adds the tags that a call gives, and the keys of those that it takes away.
func (in inputValue) addTags(context map[string][]string) {
	if in.Kind() != reflect.Struct {
		return
	}
	keys := in.values("TagKeys")
	if list := in.FieldByName("Tags"); list.IsValid() {
		switch list.Kind() {
		case reflect.Map:
			for _, key := range list.MapKeys() {
				keys = append(keys, key.String())
				context["aws:RequestTag/"+key.String()] = []string{list.MapIndex(key).String()}
			}
		case reflect.Slice:
			for i := range list.Len() {
				tag := inputValue{list.Index(i)}
				key, value := tag.values("Key"), append(tag.values("Value"), "")
				keys = append(keys, key...)
				for _, k := range key {
					context["aws:RequestTag/"+k] = value[:1]
				}
			}
		}
	}
	if len(keys) > 0 {
		context["aws:TagKeys"] = keys
	}
}
