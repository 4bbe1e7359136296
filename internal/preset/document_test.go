package preset_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"flyball/autoscaler"
	"flyball/internal/preset"
	"flyball/sim"
)

// read reads all documents of a text.
func read(text string) (all []preset.Preset, known bool, err error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var n yaml.Node
		if decoder.Decode(&n) != nil {
			return all, known, nil
		}
		some, is, err := preset.FromTree(n.Content[0])
		if err != nil {
			return nil, true, err
		}
		all, known = append(all, some...), known || is
	}
}

// one is the only autoscaler of a file.
func one(t *testing.T, file string) preset.Preset {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	all, _, err := read(string(text))
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: %d autoscalers, %v", file, len(all), err)
	}
	return all[0]
}

// sizes are what an autoscaler makes of replicas that are ready at once, over some intervals.
func sizes(p preset.Preset, s autoscaler.Seen, intervals int) string {
	a := p.Make(sim.Scenario{})
	var all []int
	for i := range intervals {
		s.At = start.Add(time.Duration(i) * a.Interval())
		s.Serving = float64(s.Desired)
		s.Running, s.Ready = s.Desired, s.Desired
		s.Desired = a.Decide(s).Replicas
		all = append(all, s.Desired)
	}
	return strings.Trim(fmt.Sprint(all), "[]")
}

func TestFiles(t *testing.T) {
	idle := autoscaler.Seen{Desired: 20, Min: 1, Max: 100, VCPU: 1}
	for _, c := range []struct {
		rule, file string
		bounds     string
		seen       autoscaler.Seen
		intervals  int
		want       string
	}{
		{"three pods a minute, for requests", "hpa.yaml", "web 2 to 40", autoscaler.Seen{Desired: 4, Max: 40, VCPU: 1, Requests: 80}, 6, "7 7 7 7 10 10"},
		{"a window of a minute, and then 10 %, which is less than 4", "hpa.yaml", "web 2 to 40", idle, 6, "20 20 20 20 18 18"},
		{"waiting messages alone, by the HPA", "scaledobject.yaml", "worker 0 to 30", autoscaler.Seen{Max: 30, Queue: 35, Concurrency: 90}, 3, "1 4 4"},
		{"no activity up to 3", "scaledobject.yaml", "worker 0 to 30", autoscaler.Seen{Max: 30, Queue: 3}, 3, "0 0 0"},
		{"80 % of the target, which is below the concurrency", "knative.yaml", "hello 1 to 50", autoscaler.Seen{Desired: 1, Min: 1, Max: 50, Concurrency: 160}, 1, "10"},
		{"the larger of two checks, two more at once", "nomad.json", "web 2 to 20", autoscaler.Seen{Desired: 4, Max: 20, VCPU: 1, Requests: 300}, 4, "6 6 8 8"},
	} {
		p := one(t, c.file)
		if got := fmt.Sprintf("%s %d to %d", p.Name, *p.Min, *p.Max); got != c.bounds {
			t.Errorf("%s: %s, want %s", c.rule, got, c.bounds)
		}
		if got := sizes(p, c.seen, c.intervals); got != c.want {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
	}
}

func TestWhatIsTakenForWhatIsSaid(t *testing.T) {
	for file, want := range map[string]string{
		"hpa.yaml":          "http_requests_per_second is taken for the requests a second",
		"scaledobject.yaml": "type cron is left out",
		"knative.yaml":      "autoscaling.knative.dev/initial-scale is left out",
		"nomad.json":        "is taken for the requests a second",
	} {
		if notes := strings.Join(one(t, file).Notes, "\n"); !strings.Contains(notes, want) {
			t.Errorf("%s: %s", file, notes)
		}
	}
	if p := one(t, "knative.yaml"); !p.Buffers || p.Concurrency != 50 {
		t.Errorf("%+v", p)
	}
}

func TestOtherDocumentsAreNotKnown(t *testing.T) {
	for _, text := range []string{"kind: Deployment", "Resources: {}", "- 1", "text", `{"ScalingPolicies": []}`, "apiVersion: v1\nkind: Service"} {
		if all, known, err := read(text); known || err != nil || len(all) > 0 {
			t.Errorf("%s: %v, %v", text, known, err)
		}
	}
}

func TestWhatKubectlPrintsIsAList(t *testing.T) {
	all, known, err := read(`{"kind": "List", "items": [{"kind": "Deployment"},
		{"kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"}, "spec": {"maxReplicas": 4, "targetCPUUtilizationPercentage": 50}},
		{"kind": "HorizontalPodAutoscaler", "metadata": {"name": "b"}, "spec": {"maxReplicas": 5}}]}`)
	if err != nil || !known || len(all) != 2 || all[1].Name != "b" || *all[1].Min != 1 || *all[1].Max != 5 || len(all[1].Notes) != 1 {
		t.Errorf("%+v, %v, %v", all, known, err)
	}
}

func TestDocumentsAreRefusedInWords(t *testing.T) {
	hpa := func(spec string) string { return "kind: HorizontalPodAutoscaler\nspec: {" + spec + "}" }
	metric := func(m string) string { return hpa("maxReplicas: 5, metrics: [" + m + "]") }
	behavior := func(b string) string { return hpa("maxReplicas: 5, behavior: {scaleUp: {" + b + "}}") }
	keda := func(spec string) string { return "kind: ScaledObject\nspec: {" + spec + "}" }
	knative := func(a string) string {
		return "apiVersion: serving.knative.dev/v1\nkind: Service\nspec: {template: {metadata: {annotations: {" + a + "}}}}"
	}
	for text, want := range map[string]string{
		hpa("minReplicas: 2"):                             "no maxReplicas",
		hpa("minReplicas: 6, maxReplicas: 5"):             "the maximum must not be below the minimum",
		hpa("maxReplicas: 1.5"):                           "whole number",
		hpa("maxReplicas: many"):                          "line 2, column 21: there should be a number",
		hpa("maxReplicas: 5, metrics: 3"):                 "line 2, column 33: there should be a list",
		metric("{type: Weather}"):                         "write Resource, Pods, Object or External",
		metric("{type: Resource, resource: {name: gpu}}"): "cpu and memory can",
		metric("{type: Resource, resource: {name: cpu}}"): "averageUtilization: 60",
		metric("{type: Pods, pods: {metric: {name: happiness}, target: {averageValue: 3}}}"): "happiness cannot be simulated",
		metric("{type: Pods, pods: {metric: {name: rps}, target: {averageValue: 3q}}}"):      "write a quantity such as 10",
		metric("{type: Pods, pods: {metric: {name: rps}, target: {averageValue: 0}}}"):       "must be above 0",
		metric("{type: Pods, pods: {metric: {name: rps}, target: {averageValue: [1]}}}"):     "a number or text",
		behavior("stabilizationWindowSeconds: 4000"):                                         "it must be 0 to 3600",
		behavior("selectPolicy: Most"):                                                       "write Max, Min or Disabled",
		behavior("policies: [{type: Nodes}]"):                                                "write Pods or Percent",
		behavior("policies: [{type: Pods, value: 1}]"):                                       "periodSeconds is 0 s",
		behavior("policies: [{type: Pods, periodSeconds: 60}]"):                              "its value is 0",
		keda(""):                             "no trigger that can be simulated",
		keda("triggers: [{type: rabbitmq}]"): "no value: write",
		keda("triggers: [{type: prometheus, metadata: {query: up, threshold: '3'}}]"): "the metric up cannot be simulated",
		keda("pollingInterval: 0, triggers: []"):                                      "it must be 1 to 3600",
		keda("idleReplicaCount: 0, triggers: []"):                                     "minReplicaCount above",
		knative("autoscaling.knative.dev/metric: cpu"):                                "concurrency and rps",
		knative("autoscaling.knative.dev/target: '0'"):                                "must be above 0",
		knative("autoscaling.knative.dev/window: 1s"):                                 "6s to 1h",
		knative("autoscaling.knative.dev/min-scale: few"):                             "write a quantity",
		`{"TaskGroups": [{"Name": "a"}]}`:                                             "no group of the job",
		`{"TaskGroups": [{"Name": "a", "Scaling": {"Policy": {}}}]}`:                  "no check",
		`{"TaskGroups": [{"Name": "a", "Scaling": {"Policy": {"check": [{"c": [{"query": "avg_cpu", "strategy": [{"threshold": [{}]}]}]}]}}}]}`: "target-value can",
		`{"TaskGroups": [{"Name": "a", "Scaling": {"Policy": {"check": [{"c": [{"query": "avg_cpu"}]}]}}}]}`:                                    "with a target",
		`{"TaskGroups": [{"Name": "a", "Scaling": {"Policy": {"cooldown": "soon"}}}]}`:                                                          "write a duration",
	} {
		_, _, err := read(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v, want %q in it", text, err, want)
		} else if strings.Contains(err.Error(), "cannot unmarshal") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s:\n%v", text, err)
		}
	}
}

// Whatever a document says, it is read or refused, and an autoscaler that is made of it
// answers.
func FuzzFromTree(f *testing.F) {
	for _, file := range []string{"hpa.yaml", "scaledobject.yaml", "knative.yaml", "nomad.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, _, err := read(text)
		for _, p := range all {
			if err == nil {
				sizes(p, autoscaler.Seen{Desired: 2, Min: 0, Max: 10, VCPU: 1, MiB: 512, CPU: 3, Requests: 10, Concurrency: 4, Queue: 5}, 3)
			}
		}
	})
}
