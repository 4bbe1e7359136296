package preset

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"flyball/autoscaler"
	"flyball/autoscaler/nomad"
)

// A nomadDocument is a job of Nomad as its API has it, in JSON.
type nomadDocument struct {
	TaskGroups []struct {
		Name    string `yaml:"Name"`
		Scaling *struct {
			Min    *float64    `yaml:"Min"`
			Max    *float64    `yaml:"Max"`
			Policy nomadPolicy `yaml:"Policy"`
		} `yaml:"Scaling"`
	} `yaml:"TaskGroups"`
}

// A nomadPolicy is a scaling policy. Blocks of HCL are lists in JSON, with the labels of a
// block as members.
type nomadPolicy struct {
	Cooldown string                    `yaml:"cooldown"`
	Interval string                    `yaml:"evaluation_interval"`
	Checks   []map[string][]nomadCheck `yaml:"check"`
}

type nomadCheck struct {
	Query    string                           `yaml:"query"`
	Window   string                           `yaml:"query_window"`
	Strategy []map[string][]map[string]scalar `yaml:"strategy"`
}

// nomadJob reads the task groups of a job that scale.
func nomadJob(n *yaml.Node) (all []Preset, known bool, err error) {
	var d nomadDocument
	if err := n.Decode(&d); err != nil {
		return nil, true, fmt.Errorf("job of Nomad: %w", plain(err))
	}
	for _, group := range d.TaskGroups {
		if group.Scaling == nil {
			continue
		}
		p := Preset{Name: group.Name}
		if p.Min, p.Max, err = replicas("Min", group.Scaling.Min, 1, "Max", group.Scaling.Max); err == nil {
			err = group.Scaling.Policy.read(&p)
		}
		if err != nil {
			return nil, true, fmt.Errorf("group %s of the job: %w", group.Name, err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, true, errors.New("no group of the job has a scaling block")
	}
	return all, true, nil
}

func (d nomadPolicy) read(p *Preset) (err error) {
	spec := nomad.Spec{}
	if d.Interval != "" {
		if spec.Interval, err = nomadDuration("evaluation_interval", d.Interval, time.Second); err != nil {
			return err
		}
	}
	if d.Cooldown != "" {
		cooldown, err := nomadDuration("cooldown", d.Cooldown, 0)
		if err != nil {
			return err
		}
		spec.Cooldown = &cooldown
	}
	for _, checks := range d.Checks {
		for _, name := range slices.Sorted(maps.Keys(checks)) {
			for _, c := range checks[name] {
				one, note, err := c.read(name)
				if err != nil {
					return fmt.Errorf("check %s: %w", name, err)
				}
				spec.Checks = append(spec.Checks, one)
				if note != "" {
					p.Notes = append(p.Notes, note)
				}
			}
		}
	}
	if len(spec.Checks) == 0 {
		return errors.New("its policy has no check")
	}
	p.Make = always(spec.New)
	return nil
}

func nomadDuration(name, text string, least time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > 24*time.Hour {
		return 0, fmt.Errorf("%s is %q; write a duration of %v to 24h, such as 30s", name, text, least)
	}
	return d, nil
}

// read reads a check with its strategy, and what is to be said about its metric.
func (c nomadCheck) read(name string) (one nomad.Check, note string, err error) {
	one.Name = name
	switch {
	case strings.HasPrefix(c.Query, "avg_cpu"):
		one.Metric = autoscaler.CPU
	case strings.HasPrefix(c.Query, "avg_memory"):
		one.Metric = autoscaler.Memory
	default:
		one.Kind = nomad.Total
		if one.Metric, note, err = metricOf(c.Query); err != nil {
			return one, "", err
		}
	}
	if c.Window != "" && one.Kind == nomad.Total {
		if one.Window, err = nomadDuration("query_window", c.Window, time.Second); err != nil {
			return one, "", err
		}
	}
	settings := map[string]scalar{}
	for _, strategies := range c.Strategy {
		for kind, blocks := range strategies {
			if kind != "target-value" {
				return one, "", fmt.Errorf("the strategy %s cannot be simulated; target-value can", kind)
			}
			for _, block := range blocks {
				maps.Copy(settings, block)
			}
		}
	}
	return one, note, targetValue(&one, settings)
}

// targetValue reads the settings of a check's strategy.
func targetValue(to *nomad.Check, settings map[string]scalar) error {
	up, down := 0.0, 0.0
	for _, one := range []struct {
		key string
		to  *float64
	}{{"target", &to.Target}, {"threshold", &to.Threshold}, {"max_scale_up", &up}, {"max_scale_down", &down}} {
		text, given := settings[one.key]
		if !given {
			continue
		}
		v, err := text.number(one.key)
		if err != nil {
			return err
		}
		*one.to = v
	}
	to.MaxUp, to.MaxDown = int(min(up, 1e9)), int(min(down, 1e9))
	if _, given := settings["target"]; !given {
		return errors.New("it has no strategy target-value with a target")
	}
	return nil
}
