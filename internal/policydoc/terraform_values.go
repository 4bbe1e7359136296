package policydoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

func number(v any) int {
	n, _ := strconv.Atoi(strings.TrimSpace(fmt.Sprint(v)))
	return n
}

func rename(values map[string]any, from, to string) {
	if v, ok := values[from]; ok {
		values[to] = v
		delete(values, from)
	}
}

// into reads a resource's arguments into one of the SDK's types: names as the API spells
// them, and blocks of which there is one at most as members.
func into(values map[string]any, to any) error {
	text, err := json.Marshal(spelled(values))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, to); err != nil {
		return wrongMember(err)
	}
	return nil
}

// lists are the blocks of which there may be several, with the name of their member.
var lists = map[string]string{
	"step_adjustment": "StepAdjustments", "dimensions": "Dimensions", "metrics": "Metrics",
	"metric_specification": "MetricSpecifications", "metric_data_queries": "MetricDataQueries", "alarm_actions": "AlarmActions",
}

// spelled is a block with its names as the API spells them. What is null or empty is left
// out.
func spelled(block map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range block {
		if value == nil || value == "" {
			continue
		}
		as, list := lists[name]
		if !list {
			as = pascal(name)
		}
		if v, ok := member(name, value, list); ok {
			out[as] = v
		}
	}
	return out
}

// member is a value of a block as the API has it.
func member(name string, value any, list bool) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		return spelled(v), true
	case []any:
		var all []any
		for _, one := range v {
			if block, is := one.(map[string]any); is {
				one = spelled(block)
			}
			all = append(all, one)
		}
		if list || len(all) == 0 {
			return all, len(all) > 0
		}
		if _, block := all[0].(map[string]any); block {
			return all[0], true
		}
		return all, true
	case string:
		// Terraform has the bounds of steps as text.
		if strings.HasSuffix(name, "_bound") || strings.HasSuffix(name, "_capacity") {
			if n, err := strconv.ParseFloat(v, 64); err == nil {
				return n, true
			}
			return nil, false
		}
	}
	return value, true
}

// pascal is a name such as target_value as TargetValue.
func pascal(name string) string {
	var b strings.Builder
	for _, word := range strings.Split(name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// wrongMember says which member has a value of another kind than it should.
func wrongMember(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("member %s is a %s, and should be of type %s", kind.Field, kind.Value, kind.Type)
	}
	return err
}
