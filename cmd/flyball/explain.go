package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func explainCommand() *cobra.Command {
	var conn connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain RESOURCE",
		Short: "What a target's alarms see, what was decided last, and when it can scale next",
		Example: `  flyball explain prod/web
  flyball explain resize:live --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: conn.completeNames(1, scalable...),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, name, err := conn.find(cmd.Context(), args[0], scalable...)
			if err != nil {
				return err
			}
			id, err := scalableID(name)
			if err != nil {
				return err
			}
			e, err := c.Explain(cmd.Context(), string(id))
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), e)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), e)
			return err
		},
	}
	conn.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
