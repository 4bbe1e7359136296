package policydoc

import (
	"encoding/json"

	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func (p *plan) alarm(d *Documents, r *resource) error {
	var a cwtypes.MetricAlarm
	if _, math := r.Values["metric_query"].([]any); math && r.Values["metric_name"] == nil {
		rename(r.Values, "metric_query", "metrics")
		for _, q := range r.Values["metrics"].([]any) {
			statOf(q)
		}
	} else {
		delete(r.Values, "metric_query")
	}
	if dimensions, ok := r.Values["dimensions"].(map[string]any); ok {
		r.Values["dimensions"] = pairs(dimensions)
	}
	if s, _ := r.Values["treat_missing_data"].(string); s == "" {
		delete(r.Values, "treat_missing_data")
	}
	if n, ok := r.Values["datapoints_to_alarm"].(json.Number); ok && n == "0" {
		delete(r.Values, "datapoints_to_alarm")
	}
	if err := into(r.Values, &a); err != nil {
		return err
	}
	for _, policy := range p.allReferred(r, "alarm_actions", "aws_appautoscaling_policy") {
		if arn, _ := policy.Values["arn"].(string); arn == "" {
			a.AlarmActions = append(a.AlarmActions, policy.Address)
		}
	}
	d.Alarms = append(d.Alarms, a)
	return nil
}

// statOf puts a query's metric where the API has it.
func statOf(query any) {
	q, _ := query.(map[string]any)
	blocks, _ := q["metric"].([]any)
	delete(q, "metric")
	if len(blocks) == 0 {
		return
	}
	m, _ := blocks[0].(map[string]any)
	stat := map[string]any{"metric": m}
	for _, name := range []string{"period", "stat", "unit"} {
		stat[name] = m[name]
		delete(m, name)
	}
	if dimensions, ok := m["dimensions"].(map[string]any); ok {
		m["dimensions"] = pairs(dimensions)
	}
	q["metric_stat"] = stat
}

// pairs are dimensions as the API has them, of a map.
func pairs(dimensions map[string]any) []any {
	var all []any
	for name, value := range dimensions {
		all = append(all, map[string]any{"name": name, "value": value})
	}
	return all
}
