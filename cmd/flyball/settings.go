package main

import (
	"strings"

	"github.com/spf13/cobra"

	"flyball/internal/policydoc"
)

// completeSettings completes the values of a target that can be set.
func completeSettings(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	all := []string{"min=", "max=", "policy."}
	if of, is := strings.CutPrefix(begun, "policy."); is {
		all = nil
		if dot := strings.LastIndex(of, "."); dot > 0 {
			for _, field := range policydoc.SettingFields() {
				all = append(all, "policy."+of[:dot]+"."+field+"=")
			}
		}
	}
	return all, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
