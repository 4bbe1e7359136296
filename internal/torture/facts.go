package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A key names one thing that a call changes and that the server shows. Every
// thing belongs to a tree; see tree.
type key struct{ tree, kind, name string }

func (k key) String() string {
	if k.name == "" {
		return k.kind + " of " + k.tree
	}
	return k.kind + " " + k.name + " of " + k.tree
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.tree, b.tree), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
}

// Facts are things with what is said of them, in words. A thing that is not
// there says "".
type facts map[key]string

// apply makes the changes of a set: "" takes a thing away.
func (f facts) apply(set facts) {
	for k, v := range set {
		if v == "" {
			delete(f, k)
		} else {
			f[k] = v
		}
	}
}

// of are the facts of some trees.
func (f facts) of(trees map[string]bool) facts {
	some := facts{}
	for k, v := range f {
		if trees[k.tree] {
			some[k] = v
		}
	}
	return some
}

// keys are in order, so that the same facts are always told the same way.
func (f facts) keys() []key { return slices.SortedFunc(maps.Keys(f), compareKeys) }

// revision is the next one of a tree's task definition.
func (f facts) revision(tree string) int {
	last := 0
	for k := range f {
		if n, err := strconv.Atoi(k.name); err == nil && k.tree == tree && k.kind == "definition" {
			last = max(last, n)
		}
	}
	return last + 1
}

// say is how a fact is told: what is not there is absent.
func say(v string) string { return cmp.Or(v, "absent") }

// own makes the name of something that belongs to a tree without hanging on its
// service, and treeNamed says which.
func own(tree, name string) string { return tree + "_" + name }

func treeNamed(name string) string {
	tree, _, _ := strings.Cut(name, "_")
	return tree
}

// What is said of each kind of thing. The model and the reader of the server
// both speak these words, so that equal things have equal words.

func targetFact(least, most int32) string { return fmt.Sprintf("%d to %d tasks", least, most) }

func serviceFact(desired, grace int32, tags map[string]string) string {
	return fmt.Sprintf("%d desired, grace period %d, %s", desired, grace, tagsFact(tags))
}

func tagsFact(tags map[string]string) string {
	words := []string{"tags"}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		words = append(words, k+"="+tags[k])
	}
	return strings.Join(words, " ")
}

func trackingFact(value float64, in bool) string {
	return fmt.Sprintf("tracks %g, scales in: %t", value, in)
}

func stepFact(cooldown int32) string { return fmt.Sprintf("steps, cooldown %d", cooldown) }

func actionFact(schedule string, most int32) string {
	return fmt.Sprintf("%s: at most %d", schedule, most)
}

// thresholdFact leaves out the last digits, which are the arithmetic's.
func thresholdFact(threshold float64, periods int32) string {
	return fmt.Sprintf("threshold %.6g, %d periods", threshold, periods)
}

func alarmFact(threshold float64, enabled bool) string {
	return fmt.Sprintf("threshold %g, actions enabled: %t", threshold, enabled)
}
