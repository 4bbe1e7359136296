package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"flyball/internal/policydoc"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [policies | flyball.yaml]",
		Short: "The JSON schema of files with scaling policies, for editors",
		Long: `Schema prints the JSON schema of the small YAML files with scaling policies that flyball simulate
and flyball tune read. Editors that know it complete names, and mark what is wrong. A first line
# yaml-language-server: $schema=policies.schema.json tells them where it is. Such a file:

  service: shop/web
  min: 2
  max: 40
  task: {cpu: 256, memory: 512}
  policies:
    cpu: 60                        # target tracking of CPU utilization
    requests: {target: 1000, scaleInCooldown: 600}
    surge:                         # steps
      metric: cpu
      above: 85
      periods: 2
      steps: [{add: 2}, {from: 10, add: 4}]
    ahead: {metric: cpu, forecast: 60}
  schedules:
    morning: {at: cron(0 8 ? * MON-FRI *), zone: Europe/Berlin, min: 4}

With flyball.yaml it prints that of the file of this name which flyball control reads in the same folder: where metrics
are read that are not CloudWatch's, how fast capacity may change, and what is paused.`,
		Example: `  flyball schema > policies.schema.json
  flyball schema flyball.yaml > flyball.schema.json`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"policies", policydoc.BesideName},
		RunE: func(cmd *cobra.Command, args []string) error {
			of := policydoc.Schema
			if len(args) > 0 && args[0] == policydoc.BesideName {
				of = policydoc.BesideSchema
			}
			text, err := of()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
			return err
		},
	}
}
