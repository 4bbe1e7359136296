package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// A process is a role that runs. It ends when its standard input does, so with whoever
// started it, even if that is killed.
type process struct {
	command *exec.Cmd
	input   io.Closer
	done    chan struct{}
}

// start starts a role. Its log grows with each start.
func (c *Cluster) start(role string, args ...string) error {
	log, err := os.OpenFile(c.LogFile(role), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(c.options.Program, append([]string{role}, args...)...)
	command.Stdout, command.Stderr = log, log
	input, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", role, err)
	}
	p := &process{command, input, make(chan struct{})}
	go func() {
		_ = command.Wait() // its log tells why it ended
		close(p.done)
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.processes[role] = p
	return nil
}

// kill ends a role at once.
func (c *Cluster) kill(role string) {
	c.mu.Lock()
	p := c.processes[role]
	delete(c.processes, role)
	c.mu.Unlock()
	if p == nil {
		return
	}
	if role == Kubelet {
		_ = p.input.Close() // it ends the processes of its pods first
		late := time.AfterFunc(time.Minute, func() { _ = p.command.Process.Kill() })
		defer late.Stop()
	} else {
		_ = p.command.Process.Kill()
	}
	<-p.done
}

// ended tells of a role that has ended by itself, with what it wrote last.
func (c *Cluster) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for role, p := range c.processes {
		select {
		case <-p.done:
			text, _ := os.ReadFile(c.LogFile(role)) // what can be read
			return fmt.Errorf("%s has ended:\n%s", role, text[max(0, len(text)-4000):])
		default:
		}
	}
	return nil
}

// hasSystem says why there is no namespace yet for what belongs to the cluster itself.
func hasSystem(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	return err
}

func hasAccount(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
	return err
}

func hasNode(ctx context.Context, client kubernetes.Interface) error {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, n := range nodes.Items {
		for _, condition := range n.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue && len(n.Spec.Taints) == 0 {
				return nil
			}
		}
	}
	return fmt.Errorf("none of %d nodes is ready", len(nodes.Items))
}
