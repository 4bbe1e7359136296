package policydoc

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// What `terraform show -json` prints, of a plan or a state ("JSON Output Format").
type (
	shown struct {
		Planned *values `json:"planned_values"`
		Values  *values `json:"values"`
		Config  *struct {
			Root configModule `json:"root_module"`
		} `json:"configuration"`
	}
	values struct {
		Root module `json:"root_module"`
	}
	module struct {
		Resources []resource `json:"resources"`
		Children  []module   `json:"child_modules"`
	}
	resource struct {
		Address string         `json:"address"`
		Mode    string         `json:"mode"`
		Type    string         `json:"type"`
		Values  map[string]any `json:"values"`
	}
	configModule struct {
		Resources []configResource `json:"resources"`
		Calls     map[string]struct {
			Module configModule `json:"module"`
		} `json:"module_calls"`
	}
	configResource struct {
		Address     string                     `json:"address"`
		Expressions map[string]json.RawMessage `json:"expressions"`
	}
)

// A plan is the resources of a plan or state, with what their arguments refer to.
type plan struct {
	resources  []resource
	references map[string]map[string][]string // by address without an index, and argument
	byAddress  map[string]*resource
}

// readTerraform reads a plan or state.
func readTerraform(raw json.RawMessage) (Documents, error) {
	var s shown
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&s); err != nil {
		return Documents{}, fmt.Errorf("read what Terraform shows: %w", wrongMember(err))
	}
	at := s.Planned
	if at == nil {
		at = s.Values
	}
	if at == nil {
		return Documents{}, errors.New("it is of Terraform, but neither a plan nor a state: terraform show -json PLANFILE prints a plan")
	}
	p := plan{references: map[string]map[string][]string{}, byAddress: map[string]*resource{}}
	p.collect(at.Root)
	if s.Config != nil {
		p.refer("", s.Config.Root)
	}
	for i := range p.resources {
		p.byAddress[p.resources[i].Address] = &p.resources[i]
	}
	return p.read()
}

func (p *plan) collect(m module) {
	for _, r := range m.Resources {
		if r.Mode != "data" {
			p.resources = append(p.resources, r)
		}
	}
	for _, child := range m.Children {
		p.collect(child)
	}
}

// refer notes what arguments refer to, by full addresses.
func (p *plan) refer(prefix string, m configModule) {
	for _, r := range m.Resources {
		of := map[string][]string{}
		for name, raw := range r.Expressions {
			var e struct {
				References []string `json:"references"`
			}
			if json.Unmarshal(raw, &e) == nil {
				for _, to := range e.References {
					of[name] = append(of[name], prefix+to)
				}
			}
		}
		p.references[prefix+r.Address] = of
	}
	for name, call := range m.Calls {
		p.refer(prefix+"module."+name+".", call.Module)
	}
}

// read makes documents of the resources.
func (p *plan) read() (Documents, error) {
	var d Documents
	for i := range p.resources {
		r := &p.resources[i]
		var err error
		switch r.Type {
		case "aws_appautoscaling_target":
			err = p.target(&d, r)
		case "aws_appautoscaling_policy":
			err = p.policy(&d, r)
		case "aws_appautoscaling_scheduled_action":
			err = p.action(&d, r)
		case "aws_cloudwatch_metric_alarm":
			err = p.alarm(&d, r)
		case "aws_ecs_service":
			p.service(&d, r)
		}
		if err != nil {
			return d, fmt.Errorf("%s: %w", r.Address, err)
		}
	}
	return d, nil
}

func (p *plan) target(d *Documents, r *resource) error {
	var t types.ScalableTarget
	id, err := p.resourceID(r)
	if err == nil {
		err = into(r.Values, &t)
	}
	t.ResourceId = &id
	d.Targets = append(d.Targets, t)
	return err
}

// resourceID is the resource of a target, or of the target that a policy refers to. One
// that is known only after an apply is found by what it refers to.
func (p *plan) resourceID(r *resource) (string, error) {
	if id, ok := r.Values["resource_id"].(string); ok {
		return id, nil
	}
	for _, to := range p.references[unindexed(r.Address)]["resource_id"] {
		to := p.find(to, r.Address)
		if to == nil {
			continue
		}
		switch to.Type {
		case "aws_appautoscaling_target":
			return p.resourceID(to)
		case "aws_ecs_service":
			return p.serviceID(to), nil
		}
	}
	return "", errors.New("its resource_id is known only after the apply, and refers to nothing that is known before")
}

// find is the resource that a reference such as aws_ecs_service.web.name names, or nil.
// Of several with an index it is the one with that of the resource that refers to it.
func (p *plan) find(reference, from string) *resource {
	parts := strings.Split(reference, ".")
	for n := len(parts); n >= 2; n-- {
		address := strings.Join(parts[:n], ".")
		if r := p.byAddress[address]; r != nil {
			return r
		}
		if i := strings.LastIndex(from, "["); i >= 0 {
			if r := p.byAddress[address+from[i:]]; r != nil {
				return r
			}
		}
	}
	return nil
}

// unindexed is an address without its indexes, as configuration has it.
func unindexed(address string) string {
	var b strings.Builder
	depth := 0
	for _, c := range address {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func (p *plan) policy(d *Documents, r *resource) error {
	var s types.ScalingPolicy
	id, err := p.resourceID(r)
	if err != nil {
		return err
	}
	rename(r.Values, "name", "policy_name")
	rename(r.Values, "arn", "policy_arn")
	if err := into(r.Values, &s); err != nil {
		return err
	}
	s.ResourceId = &id
	// The provider sends 0 for a cooldown that is left out, and not nothing.
	if c := s.TargetTrackingScalingPolicyConfiguration; c != nil {
		c.ScaleInCooldown, c.ScaleOutCooldown = cmp.Or(c.ScaleInCooldown, aws.Int32(0)), cmp.Or(c.ScaleOutCooldown, aws.Int32(0))
	}
	labelKnownLater(&s)
	if s.PolicyType == "" {
		s.PolicyType = types.PolicyTypeStepScaling
	}
	if aws.ToString(s.PolicyARN) == "" {
		s.PolicyARN = aws.String(r.Address) // what alarms in the plan name
	}
	d.Policies = append(d.Policies, s)
	return nil
}

// unknownLabel stands for the load balancer of a metric that is known only after the apply.
// Which one it is makes no difference to a simulation.
const unknownLabel = "app/known-after-apply/0/targetgroup/known-after-apply/0"

// labelKnownLater gives the metrics of load balancers a label where the plan has none yet.
func labelKnownLater(s *types.ScalingPolicy) {
	if c := s.TargetTrackingScalingPolicyConfiguration; c != nil && c.PredefinedMetricSpecification != nil {
		if m := c.PredefinedMetricSpecification; m.PredefinedMetricType == types.MetricTypeALBRequestCountPerTarget {
			m.ResourceLabel = cmp.Or(m.ResourceLabel, aws.String(unknownLabel))
		}
	}
	c := s.PredictiveScalingPolicyConfiguration
	if c == nil {
		return
	}
	for _, m := range c.MetricSpecifications {
		if pair := m.PredefinedMetricPairSpecification; pair != nil && strings.Contains(aws.ToString(pair.PredefinedMetricType), "ALB") {
			pair.ResourceLabel = cmp.Or(pair.ResourceLabel, aws.String(unknownLabel))
		}
	}
}

func (p *plan) action(d *Documents, r *resource) error {
	var a types.ScheduledAction
	id, err := p.resourceID(r)
	if err != nil {
		return err
	}
	rename(r.Values, "name", "scheduled_action_name")
	for _, at := range []string{"start_time", "end_time"} {
		if s, ok := r.Values[at].(string); !ok || s == "" {
			delete(r.Values, at)
		}
	}
	if err := into(r.Values, &a); err != nil {
		return err
	}
	a.ResourceId = &id
	d.Actions = append(d.Actions, a)
	return nil
}

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
	for _, to := range p.references[unindexed(r.Address)]["alarm_actions"] {
		if policy := p.find(to, r.Address); policy != nil && policy.Type == "aws_appautoscaling_policy" && !slices.Contains(a.AlarmActions, policy.Address) {
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

func (p *plan) service(d *Documents, r *resource) {
	s := Service{ResourceID: p.serviceID(r), Desired: number(r.Values["desired_count"])}
	for _, to := range p.references[unindexed(r.Address)]["task_definition"] {
		if t := p.find(to, r.Address); t != nil && t.Type == "aws_ecs_task_definition" {
			s.CPU, s.Memory = number(t.Values["cpu"]), number(t.Values["memory"])
			break
		}
	}
	if s.CPU == 0 {
		arn, _ := r.Values["task_definition"].(string)
		for i := range p.resources {
			if t := &p.resources[i]; t.Type == "aws_ecs_task_definition" && arn != "" && t.Values["arn"] == arn {
				s.CPU, s.Memory = number(t.Values["cpu"]), number(t.Values["memory"])
			}
		}
	}
	d.Services = append(d.Services, s)
}

// serviceID is the resource id of a service, by its names.
func (p *plan) serviceID(r *resource) string {
	name, _ := r.Values["name"].(string)
	cluster, _ := r.Values["cluster"].(string)
	if cluster == "" {
		for _, to := range p.references[unindexed(r.Address)]["cluster"] {
			if c := p.find(to, r.Address); c != nil && c.Type == "aws_ecs_cluster" {
				cluster, _ = c.Values["name"].(string)
			}
		}
	}
	cluster = cluster[strings.LastIndex(cluster, "/")+1:]
	if cluster == "" {
		cluster = "default"
	}
	return "service/" + cluster + "/" + name
}

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
