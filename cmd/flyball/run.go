package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/spf13/cobra"

	"flyball/internal/deploy"
	"flyball/internal/duration"
	"flyball/internal/resource"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/workload"
)

// A start is what `flyball run` was asked for.
type start struct {
	conn        connection
	plan        deploy.Plan
	environment []string
	within      time.Duration
}

func runCommand() *cobra.Command {
	var s start
	cmd := &cobra.Command{
		Use:   "run IMAGE|PROGRAM [ARG...]",
		Short: "Make a service that scales of an image or a program of yours",
		Long: `Run makes all that a service needs by the AWS APIs: cluster, task definition, load balancer, service,
scalable target and policy, and waits until its tasks run. It prints each call as a command of the aws
CLI on standard error, and the address of the load balancer on standard output. Run again with the same
name, it brings out another version.

An image is what Docker calls so. A program is one of this machine: a path, such as ./server, or a name
that the shell finds, such as python3. It needs a server that runs tasks as processes (--runtime
process, or no Docker engine). Its folder is this one. It has to listen to port $PORT, and where tasks
share this machine's network (without root) to the address $HOST; in arguments in single quotes both are
replaced. What stands behind the image or program is for it; put flags of flyball before.`,
		Example: `  flyball run --port 80 nginx
  flyball run --port 8080 ./server
  flyball run --port 8000 python3 app.py
  flyball run --port 9000 --name api ./server --listen '$HOST:$PORT'
  flyball run --port 8080 --cpu 512 --min 2 --max 20 --target-cpu 60 registry.example/shop/api:v2
  flyball run --env QUEUE_URL=http://127.0.0.1:4566/123456789012/orders --min 0 ./worker`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("say what to run: an image, such as nginx, or a program, such as ./server")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.read(args); err != nil {
				return refusal{err}
			}
			if s.plan.Image == workload.Program && !strings.Contains(args[0], "/") {
				fmt.Fprintf(cmd.ErrOrStderr(), "# %s is %s on this machine; the image is %[1]s:latest.\n", args[0], s.plan.Command[0])
			}
			return s.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	s.conn.flags(cmd)
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.StringVar(&s.plan.Name, "name", "", "name of the service; that of the image or program by default")
	f.StringVar(&s.plan.Cluster, "cluster", "default", "name of its cluster")
	f.Int32Var(&s.plan.Port, "port", 0, "port that a task listens to, for HTTP; a load balancer is made for it")
	f.StringVar(&s.plan.HealthPath, "health-path", "/", "path that the load balancer asks for, to see that a task answers")
	f.Int32Var(&s.plan.CPU, "cpu", 256, "CPU of a task; 1024 is a processor. Fargate has 256, 512, 1024, 2048, 4096 ...")
	f.Int32Var(&s.plan.Memory, "memory", 0, "MiB of a task; twice --cpu by default")
	f.Int32Var(&s.plan.Least, "min", 1, "least number of tasks")
	f.Int32Var(&s.plan.Most, "max", 10, "most tasks")
	f.Float64Var(&s.plan.TargetCPU, "target-cpu", 50, "have as many tasks as keep their CPU at this percentage; 0 for no such policy")
	f.Float64Var(&s.plan.TargetRequests, "target-requests", 0, "have as many tasks as keep their requests at this number a minute; needs --port")
	f.StringArrayVar(&s.environment, "env", nil, "a variable for the program, as NAME=VALUE (repeatable)")
	f.DurationVar(&s.within, "within", 2*time.Minute, "how long to wait for the tasks")
	_ = cmd.RegisterFlagCompletionFunc("cluster", s.conn.completeNames(1, resource.Cluster))
	return cmd
}

// read makes a plan of what was typed.
func (s *start) read(args []string) error {
	p := &s.plan
	if err := s.readProgram(args); err != nil {
		return err
	}
	if p.Name == "" {
		p.Name = serviceName(args)
	}
	if p.Memory == 0 {
		p.Memory = 2 * p.CPU
	}
	for _, variable := range s.environment {
		name, value, ok := strings.Cut(variable, "=")
		if !ok || name == "" {
			return fmt.Errorf("--env %q: give NAME=VALUE", variable)
		}
		p.Environment = append(p.Environment, ecstypes.KeyValuePair{Name: &name, Value: &value})
	}
	switch {
	case len(p.Name) > longestService || !serviceNames.MatchString(p.Name):
		return fmt.Errorf("--name %q: give up to 32 letters, digits and hyphens, which a load balancer's name has", p.Name)
	case p.Port < 0 || p.Port > 65535:
		return fmt.Errorf("--port %d: give 1 to 65535", p.Port)
	case p.Least < 0 || p.Most < p.Least || p.Most == 0:
		return fmt.Errorf("--min %d --max %d: give a minimum from 0 on, and a maximum that is not below it", p.Least, p.Most)
	case p.TargetCPU < 0 || p.TargetRequests < 0:
		return errors.New("--target-cpu and --target-requests: give numbers above 0")
	case len(p.Cluster) > longestCluster || !clusterNames.MatchString(p.Cluster):
		return fmt.Errorf("--cluster %q: give up to 255 letters, digits, hyphens and underscores", p.Cluster)
	case !strings.HasPrefix(p.HealthPath, "/"):
		return fmt.Errorf("--health-path %q: a path begins with /", p.HealthPath)
	case !(rules.Size{CPU: int(p.CPU), Memory: int(p.Memory)}).Fargate():
		return fmt.Errorf("--cpu %d --memory %d: Fargate has no such size; give a processor's quarter, half or more, such as --cpu 512, and two to eight times as many MiB, such as --memory 1024", p.CPU, p.Memory)
	case p.TargetRequests > 0 && p.Port == 0:
		return errors.New("--target-requests counts requests of a load balancer: give --port as well")
	case s.within <= 0:
		return fmt.Errorf("--within %v: give a time above 0, such as 2m", s.within)
	}
	return nil
}

// readProgram tells an image from a program of this machine.
func (s *start) readProgram(args []string) error {
	file, err := findProgram(args[0])
	if err != nil {
		return err
	}
	if file == "" {
		s.plan.Image, s.plan.Command = args[0], args[1:]
		return nil
	}
	s.plan.Image, s.plan.Command = workload.Program, append([]string{file}, args[1:]...)
	s.plan.Folder, err = os.Getwd()
	return err
}

// findProgram returns the path of a program, or "" for what is an image.
func findProgram(word string) (string, error) {
	if strings.HasPrefix(word, "./") || strings.HasPrefix(word, "../") || filepath.IsAbs(word) {
		found, err := exec.LookPath(word)
		if errors.Is(err, syscall.EISDIR) {
			return "", fmt.Errorf("%s is a folder; name a program in it", word)
		}
		if err != nil {
			return "", fmt.Errorf("%s is no program that can be run (%w); build it, make it executable (chmod +x), or name what runs it first, such as python3 %[1]s", word, errors.Unwrap(err))
		}
		return filepath.Abs(found)
	}
	if info, err := os.Stat(word); err == nil && info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is a file here: write ./%[1]s if it is the program, or name what runs it first, such as python3 %[1]s", word)
	}
	if strings.ContainsAny(word, "/:@") {
		return "", nil
	}
	if found, err := exec.LookPath(word); err == nil {
		return filepath.Abs(found)
	}
	return "", nil
}

// clusterNames are names that clusters can have, if they are no longer than longestCluster. A count in the
// expression itself would take each start of the program a third of a millisecond.
var clusterNames = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

const longestCluster = 255

// serviceNames are names that services and load balancers can have, if they are no longer than longestService.
var serviceNames = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9])*$`)

const longestService = 32

// serviceName makes a name of that of an image or a program: registry.example/shop/api:v2 is api.
// What python3 app.py runs is app.
func serviceName(args []string) string {
	word := args[0]
	if !strings.Contains(word, "/") {
		for _, arg := range args[1:] {
			if info, err := os.Stat(arg); err == nil && info.Mode().IsRegular() {
				word = arg
				break
			}
		}
	}
	word, _, _ = strings.Cut(word, "@")
	base := path.Base(word)
	base, _, _ = strings.Cut(base, ":")
	base = strings.TrimSuffix(base, path.Ext(base))
	return strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(base, "-"), "-")
}

func (s *start) run(ctx context.Context, out, told io.Writer) error {
	c := s.conn.client()
	ctx, cancel := context.WithTimeoutCause(ctx, s.within, fmt.Errorf("waited %s, see --within", duration.String(s.within)))
	defer cancel()
	service, err := deploy.Apply(ctx, c, s.plan, func(command string) { fmt.Fprintln(told, command) })
	if err != nil {
		return c.Plain(err)
	}
	p := service.Plan
	fmt.Fprintf(told, "# %s/%s runs %d of %d to %d tasks. See also: flyball status, flyball logs %[1]s/%[2]s\n", p.Cluster, p.Name, service.Running, p.Least, p.Most)
	if service.URL != "" {
		fmt.Fprintln(out, service.URL)
	}
	return nil
}
