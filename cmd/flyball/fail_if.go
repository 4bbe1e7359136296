package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"flyball/internal/threshold"
)

// statusFailed is what a command ends with when a condition of its --fail-if is met: it has
// done its work, and what it found is not good enough.
const statusFailed = 3

// A failIf is the flag --fail-if, which can be given several times.
type failIf struct {
	names      threshold.Names
	texts      []string
	conditions []threshold.Condition
}

// flag adds it to a command that measures some names.
func (f *failIf) flag(cmd *cobra.Command, names threshold.Names) {
	f.names = names
	cmd.Flags().StringArrayVar(&f.texts, "fail-if", nil,
		fmt.Sprintf("condition with which the command fails, with status %d, such as '%s > ...'; --help lists the names", statusFailed, names[0].Name))
}

// check reads the conditions: before anything is done.
func (f *failIf) check() error {
	for _, text := range f.texts {
		c, err := threshold.Parse(text, f.names)
		if err != nil {
			return refuse("--fail-if %q: %w", text, err)
		}
		f.conditions = append(f.conditions, c)
	}
	return nil
}

// A judgement is what became of a condition.
type judgement struct {
	Condition string   `json:"condition"`
	Met       bool     `json:"met"`
	Because   []string `json:"because,omitempty"`
}

// judge holds measured values against all conditions. The error is a failure if any is met.
func (f *failIf) judge(values map[string]float64) ([]judgement, error) {
	var all []judgement
	var why []string
	for _, c := range f.conditions {
		met, because := c.Met(values)
		all = append(all, judgement{c.String(), met, because})
		if met {
			why = append(why, strings.Join(because, ", "))
		}
	}
	if len(why) == 0 {
		return all, nil
	}
	return all, failure{refuse("--fail-if is met: %s", strings.Join(why, "; "))}
}

// A failure is the error of a command that found what --fail-if names.
type failure struct{ error }
