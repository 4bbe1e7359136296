package preset

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"flyball/autoscaler"
	"flyball/autoscaler/hpa"
	"flyball/autoscaler/kpa"
	"flyball/internal/duration"
)

// A knativeDocument is a Service of Knative, of which the template's annotations scale.
type knativeDocument struct {
	Metadata struct{ Name string }
	Spec     struct {
		Template struct {
			Metadata struct{ Annotations map[string]scalar }
			Spec     struct {
				Concurrency float64 `yaml:"containerConcurrency"`
			}
		}
	}
}

// annotation begins the names of those that scale.
const annotation = "autoscaling.knative.dev/"

// knativeService reads one of Knative.
func knativeService(n *yaml.Node) (p Preset, err error) {
	var d knativeDocument
	if err := n.Decode(&d); err != nil {
		return p, err
	}
	p = Preset{Name: d.Metadata.Name, Min: new(int32(0)), Buffers: true, Concurrency: int(d.Spec.Template.Spec.Concurrency)}
	a := annotations{of: d.Spec.Template.Metadata.Annotations, known: map[string]bool{}}
	if v, given := a.number("min-scale", "minScale"); given {
		a.keep(bound(&p.Min, annotation+"min-scale", v))
	}
	if v, given := a.number("max-scale", "maxScale"); given && v > 0 {
		a.keep(bound(&p.Max, annotation+"max-scale", v))
	}
	if a.text("class") == "hpa."+annotation[:len(annotation)-1] {
		p.Buffers, p.Make = false, always(a.hpa().New)
	} else {
		p.Make = always(a.kpa(d.Spec.Template.Spec.Concurrency).New)
	}
	for _, name := range slices.Sorted(maps.Keys(a.of)) {
		if short, scales := strings.CutPrefix(name, annotation); scales && !a.known[short] {
			p.Notes = append(p.Notes, fmt.Sprintf("the annotation %s is left out: it cannot be simulated", name))
		}
	}
	return p, a.err
}

// annotations are those of a template. The first error stays.
type annotations struct {
	of    map[string]scalar
	known map[string]bool
	err   error
}

// keep keeps an error.
func (a *annotations) keep(err error) {
	if a.err == nil {
		a.err = err
	}
}

// text is an annotation, of which there may be an older name.
func (a *annotations) text(names ...string) string {
	for _, name := range names {
		a.known[name] = true
		if v, given := a.of[annotation+name]; given {
			return string(v)
		}
	}
	return ""
}

func (a *annotations) number(names ...string) (float64, bool) {
	text := a.text(names...)
	if text == "" {
		return 0, false
	}
	v, err := scalar(text).number(annotation + names[0])
	a.keep(err)
	return v, true
}

// above is a number above 0, or otherwise.
func (a *annotations) above(otherwise float64, names ...string) float64 {
	v, given := a.number(names...)
	if !given {
		return otherwise
	}
	if !(v > 0) {
		a.keep(fmt.Errorf("%s is %v; it must be above 0", annotation+names[0], v))
	}
	return v
}

func (a *annotations) duration(name string) time.Duration {
	text := a.text(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > time.Hour {
		a.keep(fmt.Errorf("%s is %q; write a duration of up to an hour, such as 60s", annotation+name, text))
	}
	return d
}

// kpa is what the annotations say of Knative's own autoscaler. A target counts with a
// utilization of 70 % where nothing is said, and never above the concurrency of a container.
func (a *annotations) kpa(concurrency float64) kpa.Spec {
	spec := kpa.Spec{Metric: autoscaler.Concurrency, Activation: int(a.above(1, "activation-scale"))}
	most := concurrency
	switch metric := a.text("metric"); metric {
	case "", "concurrency":
	case "rps":
		spec.Metric, most = autoscaler.Requests, 0
	default:
		a.keep(fmt.Errorf("%smetric is %q; concurrency and rps can be simulated", annotation, metric))
	}
	if target := a.above(0, "target"); target > 0 && (most == 0 || target < most) {
		most = target
	}
	spec.Target = kpa.Default(spec.Metric, most) * a.above(70, "target-utilization-percentage", "targetUtilizationPercentage") / 70
	if spec.StableWindow = a.duration("window"); spec.StableWindow > 0 && spec.StableWindow < 6*time.Second {
		a.keep(fmt.Errorf("%swindow is %s; it must be 6s to 1h", annotation, duration.String(spec.StableWindow)))
	}
	spec.PanicWindow = a.above(0, "panic-window-percentage", "panicWindowPercentage")
	spec.PanicThreshold = a.above(0, "panic-threshold-percentage", "panicThresholdPercentage")
	spec.ScaleDownDelay = a.duration("scale-down-delay")
	spec.Grace = max(30*time.Second, a.duration("scale-to-zero-pod-retention-period"))
	return spec
}

// hpa is what they say where the class is that of the HPA.
func (a *annotations) hpa() hpa.Spec {
	metric := autoscaler.CPU
	if a.text("metric") == "memory" {
		metric = autoscaler.Memory
	}
	m := podMetric(metric, a.above(80, "target"))
	if metric == autoscaler.Memory {
		m.Kind, m.Name = hpa.PodAverage, "memory resource" // in MiB
	}
	return hpa.Spec{Metrics: []hpa.Metric{m}}
}
