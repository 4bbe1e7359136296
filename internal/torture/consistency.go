package main

import (
	"fmt"
	"slices"
	"strings"
)

// inconsistent finds what cannot be beside each other, whatever was called.
func (w *world) inconsistent() []fault {
	var faults []fault
	half := func(tree, format string, args ...any) {
		faults = append(faults, fault{halfWritten, tree, fmt.Sprintf(format, args...)})
	}
	for arn, p := range w.policies {
		if w.facts[key{p.tree, "target", ""}] == "" {
			half(p.tree, "policy %s has no scalable target", p.name)
		}
		if p.tracks && len(p.alarms) == 0 {
			half(p.tree, "target tracking policy %s names no alarm", p.name)
		}
		for _, name := range p.alarms {
			if p.tracks && w.tracking[name] != arn {
				half(p.tree, "policy %s names alarm %s, which is not there", p.name, name)
			}
		}
	}
	for name, arn := range w.tracking {
		if p, ok := w.policies[arn]; !ok || !slices.Contains(p.alarms, name) {
			tree, _, _ := strings.Cut(strings.TrimPrefix(name, trackingPrefix), "-Alarm")
			half(tree, "alarm %s belongs to policy %s, which is not there or does not name it", name, arn)
		}
	}
	for _, k := range w.facts.keys() {
		switch _, active := w.desired[k.tree]; {
		case k.kind == "target" && !active:
			half(k.tree, "there is a scalable target, and no service")
		case k.kind == "action" && w.facts[key{k.tree, "target", ""}] == "":
			half(k.tree, "scheduled action %s has no scalable target", k.name)
		}
	}
	for _, t := range w.tasks {
		if _, active := w.desired[t.service]; t.service != "" && t.desired == "RUNNING" && !active {
			half(t.service, "task %s is to run on for a service that is deleted", t.id)
		}
	}
	return faults
}
