package policydoc

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"flyball/scaling"
)

// BesideName is the name of the file of a folder that says of its policies what AWS's shapes
// cannot: it is no document of policies itself.
const BesideName = "flyball.yaml"

// A Beside is what such a file says.
type Beside struct {
	Limits  Limits              `yaml:"limits" about:"how fast capacity may change, of all targets"`
	Metrics []BoundMetric       `yaml:"metrics" about:"metrics that are not CloudWatch's, and where they are read"`
	Targets map[string]OfTarget `yaml:"targets" about:"what holds for single targets, by their resource ids"`
}

// Limits are how fast capacity may change: counts, such as 10, or parts of what there is, such as
// 50%.
type Limits struct {
	Out Limit `yaml:"scaleOutPerMinute" about:"how much may be added in a minute, such as 10 or 50%"`
	In  Limit `yaml:"scaleInPerMinute" about:"how much may be taken away in a minute"`
}

// A Limit is a count or a part, as scaling.ParseLimit reads it; "" is none.
type Limit string

// number lets a count be written as a number.
func (Limit) number() {}

// OfTarget is what holds for one target.
type OfTarget struct {
	Limits Limits `yaml:"limits" about:"how fast its capacity may change"`
	Paused string `yaml:"paused" about:"why nothing is done for now, in words"`
}

// A BoundMetric is a metric as policies name it, and where it is read.
type BoundMetric struct {
	Namespace  string            `yaml:"namespace" about:"of the metric, as a policy has it"`
	Name       string            `yaml:"metric" about:"its name"`
	Dimensions map[string]string `yaml:"dimensions" about:"its dimensions, all of them"`

	Prometheus *PrometheusQuery  `yaml:"prometheus" about:"a query of Prometheus"`
	Queue      *QueueAttribute   `yaml:"sqs" about:"an attribute of a queue of SQS"`
	HTTP       *HTTPValue        `yaml:"http" about:"a number in JSON behind an address"`
	Kubernetes *KubernetesMetric `yaml:"kubernetes" about:"what the pods of something in Kubernetes use"`
	Running    bool              `yaml:"running" about:"true: how many tasks of the target run"`
}

// A PrometheusQuery is what is asked of Prometheus.
type PrometheusQuery struct {
	URL       string `yaml:"url" about:"address of Prometheus, such as http://prometheus:9090"`
	Query     string `yaml:"query" about:"PromQL that comes to one series"`
	TokenFile string `yaml:"tokenFile" about:"file with a bearer token"`
}

// A QueueAttribute is a number that SQS tells of a queue.
type QueueAttribute struct {
	Queue     string             `yaml:"queue" about:"name, address or ARN of the queue"`
	Attribute queueAttributeName `yaml:"attribute" about:"ApproximateNumberOfMessages by default"`
}

type queueAttributeName string

// Values are those that are numbers of messages.
func (queueAttributeName) Values() []queueAttributeName {
	return []queueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"}
}

// An HTTPValue is a number in JSON behind an address.
type HTTPValue struct {
	URL       string `yaml:"url" about:"address that answers with JSON"`
	Pointer   string `yaml:"value" about:"JSON pointer to the number, such as /queue/waiting; the whole answer by default"`
	TokenFile string `yaml:"tokenFile" about:"file with a bearer token"`
}

// A KubernetesMetric is what the pods of something use, in percent of what they request.
type KubernetesMetric struct {
	Namespace string          `yaml:"namespace" about:"namespace in the cluster"`
	Resource  string          `yaml:"resource" about:"resource with its group, such as deployments.apps"`
	Name      string          `yaml:"name" about:"name of the object"`
	Metric    kubernetesUsage `yaml:"metric" about:"cpu or memory"`
}

type kubernetesUsage string

// Values are what pods use.
func (kubernetesUsage) Values() []kubernetesUsage { return []kubernetesUsage{"cpu", "memory"} }

// ReadBeside reads such a file.
func ReadBeside(r io.Reader) (b Beside, err error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return b, err
	}
	trees, err := yamlTrees(text)
	if err != nil {
		return b, err
	}
	if len(trees) > 1 {
		return b, errors.New("it has several documents: write one")
	}
	for _, n := range trees {
		if err := (form{Known: true}).fill(n, &b); err != nil {
			return b, err
		}
		if err := b.checkLimits(n); err != nil {
			return b, err
		}
		list := get(n, "metrics")
		for i, m := range b.Metrics {
			if err := m.check(list.Content[i]); err != nil {
				return b, within(err, "metrics")
			}
			if slices.ContainsFunc(b.Metrics[:i], m.same) {
				return b, within(wrong(list.Content[i], "the metric %s of %s is there twice; remove one of the two", m.Name, m.Namespace), "metrics")
			}
		}
	}
	return b, nil
}

// checkLimits refuses limits that limit nothing.
func (b Beside) checkLimits(n *yaml.Node) error {
	if err := b.Limits.check(get(n, "limits")); err != nil {
		return within(err, "limits")
	}
	of := get(n, "targets")
	for _, id := range slices.Sorted(maps.Keys(b.Targets)) {
		if err := b.Targets[id].Limits.check(get(get(of, id), "limits")); err != nil {
			return within(within(within(err, "limits"), id), "targets")
		}
	}
	return nil
}

func (l Limits) check(n *yaml.Node) error {
	for name, limit := range map[string]Limit{"scaleOutPerMinute": l.Out, "scaleInPerMinute": l.In} {
		if limit == "" && (n == nil || get(n, name) == nil) {
			continue
		}
		if _, err := scaling.ParseLimit(string(limit)); err != nil {
			return within(wrong(get(n, name), "%v", err), name)
		}
	}
	return nil
}

// same reports whether two are of one metric.
func (m BoundMetric) same(o BoundMetric) bool {
	return m.Namespace == o.Namespace && m.Name == o.Name && fmt.Sprint(m.Dimensions) == fmt.Sprint(o.Dimensions)
}

// check refuses a metric that says too little, or too much.
func (m BoundMetric) check(n *yaml.Node) error {
	var from []string
	needs := func(name string, given bool, lacks string) error {
		if !given {
			return nil
		}
		from = append(from, name)
		if lacks != "" {
			return within(wrong(get(n, name), "it has no %s", lacks), name)
		}
		return nil
	}
	lacking := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == "" {
				return pairs[i]
			}
		}
		return ""
	}
	if what := lacking("namespace", m.Namespace, "metric", m.Name); what != "" {
		return wrong(n, "it has no %s: write namespace and metric as the policy has them", what)
	}
	var errs []error
	if p := m.Prometheus; p != nil {
		errs = append(errs, needs("prometheus", true, lacking("url", p.URL, "query", p.Query)))
	}
	if q := m.Queue; q != nil {
		errs = append(errs, needs("sqs", true, lacking("queue", q.Queue)))
	}
	if h := m.HTTP; h != nil {
		errs = append(errs, needs("http", true, lacking("url", h.URL)))
		if h.Pointer != "" && !strings.HasPrefix(h.Pointer, "/") {
			errs = append(errs, within(wrong(get(n, "http"), "%q is no JSON pointer: write one such as /queue/waiting", h.Pointer), "http"))
		}
	}
	if k := m.Kubernetes; k != nil {
		errs = append(errs, needs("kubernetes", true, lacking("namespace", k.Namespace, "resource", k.Resource, "name", k.Name, "metric", string(k.Metric))))
	}
	_ = needs("running", m.Running, "")
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if len(from) != 1 {
		return wrong(n, "it names %d places where the metric %s is read: write one of prometheus, sqs, http, kubernetes and running", len(from), m.Name)
	}
	return nil
}

// Files are the files of policies that a path stands for, in order: itself, or those in the folder that it
// is, but for BesideName and what is neither JSON nor YAML. Links are followed, as of a ConfigMap.
func Files(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		if strings.HasPrefix(e.Name(), ".") || e.Name() == BesideName || !slices.Contains([]string{".json", ".yaml", ".yml"}, filepath.Ext(name)) {
			continue
		}
		if info, err := os.Stat(name); err == nil && !info.IsDir() {
			names = append(names, name)
		}
	}
	return names, nil
}
