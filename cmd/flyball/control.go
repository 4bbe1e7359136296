package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"flyball/internal/control"
	"flyball/internal/control/standalone"
	"flyball/internal/policydoc"
	"flyball/scaling"
)

// A controlling is what the flags of flyball control say.
type controlling struct {
	conn     connection
	cfg      standalone.Config
	given    map[string]string // parameters of templates
	out, in  string            // limits
	level    string
	wantsAWS bool
}

func controlCommand() *cobra.Command {
	var c controlling
	cmd := &cobra.Command{
		Use:   "control --policies PATH",
		Short: "Scale services of AWS, of Kubernetes and behind HTTP by scaling policies",
		Long: `Control scales what runs elsewhere, by scaling policies in AWS's shapes: what decides is what decides in
flyball serve and flyball simulate. It sets the desired count of ECS services (service/CLUSTER/NAME), the
provisioned concurrency of Lambda functions (function:NAME:QUALIFIER), the replicas of whatever has a scale
in Kubernetes (kubernetes/NAMESPACE/RESOURCE.GROUP/NAME), and custom resources at their address
(https://...), by the API that AWS publishes for them.

--policies takes files and folders of what flyball simulate takes: what the AWS CLI prints, a plan of Terraform, a
template of CloudFormation, small YAML files. It is looked at every two seconds. A file that cannot be read, or a
policy that cannot be governed by, is named and changes nothing; the others go on. Metrics are read from CloudWatch,
and those that flyball.yaml in the same folder names from Prometheus, queues of SQS, Kubernetes, or JSON
over HTTP: docs/control.md tells how.

--dry-run sets nothing: it keeps what it would have set beside what the present autoscaler has set, and tells the
difference each day, and when flyball control report asks. Every decision goes into the audit log with its
reasons. What is remembered, such as cooldowns, is kept in --data; of several controllers with one data folder
one acts. Nothing is set as long as the file --pause-file is there, a service has the tag flyball:paused, or
an object of Kubernetes the annotation flyball.dev/paused.

It prints one line, "ready http://HOST:PORT", where it tells /metrics, /healthz, /readyz, /targets, /explain
and /report.`,
		Example: `  flyball control --policies ./policies --endpoint aws --dry-run     # what would it do?
  flyball control report                                             # and what would it have done?
  flyball control --policies ./policies --endpoint aws --budget 2 --limit-in 20%
  terraform show -json plan.out > plan.json && flyball control --policies plan.json --endpoint aws
  flyball control --policies ./policies --kubeconfig ~/.kube/config
  curl -s 'http://127.0.0.1:9466/explain?target=service/shop/web'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.flags(cmd)
	cmd.AddCommand(controlKubernetesCommand(), controlReportCommand())
	return cmd
}

func (c *controlling) flags(cmd *cobra.Command) {
	c.conn.flags(cmd)
	cmd.PreRunE = nil // AWS itself is asked with whatever credentials its SDK finds
	f := cmd.Flags()
	f.StringArrayVar(&c.cfg.Paths, "policies", nil, "file or folder of scaling policies and what belongs to them; can be given several times")
	f.StringToStringVar(&c.given, "parameter", nil, "value of a CloudFormation template's parameter, NAME=VALUE, or of what it imports; can be given several times")
	f.BoolVar(&c.cfg.DryRun, "dry-run", false, "set nothing, and keep what would have been set beside what there is")
	f.StringVar(&c.cfg.Data, "data", controlData(), `folder of what is remembered; "" remembers nothing`)
	f.StringVar(&c.cfg.Audit, "audit", "", "file of the audit log; audit.jsonl in the data folder by default")
	f.StringVar(&c.cfg.PauseFile, "pause-file", "", "file that pauses everything as long as it is there; pause in the data folder by default")
	f.StringVar(&c.cfg.Listen, "listen", "127.0.0.1:9466", `address that tells how it stands; "" is none`)
	f.StringVar(&c.out, "limit-out", "", "how much capacity may grow within a minute, such as 10 or 50%; as the policies say by default")
	f.StringVar(&c.in, "limit-in", "", "how much capacity may shrink within a minute, such as 10 or 20%")
	f.Float64Var(&c.cfg.Budget, "budget", 0, "US dollars a day for calls of CloudWatch; where that is not enough metrics are read in turns; 0 is whatever it costs")
	f.DurationVar(&c.cfg.Look, "look", time.Minute, "how often the capacity of each target is looked at, whatever its alarms say")
	f.StringVar(&c.cfg.Cluster.File, "kubeconfig", "", "kubeconfig file of the cluster; that of kubectl, or of the pod that this runs in, by default")
	f.StringVar(&c.cfg.Cluster.Context, "context", "", "context of the kubeconfig file")
	f.StringVar(&c.cfg.TokenFile, "token-file", "", "file with the bearer token that custom resources are called with")
	f.StringVar(&c.level, "log-level", "info", "debug, info, warn or error")
	_ = cmd.MarkFlagFilename("policies", "json", "yaml", "yml")
	for _, name := range []string{"audit", "pause-file", "kubeconfig", "token-file"} {
		_ = cmd.MarkFlagFilename(name)
	}
	_ = cmd.MarkFlagDirname("data")
	_ = cmd.MarkFlagRequired("policies")
	completeWords(cmd, "log-level", "debug", "info", "warn", "error")
}

// controlData is the data folder where none is named: beside that of a server.
func controlData() string { return filepath.Join(defaultData(), "control") }

func (c *controlling) run(cmd *cobra.Command) (err error) {
	if err := c.check(); err != nil {
		return refusal{err}
	}
	if c.cfg.Log, err = newLog(c.level); err != nil {
		return err
	}
	c.cfg.AWS = c.aws
	c.cfg.Documents = policydoc.Options{Parameters: c.given, Region: c.conn.Region, Account: c.conn.Account}
	c.cfg.Ready = func(address string) { sayReady(cmd, c.cfg.Log, address) }
	return standalone.Run(cmd.Context(), c.cfg)
}

// check refuses what cannot be meant.
func (c *controlling) check() (err error) {
	for _, path := range c.cfg.Paths {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("--policies %s: there is no such file or folder", path)
		}
	}
	for _, one := range []struct {
		flag, text string
		to         *scaling.Limit
	}{{"limit-out", c.out, &c.cfg.Limits.Out}, {"limit-in", c.in, &c.cfg.Limits.In}} {
		if one.text == "" {
			continue
		}
		if *one.to, err = scaling.ParseLimit(one.text); err != nil {
			return fmt.Errorf("--%s: %w", one.flag, err)
		}
	}
	switch {
	case !(c.cfg.Budget >= 0 && c.cfg.Budget < 1e9):
		return fmt.Errorf("--budget %v: give a number of US dollars a day, such as 2.50, or 0 for no bound", c.cfg.Budget)
	case c.cfg.Look < time.Second:
		return fmt.Errorf("--look %v: give a second or more, such as 1m", c.cfg.Look)
	}
	c.wantsAWS = c.conn.Endpoint == "aws"
	if c.wantsAWS {
		return nil
	}
	return c.conn.complete()
}

// aws is how AWS is called: at its own addresses with the credentials that its SDK finds, such as
// those of a role, or at the address of another server.
func (c *controlling) aws(ctx context.Context) (aws.Config, error) {
	if !c.wantsAWS {
		return c.conn.client().AWS(), nil
	}
	retries := func() aws.Retryer {
		return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
			o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) { o.MaxAttempts = 4 })
		})
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.conn.Region), config.WithRetryer(retries))
	cfg.BaseEndpoint = nil // that of AWS_ENDPOINT_URL may be a server's
	return cfg, err
}

func controlReportCommand() *cobra.Command {
	var audit string
	var last time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Tell what a dry run of flyball control would have done beside what was done",
		Long: `Report reads the audit log of flyball control --dry-run, and tells for each target how much capacity there was,
as its present autoscaler had it, and how much there would have been: in capacity times hours, with the
number of changes, how long there would have been more or less, and where the two were farthest apart.`,
		Example: `  flyball control report
  flyball control report --last 6h --json
  flyball control report --audit /var/log/flyball/audit.jsonl --last 0    # all that the log has`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if last < 0 {
				return refuse("--last %v: give a duration such as 6h, or 0 for all that the log has", last)
			}
			var from, to time.Time
			if last > 0 {
				to = time.Now()
				from = to.Add(-last)
			}
			report, err := control.CompareFile(audit, from, to)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), report)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), report)
			return err
		},
	}
	cmd.Flags().StringVar(&audit, "audit", filepath.Join(controlData(), "audit.jsonl"), "file of the audit log")
	cmd.Flags().DurationVar(&last, "last", 24*time.Hour, "how long ago it begins; 0 is the beginning of the log")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagFilename("audit")
	return cmd
}
