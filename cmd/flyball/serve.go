package main

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flyball/internal/clock"
	"flyball/internal/garbage"
	"flyball/internal/server"
)

// A serving is what the flags of flyball serve say.
type serving struct {
	cfg         server.Config
	images      []string
	level, wall string
	files       secrets
}

func serveCommand() *cobra.Command {
	s := serving{cfg: server.Config{Images: map[string]string{}}}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the AWS APIs on this machine and run what they ask for",
		Long: `Serve answers calls of Application Auto Scaling, CloudWatch, CloudWatch Logs, EC2 (the network of
services), ECR, ECS, Elastic Load Balancing, EventBridge and its Scheduler, IAM, Lambda, SQS and STS, is a
registry for images, runs the tasks of services and functions, measures them, keeps their logs, forwards
requests to them, evaluates alarms and carries out scaling policies.

It takes any access key from programs of the user who starts it and of root. Programs of other users, tasks
and functions need one that it has issued; see --auth and --allow-other-users.

It prints one line, "ready http://HOST:PORT" (https with --tls-cert), on standard output when it
accepts calls, and logs to standard error. It stops on SIGINT or SIGTERM, and stops every task that
it started.

Built-in images, run by every runtime:
  flyball/web      HTTP on $PORT (8080): / answers at once, /computation burns about 50 ms of CPU,
                   /memory?mb=N holds N MiB
  flyball/memory   holds $MEMORY_MB MiB`,
		Example: `  flyball serve
  flyball serve --speed 60 --data ""                 # a minute a second, nothing kept
  flyball serve --feed-aws-namespaces                # put-metric-data to AWS/SQS, and see a policy act
  flyball serve --runtime process --image shop/api="./api --listen 0.0.0.0:8080"

  flyball serve --auth admin.ini --addr 0.0.0.0:4566 --tls-cert cert.pem --tls-key key.pem
  flyball serve --auth admin.ini --store postgres://flyball@db/flyball --data a   # on two machines or more

  eval "$(flyball env)"
  aws ecs create-cluster --cluster-name demo`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	s.stateFlags(cmd)
	s.taskFlags(cmd)
	s.networkFlags(cmd)
	s.accessFlags(cmd)
	completeServe(cmd)
	return cmd
}

// stateFlags adds those of where state is, and of what time it is.
func (s *serving) stateFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.cfg.Data, "data", defaultData(), `folder of the durable state; "" keeps nothing`)
	f.StringVar(&s.cfg.Store, "store", "", "be one of several replicas, whose state is in the PostgreSQL database at a `URL` such as postgres://USER@HOST/NAME; what the URL leaves out is taken from PGPASSWORD, ~/.pgpass and others of their kind (by default the state is in the folder of --data)")
	f.StringVar(&s.cfg.ReplicaAddr, "replica-addr", "", "with --store: address to listen on for other replicas (default: loopback, a free port)")
	f.StringVar(&s.cfg.Advertise, "advertise", "", "with --store: `HOST:PORT` where other replicas reach --replica-addr, if that is another address")
	f.Float64Var(&s.cfg.Speed, "speed", 1, "run the clock this many times faster; tasks run in real time")
	f.StringVar(&s.level, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&s.wall, "wall-shift", "", "for tests: shift the wall clock by the duration in this file, such as 8h or -30s, which may change")
	_ = f.MarkHidden("wall-shift")
	clockFlags(cmd, &s.cfg.Clock)
}

// taskFlags adds those of how tasks run.
func (s *serving) taskFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.cfg.Runtime, "runtime", "auto", "how tasks run: process, docker, kubernetes, simulated (they are records, which start, stop and use what they are told to), or auto (docker when its engine answers, simulated with --clock manual)")
	f.StringVar(&s.cfg.TaskNetwork, "task-network", "auto", "process runtime: a network namespace for each task, a loopback address, or auto (namespace where Linux permits it)")
	f.TextVar(&s.cfg.TaskRange, "task-range", netip.MustParsePrefix("100.64.0.0/11"), "process runtime: `PREFIX` with room for the networks of the namespaces of tasks and of functions, a /20 each")
	f.StringArrayVar(&s.images, "image", nil, "process runtime: run COMMAND for an image, as NAME=COMMAND (repeatable)")
	kubernetesFlags(cmd, &s.cfg.Kubernetes)
	simulationFlags(cmd, &s.cfg)
}

// networkFlags adds those of where the server and load balancers answer, and for what.
func (s *serving) networkFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.cfg.Addr, "addr", "127.0.0.1:4566", "address to listen on; loopback only, unless --auth is given")
	f.StringVar(&s.cfg.Account, "account", "123456789012", "account of calls whose access key names none (12 digits name one)")
	f.StringVar(&s.cfg.Region, "region", "us-east-1", "region of calls whose signature names none, and of our own paths")
	f.StringArrayVar(&s.cfg.Hosts, "host", nil, "accept requests for this Host name, too, without a port; *.example.com is all names that end so (repeatable)")
	f.StringVar(&s.cfg.LBDomain, "lb-domain", "", "name load balancers NAME-NUMBER.REGION.elb.DOMAIN; such names have to lead here (by default a name is the load balancer's address)")
	f.BoolVar(&s.cfg.StrictNetwork, "strict-network", false, "refuse load balancers, target groups, services and tasks in VPCs, subnets and security groups that EC2 does not know")
	f.BoolVar(&s.cfg.FeedAWSNamespaces, "feed-aws-namespaces", false, "let PutMetricData publish metrics of namespaces that begin with AWS/, which AWS refuses: policies on metrics that nothing here publishes can be tested")
	f.BoolVar(&s.cfg.ListenAnywhere, "listen-anywhere", false, "in a container: listen on 0.0.0.0:4566 and name load balancers below localhost, unless --addr and --lb-domain say otherwise, and take any access key from whoever reaches it, tasks and web pages excepted; publish the port for this machine alone")
	f.StringVar(&s.files.certificate, "tls-cert", "", "speak TLS with the certificate in this PEM file, and those of its authorities after it")
	f.StringVar(&s.files.key, "tls-key", "", "PEM file with the certificate's key")
	cmd.MarkFlagsRequiredTogether("tls-cert", "tls-key")
}

// accessFlags adds those of whose calls are taken.
func (s *serving) accessFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.files.auth, "auth", "", "admit only keys of IAM and STS, and the administrator's, which is in this file as in ~/.aws/credentials")
	f.BoolVar(&s.cfg.AllowOtherUsers, "allow-other-users", false, "let programs of other users of this machine call with any key, as yours do: they can start programs as you")
	f.StringVar(&s.cfg.Roles, "roles", server.RolesJudged, `the role of a scalable target: "enforce" judges what it allows, "aws" takes any, as AWS does`)
}

// run serves until the command ends.
func (s *serving) run(cmd *cobra.Command) error {
	var err error
	if s.cfg.Log, err = newLog(s.level); err != nil {
		return err
	}
	if err := s.readImages(); err != nil {
		return err
	}
	if err := s.files.read(&s.cfg); err != nil {
		return err
	}
	if s.wall != "" {
		s.cfg.Wall = clock.ShiftedBy(s.wall)
	}
	if s.cfg.ListenAnywhere {
		publish(&s.cfg, cmd.Flags())
	}
	if s.cfg.Clock == server.ClockManual && !cmd.Flags().Changed("feed-aws-namespaces") {
		s.cfg.FeedAWSNamespaces = true // what the metrics of a test are, the test says
	}
	if s.cfg.Store == "" && cmd.Flags().Changed("store") { // a folder begun in place of the database would be a server without its state
		return refuse("--store of nothing names no database: give its URL, such as postgres://USER@HOST/NAME, or leave the flag out for the folder of --data")
	}
	if s.cfg.Store != "" {
		return serveReplica(cmd, s.cfg)
	}
	if s.cfg.ReplicaAddr != "" || s.cfg.Advertise != "" {
		return refuse("--replica-addr and --advertise are for replicas that share a database, which --store names")
	}
	running, err := server.Open(cmd.Context(), s.cfg)
	if err != nil {
		return s.named(err)
	}
	garbage.Begin()
	s.cfg.Log.Info("the console is at " + running.ConsoleURL())
	sayReady(cmd, s.cfg.Log, running.PublicURL())
	return running.Run(cmd.Context())
}

// sayReady prints where a program answers. It is for others: without it the program goes on.
func sayReady(cmd *cobra.Command, log *slog.Logger, address string) {
	if _, err := fmt.Fprintln(cmd.OutOrStdout(), "ready", address); err != nil {
		log.Warn("the line that says ready cannot be printed; calls are answered all the same", "address", address, "reason", plain(err))
	}
}

// named has what is to be done about a damaged file name the folder that it is in.
func (s *serving) named(err error) error {
	const check = "flyball check "
	if s.cfg.Data == "" || !strings.Contains(err.Error(), check+"DIR") {
		return err
	}
	return plainly{strings.ReplaceAll(err.Error(), check+"DIR", check+s.cfg.Data), err}
}

// readImages reads what images run.
func (s *serving) readImages() error {
	for _, image := range s.images {
		name, command, ok := strings.Cut(image, "=")
		if !ok || name == "" || command == "" {
			return refuse("--image %q: give NAME=COMMAND, such as shop/api=./api", image)
		}
		s.cfg.Images[name] = command
	}
	return nil
}

// serveReplica serves as one of several replicas.
func serveReplica(cmd *cobra.Command, cfg server.Config) error {
	cfg.Release = versionOf(version, buildInfo())
	r, err := server.OpenReplica(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	garbage.Begin()
	sayReady(cmd, cfg.Log, r.PublicURL())
	return r.Run(cmd.Context())
}

// publish chooses what is reached through a published port, where nothing else was asked for: the
// server itself, and load balancers by names that lead to it on most systems. Their own addresses
// are the container's.
func publish(cfg *server.Config, given *pflag.FlagSet) {
	if !given.Changed("addr") {
		cfg.Addr = "0.0.0.0:4566"
	}
	if !given.Changed("lb-domain") {
		cfg.LBDomain = "localhost"
	}
}

// completeServe has a shell complete what the flags of flyball serve take.
func completeServe(cmd *cobra.Command) {
	completeWords(cmd, "runtime", "auto", "process", "docker", "kubernetes", "simulated")
	completeWords(cmd, "task-network", "auto", "namespace", "loopback")
	completeWords(cmd, "roles", server.RolesJudged, server.RolesTaken)
	completeWords(cmd, "log-level", "debug", "info", "warn", "error")
	completeWords(cmd, "region", usualRegions...)
	completeWords(cmd, "addr", "127.0.0.1:4566")
	completeWords(cmd, "account", "123456789012")
	for _, flag := range []string{"speed", "image", "host", "lb-domain", "task-range", "store", "replica-addr", "advertise"} {
		completeWords(cmd, flag)
	}
	_ = cmd.MarkFlagDirname("data")
	_ = cmd.MarkFlagFilename("auth")
	_ = cmd.MarkFlagFilename("kubeconfig")
	_ = cmd.MarkFlagFilename("tls-cert", "pem", "crt")
	_ = cmd.MarkFlagFilename("tls-key", "pem", "key")
}

// secrets are the files that say whom the server lets in, and that it is itself.
type secrets struct{ auth, certificate, key string }

func (s secrets) read(cfg *server.Config) (err error) {
	if s.auth != "" {
		if cfg.Administrator, err = server.ReadAdministrator(s.auth); err != nil {
			return refuse("--auth: %w", err)
		}
	}
	if s.certificate != "" {
		pair, err := tls.LoadX509KeyPair(s.certificate, s.key)
		if err != nil {
			if is[*fs.PathError](err) {
				return refuse("--tls-cert, --tls-key: %w", err)
			}
			return refuse("--tls-cert %s and --tls-key %s are no certificate and its key in PEM: %s; give both as whoever has issued them wrote them",
				s.certificate, s.key, strings.TrimPrefix(err.Error(), "tls: "))
		}
		cfg.Certificate = &pair
	}
	return nil
}

// defaultData is the folder for state under the user's home, or one in the
// working folder when there is no home.
func defaultData() string {
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "flyball")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "state", "flyball")
	}
	return "flyball-data"
}

func newLog(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, refuse("--log-level %q: give debug, info, warn or error", level)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
}
