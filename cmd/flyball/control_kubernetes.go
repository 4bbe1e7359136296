package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/yaml"

	"flyball/internal/capacity"
	"flyball/internal/control"
	"flyball/internal/operator"
	"flyball/internal/reach"
	"flyball/internal/scales"
	"flyball/internal/source"
	"flyball/scaling"
)

// An operating is what the flags of flyball control kubernetes say.
type operating struct {
	kubeconfig, context   string
	namespaces            []string
	listen                string
	lease, leaseNamespace string
	prometheus            string
	addresses             []string
	dryRun                bool
	calls                 float32
	speed                 float64
}

func controlKubernetesCommand() *cobra.Command {
	var o operating
	cmd := &cobra.Command{
		Use:   "kubernetes",
		Short: "Scale what runs in a Kubernetes cluster by its custom resources",
		Long: `Kubernetes governs the ScalableTargets of a cluster, with the ScalingPolicies and ScheduledActions that name
them: it sets the scale of what they are about, and tells in status, conditions and events what it decides
and why. Of several controllers with the same lease one acts. What it remembers, such as cooldowns, is in the
status of each target.

The definitions of the resources, the rights that it needs and a Deployment are in deploy/kubernetes.

Policies may name addresses of Prometheus and of JSON, which this program then calls. --allow-addresses says which:
what is connected to counts, whatever name or answer led there. --prometheus is called in any case.

On --listen are /metrics, /healthz and /readyz. The audit log, a line of JSON for each decision, goes to
standard output, and other messages to standard error.`,
		Example: `  kubectl apply -k deploy/kubernetes
  flyball control kubernetes --dry-run
  flyball control kubernetes --namespace shop --prometheus http://prometheus.monitoring:9090
  flyball control kubernetes --allow-addresses 10.0.0.0/8,*.monitoring.svc
  kubectl get hpa web -o yaml | flyball control kubernetes convert | kubectl apply -f -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(o.addresses) == 0 && cmd.Flags().Changed("allow-addresses") {
				return refuse("--allow-addresses lists nothing; list addresses, networks or names, or leave it out for all but this machine, its link and metadata of clouds")
			}
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that tells of the cluster; by default that of the pod, or as kubectl finds it")
	flags.StringVar(&o.context, "context", "", "context of the kubeconfig; its current one by default")
	flags.StringSliceVar(&o.namespaces, "namespace", nil, "namespaces whose resources are governed; all by default")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:9466", "address of /metrics, /healthz and /readyz; empty for none")
	flags.StringVar(&o.lease, "lease", "flyball-control", "lease by which one of several controllers acts; empty where there is no other")
	flags.StringVar(&o.leaseNamespace, "lease-namespace", "", "namespace of the lease; by default that of the pod, or default")
	flags.StringVar(&o.prometheus, "prometheus", "", "address of the Prometheus of queries that name none")
	flags.StringSliceVar(&o.addresses, "allow-addresses", nil, "the only addresses, networks and names of hosts that policies may have called; by default all but this machine, its link and metadata of clouds")
	flags.BoolVar(&o.dryRun, "dry-run", false, "set nothing, and tell what would have been set")
	flags.Float32Var(&o.calls, "calls", 300, "calls a second of the API server at the most, of each kind: looks, changes of scale, statuses, events")
	flags.Float64Var(&o.speed, "speed", 1, "run periods and cooldowns this many times faster, to measure on a recorded load")
	_ = flags.MarkHidden("speed") // it is there
	cmd.AddCommand(convertCommand())
	return cmd
}

// run governs until the context ends.
func (o operating) run(ctx context.Context, audit, messages io.Writer) error {
	allowed, err := reach.Parse(o.addresses)
	if err != nil {
		return refuse("--allow-addresses: %w", err)
	}
	cluster, err := scales.Config(o.kubeconfig, o.context)
	if err != nil {
		return err
	}
	cluster.QPS, cluster.Burst, cluster.UserAgent = o.calls, int(2*o.calls), "flyball-control"
	of, err := scales.New(cluster)
	if err != nil {
		return err
	}
	sources := &source.Registry{Kubernetes: &source.Pods{Meter: of, Samples: &source.Samples{}}}
	if err := readAWS(ctx, sources); err != nil {
		return err
	}
	lines := json.NewEncoder(audit)
	log := slog.New(slog.NewTextHandler(messages, nil))
	return operator.Run(ctx, operator.Options{
		Cluster: cluster, Namespaces: o.namespaces, Capacity: capacity.Kinds{scaling.Scales: of}, Sources: sources, Prometheus: o.prometheus, Web: allowed.Client(),
		DryRun: o.dryRun, Log: log, Speed: o.speed, Listen: o.listen, Lease: o.lease, LeaseNamespace: cmp.Or(o.leaseNamespace, podNamespace(), "default"),
		Tell: func(r control.Record) {
			if err := lines.Encode(r); err != nil {
				log.Error("the audit log cannot be written", "error", err)
			}
		},
	})
}

// readAWS has CloudWatch and SQS read where the environment says a region.
func readAWS(ctx context.Context, to *source.Registry) error {
	config, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("read the configuration for AWS: %w", err)
	}
	if config.Region == "" {
		return nil // policies with metrics of AWS are refused, and say so
	}
	to.CloudWatch = &source.CloudWatch{Client: cloudwatch.NewFromConfig(config)}
	to.Queues = &source.Queues{Client: sqs.NewFromConfig(config), Samples: &source.Samples{}}
	return nil
}

// podNamespace is the namespace of the pod that this program runs in; "": it runs in none.
func podNamespace() string {
	text, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func convertCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "convert [FILE]",
		Short: "Write the resources that do what a HorizontalPodAutoscaler does",
		Long: `Convert reads HorizontalPodAutoscalers of autoscaling/v2 from FILE, or standard input, and writes a ScalableTarget
and ScalingPolicies for each. The targets are paused, since they are scaled by the others still. What
could not be converted is told on standard error.`,
		Example: `  kubectl get hpa web -o yaml | flyball control kubernetes convert | kubectl apply -f -
  kubectl delete hpa web
  kubectl annotate scalabletarget web flyball.dev/paused-`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := cmd.InOrStdin()
			if len(args) > 0 && args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			return convert(in, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

// convertBytes bounds what convert reads.
const convertBytes = 16 << 20

// convert writes what becomes of the HorizontalPodAutoscalers that it reads.
func convert(in io.Reader, out, notes io.Writer) error {
	text, err := io.ReadAll(io.LimitReader(in, convertBytes))
	if err != nil {
		return err
	}
	found := 0
	for _, document := range strings.Split("\n"+string(text), "\n---") {
		var list struct {
			Kind  string
			Items []autoscalingv2.HorizontalPodAutoscaler
		}
		if err := yaml.Unmarshal([]byte(document), &list); err != nil {
			return fmt.Errorf("it is neither YAML nor JSON of a HorizontalPodAutoscaler: %w", err)
		}
		if list.Kind == "HorizontalPodAutoscaler" {
			list.Items = make([]autoscalingv2.HorizontalPodAutoscaler, 1)
			if err := yaml.Unmarshal([]byte(document), &list.Items[0]); err != nil {
				return err
			}
		}
		for _, h := range list.Items {
			if h.APIVersion != "" && h.APIVersion != "autoscaling/v2" {
				return fmt.Errorf("HorizontalPodAutoscaler %s is of %s, and is read as autoscaling/v2: kubectl get hpa.v2.autoscaling %s -o yaml writes that", h.Name, h.APIVersion, h.Name)
			}
			found++
			if err := writeConverted(h, out, notes); err != nil {
				return err
			}
		}
	}
	if found == 0 {
		return errors.New("there is no HorizontalPodAutoscaler in it: give what kubectl get hpa NAME -o yaml prints")
	}
	return nil
}

func writeConverted(h autoscalingv2.HorizontalPodAutoscaler, out, notes io.Writer) error {
	resources, said := operator.FromHPA(h)
	for _, note := range said {
		fmt.Fprintf(notes, "%s: %s\n", h.Name, note)
	}
	for _, r := range resources {
		text, err := operator.YAML(r)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}
