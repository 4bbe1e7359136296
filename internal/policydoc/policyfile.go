package policydoc

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"go.yaml.in/yaml/v4"
)

// A policyFile is the small file that people write by hand: one service, its bounds and its
// policies. Schema tells editors the same.
type policyFile struct {
	Service   string                `yaml:"service" about:"CLUSTER/SERVICE that is scaled"`
	Min       *int32                `yaml:"min" about:"tasks at the least" least:"0"`
	Max       *int32                `yaml:"max" about:"tasks at the most" least:"0"`
	Desired   int32                 `yaml:"desired" about:"tasks at the start; the least by default" least:"0"`
	Tags      map[string]string     `yaml:"tags" about:"tags of the scalable target, as text; those that begin with flyball: change how its policies react and forecast"`
	Task      fileTask              `yaml:"task" about:"size of a task"`
	Policies  map[string]filePolicy `yaml:"policies" about:"scaling policies by their names; a number tracks that value of cpu, memory, requests or backlog"`
	Schedules map[string]fileAction `yaml:"schedules" about:"scheduled actions by their names"`
	Alarms    []cwtypes.MetricAlarm `yaml:"alarms" about:"alarms of step policies that are written as AWS has them; AlarmActions name policies of this file"`
}

// A fileTask is the size of a task.
type fileTask struct {
	CPU    int32 `yaml:"cpu" about:"CPU units; 1024 are one vCPU" least:"1"`
	Memory int32 `yaml:"memory" about:"memory in MiB" least:"1"`
}

// A fileAction is a scheduled action of a file.
type fileAction struct {
	At    string     `yaml:"at" about:"cron(...), rate(...) or at(...)"`
	Zone  string     `yaml:"zone" about:"time zone, such as Europe/Berlin; UTC by default"`
	Min   *int32     `yaml:"min" about:"tasks at the least from then on" least:"0"`
	Max   *int32     `yaml:"max" about:"tasks at the most from then on" least:"0"`
	Start *time.Time `yaml:"start" about:"time from which on it runs, such as 2026-11-26T14:05:00Z"`
	End   *time.Time `yaml:"end" about:"time until which it runs"`
}

// isPolicyFile reports whether a value is a file of policies: its members are in small letters.
func isPolicyFile(n *yaml.Node) bool {
	for _, name := range memberNames(reflect.TypeFor[policyFile]()) {
		if get(n, name) != nil {
			return true
		}
	}
	return false
}

// handwritten is how people write a file: what they wrote is what they mean.
var handwritten = form{Known: true}

// readPolicyFile reads a file of policies.
func readPolicyFile(n *yaml.Node) (Documents, error) {
	var f policyFile
	if err := shorthand(get(n, "policies")); err != nil {
		return Documents{}, within(err, "policies")
	}
	if err := handwritten.fill(n, &f); err != nil {
		return Documents{}, err
	}
	if err := f.check(n); err != nil {
		return Documents{}, err
	}
	id := "service/" + strings.TrimPrefix(f.Service, "service/")
	d := Documents{Services: []Service{{ResourceID: id, Desired: int(f.Desired), CPU: int(f.Task.CPU), Memory: int(f.Task.Memory)}}}
	if f.Min != nil {
		d.Targets = []types.ScalableTarget{{ResourceId: &id, MinCapacity: f.Min, MaxCapacity: f.Max, ServiceNamespace: types.ServiceNamespaceEcs}}
	}
	d.tag(id, f.Tags)
	for name, at := range members(get(n, "policies")) {
		p := policyOf{name: name, resource: id, filePolicy: f.Policies[name], at: at}
		if err := p.add(&d); err != nil {
			return d, within(within(err, name), "policies")
		}
	}
	for name, at := range members(get(n, "schedules")) {
		a := f.Schedules[name]
		if a.At == "" || a.Min == nil && a.Max == nil {
			return d, within(within(wrong(at, "a scheduled action has at, such as cron(0 8 * * ? *), and min or max"), name), "schedules")
		}
		d.Actions = append(d.Actions, a.action(id, name))
	}
	for _, a := range f.Alarms {
		for i, action := range a.AlarmActions {
			if _, ours := f.Policies[action]; ours {
				a.AlarmActions[i] = policyARN(id, action)
			}
		}
		d.Alarms = append(d.Alarms, a)
	}
	return d, nil
}

// check refuses a file that says too little, or contradicts itself.
func (f policyFile) check(n *yaml.Node) error {
	parts := strings.Split(strings.TrimPrefix(f.Service, "service/"), "/")
	switch {
	case f.Service == "":
		return wrong(n, "it has no service: write service: CLUSTER/SERVICE")
	case len(parts) != 2 || slices.Contains(parts, ""):
		return within(wrong(get(n, "service"), "%q is no service: write CLUSTER/SERVICE, such as shop/web", shortened(f.Service)), "service")
	case (f.Min == nil) != (f.Max == nil):
		return wrong(n, "it has one of min and max: write both, such as min: 2 and max: 40")
	case f.Min != nil && *f.Max < *f.Min:
		return within(wrong(get(n, "max"), "%d is less than min, which is %d", *f.Max, *f.Min), "max")
	}
	return nil
}

// shorthand writes policies that are a number out: cpu: 60 is cpu: {target: 60}.
func shorthand(policies *yaml.Node) error {
	for name, value := range members(policies) {
		_, known := shortMetrics[name]
		isNumber := value.Tag == "!!int" || value.Tag == "!!float"
		switch {
		case known && isNumber:
			number := *value
			*value = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: value.Line, Column: value.Column, Content: []*yaml.Node{scalar(value, "target"), &number}}
		case known && value.Kind == yaml.ScalarNode:
			return within(wrong(value, "there is %s, and there should be a target value such as 60, or a mapping such as {target: 60, scaleInCooldown: 60}", kindOf(value)), name)
		case isNumber:
			return within(wrong(value, "there is %s, and only cpu, memory, requests and backlog take a number: write {metric: cpu, target: %s}, with the metric", kindOf(value), value.Value), name)
		}
	}
	return nil
}

func (a fileAction) action(resource, name string) types.ScheduledAction {
	out := types.ScheduledAction{
		ScheduledActionName: &name, ResourceId: &resource, Schedule: &a.At,
		ScalableTargetAction: &types.ScalableTargetAction{MinCapacity: a.Min, MaxCapacity: a.Max},
	}
	if a.Zone != "" {
		out.Timezone = &a.Zone
	}
	out.StartTime, out.EndTime = a.Start, a.End
	return out
}
