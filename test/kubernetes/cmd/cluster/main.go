// Command cluster is the control plane of Kubernetes for tests, as one program: etcd,
// kube-apiserver, kube-controller-manager and kube-scheduler from their own modules, and a
// stand-in for a node. Package cluster starts it once for each of them; by hand,
//
//	go run ./cmd/cluster --dir DIR
//
// starts them all, prints the path of a kubeconfig, and stops when it is interrupted.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // as the programs themselves do
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"flyball/test/kubernetes/cluster"
	"flyball/test/kubernetes/kubelet"
)

func main() {
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	var command *cobra.Command
	switch role {
	case cluster.Etcd:
		fail(endWithParent(runEtcd))
		return
	case cluster.Kubelet:
		fail(endWithParent(kubelet.Main))
		return
	case cluster.APIServer:
		command = apiserver.NewAPIServerCommand()
	case cluster.ControllerManager:
		command = controllers.NewControllerManagerCommand()
	case cluster.Scheduler:
		command = scheduler.NewSchedulerCommand()
	default:
		fail(runAll(os.Args[1:]))
		return
	}
	go exitWithParent()
	command.SetArgs(os.Args[2:])
	os.Exit(cli.Run(command))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// exitWithParent ends this process when standard input does: whoever started it holds the
// other end, and leaves nothing running when it is killed.
func exitWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

// endWithParent runs a role until SIGTERM comes or standard input ends.
func endWithParent(run func(ctx context.Context, args []string) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return run(ctx, os.Args[2:])
}

// runAll runs a whole cluster in a folder.
func runAll(args []string) error {
	flags := flag.NewFlagSet("cluster", flag.ExitOnError)
	dir := flags.String("dir", "", "folder for the cluster's files; has to be empty")
	images := cluster.Images{}
	flags.Func("image", "NAME=COMMAND: what the node runs for an image, split at spaces (repeatable)", func(s string) error {
		name, text, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("%q: give NAME=COMMAND", s)
		}
		images[name] = strings.Fields(text)
		return nil
	})
	_ = flags.Parse(args) // it exits
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	c, err := cluster.Start(ctx, cluster.Options{Program: program, Dir: *dir, Images: images})
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Println("export KUBECONFIG=" + c.Kubeconfig())
	<-ctx.Done()
	return nil
}
