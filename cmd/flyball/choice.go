package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// A choice is a flag's value that is one of a few words.
type choice struct {
	value *string
	words []string
}

// choiceVar adds a flag to a command that takes one of some words, the first by default.
func choiceVar(cmd *cobra.Command, value *string, name, usage string, words ...string) {
	*value = words[0]
	cmd.Flags().Var(&choice{value, words}, name, usage)
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// String is the word that is chosen.
func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Set chooses a word.
func (c *choice) Set(word string) error {
	for _, w := range c.words {
		if w == word {
			*c.value = word
			return nil
		}
	}
	return fmt.Errorf("give %s", strings.Join(c.words, " or "))
}

// Type is how the value is named in help texts.
func (c *choice) Type() string { return strings.Join(c.words, "|") }
