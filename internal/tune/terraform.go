package tune

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// WriteTerraform writes the resources of Terraform's AWS provider that put a candidate in
// place.
func (s Subject) WriteTerraform(w io.Writer, c Candidate) error {
	d := s.Documents(c)
	cluster, service := s.names()
	name := label(service)
	target := "aws_appautoscaling_target." + name
	of := fields{
		{"service_namespace", raw(target + ".service_namespace")},
		{"scalable_dimension", raw(target + ".scalable_dimension")},
		{"resource_id", raw(target + ".resource_id")},
	}
	t := &hcl{}
	if c.Forecast != (Predicted{}) {
		t.WriteString("# Predictive scaling needs version 6.13 of the provider, or a newer one.\n")
	}
	t.resource("aws_appautoscaling_target", name, fields{
		{"service_namespace", "ecs"}, {"scalable_dimension", "ecs:service:DesiredCount"}, {"resource_id", s.ResourceID},
		{"min_capacity", c.Min}, {"max_capacity", c.Max},
	})
	for _, p := range d.Policies {
		_, config := configOf(p)
		block := map[types.PolicyType]string{
			types.PolicyTypeStepScaling:           "step_scaling_policy_configuration",
			types.PolicyTypePredictiveScaling:     "predictive_scaling_policy_configuration",
			types.PolicyTypeTargetTrackingScaling: "target_tracking_scaling_policy_configuration",
		}[p.PolicyType]
		t.resource("aws_appautoscaling_policy", label(service+"-"+aws.ToString(p.PolicyName)), append(fields{
			{"name", aws.ToString(p.PolicyName)}, {"policy_type", string(p.PolicyType)},
		}, append(slices.Clone(of), field{block, given(config)})...))
	}
	for _, a := range d.Alarms {
		t.resource("aws_cloudwatch_metric_alarm", label(service+"-"+*a.AlarmName), fields{
			{"alarm_name", *a.AlarmName}, {"alarm_actions", raw("[aws_appautoscaling_policy." + label(service+"-"+*a.AlarmName) + ".arn]")},
			{"namespace", *a.Namespace}, {"metric_name", *a.MetricName},
			{"dimensions", raw(fmt.Sprintf("{ ClusterName = %q, ServiceName = %q }", cluster, service))},
			{"statistic", string(a.Statistic)}, {"period", *a.Period}, {"evaluation_periods", *a.EvaluationPeriods}, {"datapoints_to_alarm", *a.DatapointsToAlarm},
			{"comparison_operator", string(a.ComparisonOperator)}, {"threshold", *a.Threshold},
		})
	}
	for _, a := range d.Actions {
		t.resource("aws_appautoscaling_scheduled_action", label(service+"-"+*a.ScheduledActionName), append(fields{
			{"name", *a.ScheduledActionName}, {"schedule", *a.Schedule},
		}, append(slices.Clone(of), field{"scalable_target_action", given(a.ScalableTargetAction)})...))
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// A raw value is an expression, not a string.
type raw string

type field struct {
	name  string
	value any
}

type fields []field

// An hcl is a file of Terraform that is written.
type hcl struct{ strings.Builder }

func (t *hcl) resource(kind, name string, all fields) {
	if t.Len() > 0 {
		t.WriteByte('\n')
	}
	fmt.Fprintf(t, "resource %q %q {\n", kind, name)
	t.body(1, all)
	t.WriteString("}\n")
}

// body writes attributes, the names of which are as wide as the widest, and then blocks.
func (t *hcl) body(depth int, all fields) {
	indent, width := strings.Repeat("  ", depth), 0
	var blocks fields
	for _, f := range all {
		if isBlock(f.value) {
			blocks = append(blocks, f)
		} else {
			width = max(width, len(f.name))
		}
	}
	for _, f := range all {
		if !isBlock(f.value) {
			fmt.Fprintf(t, "%s%-*s = %s\n", indent, width, f.name, literal(f.value))
		}
	}
	for i, f := range blocks {
		if i > 0 || width > 0 {
			t.WriteByte('\n')
		}
		list, many := f.value.([]any)
		if !many {
			list = []any{f.value}
		}
		for _, one := range list {
			fmt.Fprintf(t, "%s%s {\n", indent, f.name)
			t.body(depth+1, fieldsOf(one.(map[string]any)))
			fmt.Fprintf(t, "%s}\n", indent)
		}
	}
}

// singular are the blocks that the provider names otherwise than the API its members.
var singular = map[string]string{
	"step_adjustments": "step_adjustment", "metric_specifications": "metric_specification", "dimensions": "dimensions",
	"predefined_metric_pair_specification": "predefined_metric_pair_specification",
}

// fieldsOf are members of the API as the provider names them.
func fieldsOf(members map[string]any) fields {
	var all fields
	for key, value := range members {
		name := snake(key)
		if other, known := singular[name]; known {
			name = other
		}
		all = append(all, field{name, value})
	}
	slices.SortFunc(all, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return all
}

func isBlock(v any) bool {
	if list, many := v.([]any); many {
		return len(list) > 0 && isBlock(list[0])
	}
	_, block := v.(map[string]any)
	return block
}

func literal(v any) string {
	switch v := v.(type) {
	case raw:
		return string(v)
	case string:
		return strconv.Quote(strings.NewReplacer("${", "$${", "%{", "%%{").Replace(v))
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

var capital = regexp.MustCompile(`[A-Z]+[a-z0-9]*`)

func snake(name string) string {
	return strings.ToLower(strings.Join(capital.FindAllString(name, -1), "_"))
}

// label is a name as Terraform's resources can have it.
func label(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if clean == "" || clean[0] >= '0' && clean[0] <= '9' || clean[0] == '-' {
		clean = "_" + clean
	}
	return clean
}
