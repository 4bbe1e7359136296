package preset

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"flyball/autoscaler"
)

// FromTree reads the autoscalers of a document, and whether it is of a kind that has some: a
// HorizontalPodAutoscaler, a ScaledObject, a Service of Knative or a List of these, or a job
// of Nomad.
func FromTree(n *yaml.Node) (all []Preset, known bool, err error) {
	var head struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Items      []yaml.Node
		Job        yaml.Node `yaml:"Job"`
		TaskGroups yaml.Node `yaml:"TaskGroups"`
	}
	if n.Kind != yaml.MappingNode || n.Decode(&head) != nil {
		return nil, false, nil
	}
	read := func(of func(*yaml.Node) (Preset, error), what string) ([]Preset, bool, error) {
		p, err := of(n)
		if err != nil {
			return nil, true, fmt.Errorf("%s of line %d: %w", what, n.Line, plain(err))
		}
		return []Preset{p}, true, nil
	}
	switch group, _, _ := strings.Cut(head.APIVersion, "/"); {
	case head.Kind == "HorizontalPodAutoscaler":
		return read(horizontalPodAutoscaler, head.Kind)
	case head.Kind == "ScaledObject":
		return read(scaledObject, head.Kind)
	case head.Kind == "Service" && group == "serving.knative.dev":
		return read(knativeService, "Service of Knative")
	case head.Kind == "List":
		return list(head.Items)
	case head.Job.Kind == yaml.MappingNode:
		return nomadJob(&head.Job)
	case head.TaskGroups.Kind == yaml.SequenceNode:
		return nomadJob(n)
	}
	return nil, false, nil
}

// list reads the items of a list, and leaves out what is of other kinds.
func list(items []yaml.Node) (all []Preset, known bool, err error) {
	for i := range items {
		some, is, err := FromTree(&items[i])
		if err != nil {
			return nil, true, err
		}
		all, known = append(all, some...), known || is
	}
	return all, known, nil
}

// plain is an error of the YAML reader in the words of who wrote the document.
func plain(err error) error {
	var load *yaml.LoadErrors
	if !errors.As(err, &load) || len(load.Errors) == 0 {
		return err
	}
	first := load.Errors[0]
	_, goal, known := strings.Cut(first.Message, " into ")
	should := "a mapping"
	switch {
	case !known:
		return errors.New(first.Message)
	case strings.HasPrefix(goal, "[]"):
		should = "a list"
	case strings.Contains(goal, "float64"):
		should = "a number"
	case goal == "string":
		should = "text"
	case strings.Contains(goal, "scalar"):
		should = "a number or text"
	}
	return fmt.Errorf("line %d, column %d: there should be %s", first.Mark.Line, first.Mark.Column, should)
}

// A scalar is a value that may be written as text or as a number.
type scalar string

// UnmarshalYAML takes the value as it is written.
func (s *scalar) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d, column %d: there is a list or a mapping, and there should be a number or text", n.Line, n.Column)
	}
	*s = scalar(n.Value)
	return nil
}

// number is the value as a number above 0, as Kubernetes writes quantities: 500m is a half,
// 2Ki are 2048.
func (s scalar) number(name string) (float64, error) {
	digits := strings.TrimRight(string(s), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%")
	factor, known := factors[string(s)[len(digits):]]
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || !known || !(v >= 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s is %q; write a quantity such as 10, 500m or 2Gi", name, string(s))
	}
	return v * factor, nil
}

// factors are those of the units of quantities.
var factors = map[string]float64{
	"": 1, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
}

// above is a number above 0.
func (s scalar) above(name string) (float64, error) {
	v, err := s.number(name)
	if err == nil && !(v > 0) {
		err = fmt.Errorf("%s is %s; it must be above 0", name, s)
	}
	return v, err
}

// words are parts of names of metrics, and what these are taken for.
var words = []struct {
	word string
	autoscaler.Metric
	about string
}{
	{"message", autoscaler.Queue, "the messages that wait"},
	{"queue", autoscaler.Queue, "the messages that wait"},
	{"backlog", autoscaler.Queue, "the messages that wait"},
	{"lag", autoscaler.Queue, "the messages that wait"},
	{"jobs", autoscaler.Queue, "the messages that wait"},
	{"pending", autoscaler.Queue, "the messages that wait"},
	{"concurren", autoscaler.Concurrency, "the requests in hand"},
	{"in_flight", autoscaler.Concurrency, "the requests in hand"},
	{"inflight", autoscaler.Concurrency, "the requests in hand"},
	{"connections", autoscaler.Concurrency, "the requests in hand"},
	{"request", autoscaler.Requests, "the requests a second"},
	{"rps", autoscaler.Requests, "the requests a second"},
	{"qps", autoscaler.Requests, "the requests a second"},
	{"cpu", autoscaler.CPU, "the processors in use"},
}

// metricOf takes the metric of a name for what a simulation has, and says so.
func metricOf(name string) (m autoscaler.Metric, note string, err error) {
	lower := strings.ToLower(name)
	for _, w := range words {
		if strings.Contains(lower, w.word) {
			return w.Metric, fmt.Sprintf("%s is taken for %s", name, w.about), nil
		}
	}
	return 0, "", fmt.Errorf("the metric %s cannot be simulated: the model of a service has requests a second, requests in hand, messages that wait, "+
		"processors and memory; give it a name with the word requests, concurrency, queue or cpu in it", name)
}
