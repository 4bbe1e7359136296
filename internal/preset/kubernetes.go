package preset

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v4"

	"flyball/autoscaler"
	"flyball/autoscaler/hpa"
)

// A hpaDocument is a HorizontalPodAutoscaler of autoscaling/v2 or v1.
type hpaDocument struct {
	Metadata struct{ Name string }
	Spec     struct {
		MinReplicas *float64    `yaml:"minReplicas"`
		MaxReplicas *float64    `yaml:"maxReplicas"`
		CPU         *scalar     `yaml:"targetCPUUtilizationPercentage"`
		Metrics     []hpaMetric `yaml:"metrics"`
		Behavior    hpaBehavior `yaml:"behavior"`
	}
}

type hpaMetric struct {
	Type                   string
	Resource               *hpaSource
	ContainerResource      *hpaSource `yaml:"containerResource"`
	Pods, Object, External *hpaSource
}

type hpaSource struct {
	Name   string // of a resource
	Metric struct{ Name string }
	Target struct {
		Type         string
		Value        *scalar
		AverageValue *scalar `yaml:"averageValue"`
		Utilization  *scalar `yaml:"averageUtilization"`
	}
}

type hpaBehavior struct {
	Up   hpaRules `yaml:"scaleUp"`
	Down hpaRules `yaml:"scaleDown"`
}

type hpaRules struct {
	Window   *float64 `yaml:"stabilizationWindowSeconds"`
	Select   string   `yaml:"selectPolicy"`
	Policies []struct {
		Type   string
		Value  float64
		Period float64 `yaml:"periodSeconds"`
	}
	Tolerance *scalar
}

// horizontalPodAutoscaler reads one of Kubernetes.
func horizontalPodAutoscaler(n *yaml.Node) (p Preset, err error) {
	var d hpaDocument
	if err := n.Decode(&d); err != nil {
		return p, err
	}
	p.Name = d.Metadata.Name
	if p.Min, p.Max, err = replicas("minReplicas", d.Spec.MinReplicas, 1, "maxReplicas", d.Spec.MaxReplicas); err != nil {
		return p, err
	}
	if p.Max == nil {
		return p, fmt.Errorf("spec has no maxReplicas: write how many pods there are at the most")
	}
	spec := hpa.Spec{}
	if spec.Metrics, p.Notes, err = d.metrics(); err != nil {
		return p, err
	}
	if spec.Up, spec.Down, err = d.Spec.Behavior.rules(); err != nil {
		return p, err
	}
	p.Make = always(spec.New)
	return p, nil
}

// replicas are the bounds of a document. A minimum has a default; a maximum that is not said
// is nil.
func replicas(minimum string, least *float64, otherwise int32, maximum string, most *float64) (lower, upper *int32, err error) {
	lower = &otherwise
	if least != nil {
		err = bound(&lower, minimum, *least)
	}
	if most != nil && err == nil {
		err = bound(&upper, maximum, *most)
	}
	if err == nil && upper != nil && *upper < *lower {
		err = fmt.Errorf("%s is %d, and %s %d: the maximum must not be below the minimum", minimum, *lower, maximum, *upper)
	}
	return lower, upper, err
}

// metrics are those that replicas are computed from: 80 % of the processors, where nothing
// is said.
func (d hpaDocument) metrics() (all []hpa.Metric, notes []string, err error) {
	if d.Spec.CPU != nil {
		target, err := d.Spec.CPU.above("targetCPUUtilizationPercentage")
		return []hpa.Metric{podMetric(autoscaler.CPU, target)}, nil, err
	}
	for i, m := range d.Spec.Metrics {
		one, note, err := m.read()
		if err != nil {
			return nil, nil, fmt.Errorf("metric %d: %w", i+1, err)
		}
		if note != "" {
			notes = append(notes, note)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return []hpa.Metric{podMetric(autoscaler.CPU, 80)}, []string{"it has no metrics: Kubernetes takes 80 % of the processors then"}, nil
	}
	return all, notes, nil
}

// read reads a metric with its target, and what is to be said about it.
func (m hpaMetric) read() (one hpa.Metric, note string, err error) {
	source, word := m.source()
	if source == nil {
		return one, "", fmt.Errorf("its type is %q; write Resource, Pods, Object or External, with a member of that name", m.Type)
	}
	switch name := source.Name; {
	case word != "resource":
		one.Metric, note, err = metricOf(source.Metric.Name)
		one.Name = word + " metric " + source.Metric.Name
	case name == "cpu":
		one.Metric = autoscaler.CPU
	case name == "memory":
		one.Metric = autoscaler.Memory
	default:
		err = fmt.Errorf("the resource %s cannot be simulated; cpu and memory can", name)
	}
	if err != nil {
		return one, "", err
	}
	t := source.Target
	switch {
	case t.Utilization != nil && word == "resource":
		one = podMetric(one.Metric, 0)
		one.Target, err = t.Utilization.above("averageUtilization")
	case t.AverageValue != nil:
		one.Kind = hpa.PodAverage
		if word == "object" || word == "external" {
			one.Kind = hpa.TotalAverage
		}
		if word == "resource" {
			one.Name = one.Metric.String() + " resource"
		}
		one.Target, err = t.AverageValue.above("averageValue")
	case t.Value != nil && (word == "object" || word == "external"):
		one.Kind = hpa.Total
		one.Target, err = t.Value.above("value")
	default:
		err = fmt.Errorf("its target has no value: write averageUtilization: 60 for a resource, averageValue: 10 for pods, or value: 100 for an object or something external")
	}
	if one.Metric == autoscaler.Memory && one.Kind != hpa.Utilization {
		one.Target /= 1 << 20
	}
	return one, note, err
}

// source is what a metric is of, and the word for it in events.
func (m hpaMetric) source() (*hpaSource, string) {
	switch m.Type {
	case "Resource":
		return m.Resource, "resource"
	case "ContainerResource":
		return m.ContainerResource, "resource"
	case "Pods":
		return m.Pods, "pods"
	case "Object":
		return m.Object, "object"
	case "External":
		return m.External, "external"
	}
	return nil, ""
}

// rules are the behaviours in both directions.
func (b hpaBehavior) rules() (up, down hpa.Rules, err error) {
	if up, err = b.Up.read(); err != nil {
		return up, down, fmt.Errorf("behavior.scaleUp: %w", err)
	}
	if down, err = b.Down.read(); err != nil {
		err = fmt.Errorf("behavior.scaleDown: %w", err)
	}
	return up, down, err
}

func (r hpaRules) read() (out hpa.Rules, err error) {
	if r.Window != nil {
		window, err := seconds("stabilizationWindowSeconds", *r.Window, 0, 3600)
		if err != nil {
			return out, err
		}
		out.Stabilization = &window
	}
	if r.Tolerance != nil {
		v, err := r.Tolerance.number("tolerance")
		if err != nil {
			return out, err
		}
		out.Tolerance = &v
	}
	switch r.Select {
	case "", "Max":
	case "Min":
		out.Select = hpa.Min
	case "Disabled":
		out.Select = hpa.Disabled
	default:
		return out, fmt.Errorf("selectPolicy is %q; write Max, Min or Disabled", r.Select)
	}
	for i, p := range r.Policies {
		if p.Type != "Pods" && p.Type != "Percent" {
			return out, fmt.Errorf("policy %d: its type is %q; write Pods or Percent", i+1, p.Type)
		}
		period, err := seconds("periodSeconds", p.Period, 1, 1800)
		if err != nil {
			return out, fmt.Errorf("policy %d: %w", i+1, err)
		}
		if !(p.Value > 0 && p.Value < 1e9) {
			return out, fmt.Errorf("policy %d: its value is %v; it must be above 0", i+1, p.Value)
		}
		out.Policies = append(out.Policies, hpa.Policy{Percent: p.Type == "Percent", Value: int(p.Value), Period: period.Truncate(time.Second)})
	}
	return out, nil
}
