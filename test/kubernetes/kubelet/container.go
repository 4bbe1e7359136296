package kubelet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A container is one of a pod.
type container struct {
	of     *worker
	spec   corev1.Container
	status corev1.ContainerStatus // under the worker's lock
	log    *log
	start  chan struct{} // closed when it has started, or never will
	begun  sync.Once
	ending chan struct{} // closed when a sidecar is to end
	ended  sync.Once
	pid    int // under the worker's lock; 0 without a process
}

func newContainer(w *worker, spec corev1.Container) *container {
	no := false
	c := &container{of: w, spec: spec, start: make(chan struct{}), ending: make(chan struct{})}
	c.log = &log{path: filepath.Join(w.node.dir, string(w.pod.UID), spec.Name+".log")}
	c.status = corev1.ContainerStatus{
		Name: spec.Name, Image: spec.Image, Started: &no,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}},
	}
	return c
}

func (c *container) isSidecar() bool {
	return c.spec.RestartPolicy != nil && *c.spec.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// again is whether it is started again after an exit.
func (c *container) again(code int32) bool {
	policy := c.of.pod.Spec.RestartPolicy
	return c.isSidecar() || policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && code != 0
}

// done is whether an init container need not be waited for any more.
func (c *container) done() bool {
	if c.isSidecar() {
		return *c.status.Started
	}
	return c.status.State.Terminated != nil && c.status.State.Terminated.ExitCode == 0
}

func (c *container) failed() bool {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	return c.status.State.Terminated == nil || c.status.State.Terminated.ExitCode != 0
}

// end ends a sidecar.
func (c *container) end() { c.ended.Do(func() { close(c.ending) }) }

// awaitStarted waits for a sidecar to have started; false is never.
func (c *container) awaitStarted() bool {
	<-c.start
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	return *c.status.Started
}

// alter changes the status and has it told.
func (c *container) alter(f func(s *corev1.ContainerStatus)) {
	c.of.mu.Lock()
	f(&c.status)
	c.of.mu.Unlock()
	c.of.note()
}

// live runs the container, again and again if the pod says so, until it has ended.
func (c *container) live() {
	defer c.begun.Do(func() { close(c.start) })
	for {
		if c.of.isAsked() || !c.pull() {
			c.terminate(0, "Completed", time.Now()) // it never ran
			return
		}
		code, reason, began := c.once()
		c.terminate(code, reason, began)
		if c.of.isAsked() || c.isEnding() || !c.again(code) {
			return
		}
		select {
		case <-time.After(time.Second):
		case <-c.of.asked:
		case <-c.ending:
		}
		c.alter(func(s *corev1.ContainerStatus) { s.RestartCount++ })
	}
}

func (c *container) isEnding() bool {
	select {
	case <-c.ending:
		return true
	default:
		return false
	}
}

func (c *container) terminate(code int32, reason string, began time.Time) {
	no := false
	c.alter(func(s *corev1.ContainerStatus) {
		s.LastTerminationState = s.State
		s.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: code, Reason: reason, StartedAt: metav1.NewTime(began), FinishedAt: metav1.Now(),
		}}
		s.Ready, s.Started = false, &no
		c.pid = 0
	})
}

// pull finds the image, or waits for the pod's end and returns false.
func (c *container) pull() bool {
	image, _, _ := strings.Cut(c.spec.Image, "@")
	_, exits := exitImage(image)
	if _, known := c.of.node.images[image]; known || exits || image == "example/idle" {
		return true
	}
	for _, reason := range []string{"ErrImagePull", "ImagePullBackOff"} {
		c.alter(func(s *corev1.ContainerStatus) {
			s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: pullFailure(c.spec.Image)}}
		})
		select {
		case <-c.of.asked:
			return false
		case <-time.After(time.Second):
		}
	}
	<-c.of.asked
	return false
}

// once runs the container to its next exit.
func (c *container) once() (code int32, reason string, began time.Time) {
	began = time.Now()
	life, cancel := context.WithCancel(c.of.killed)
	defer cancel()
	process, err := c.execute()
	if err != nil {
		return 128, "StartError", began
	}
	c.alter(func(s *corev1.ContainerStatus) {
		s.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(began)}}
		s.ContainerID = fmt.Sprintf("standin://%s-%s-%d", c.of.pod.UID, c.spec.Name, s.RestartCount)
		s.ImageID = c.spec.Image
		c.pid = process.pid()
	})
	var probes sync.WaitGroup
	defer probes.Wait()
	defer cancel()
	probes.Go(func() { c.probe(life, process) })
	outOfMemory := make(chan struct{})
	probes.Go(func() { c.watchMemory(life, process, outOfMemory) })
	select {
	case <-process.done:
	case <-c.of.asked:
		c.stop(process)
	case <-c.ending:
		c.stop(process)
	case <-c.of.killed.Done():
		process.kill()
	}
	<-process.done
	c.log.end()
	reason = "Completed"
	if process.code != 0 {
		reason = "Error"
	}
	select {
	case <-outOfMemory:
		reason = "OOMKilled"
	default:
	}
	return int32(process.code), reason, began
}

// stop asks a process to end, and kills it after the grace period.
func (c *container) stop(p *process) {
	p.terminate()
	grace := time.Duration(*c.of.pod.Spec.TerminationGracePeriodSeconds) * time.Second
	if c.of.isAsked() {
		grace = c.of.grace
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.kill()
	case <-c.of.killed.Done():
		p.kill()
	}
}

// A process is what a container runs: a command, or nothing that waits to be stopped.
type process struct {
	command *exec.Cmd
	quit    chan int // of one without a command
	done    chan struct{}
	code    int
	once    sync.Once
}

func (p *process) pid() int {
	if p.command == nil {
		return 0
	}
	return p.command.Process.Pid
}

func (p *process) signal(s syscall.Signal) {
	if p.command != nil {
		_ = syscall.Kill(-p.command.Process.Pid, s) // it may have ended
		return
	}
	p.once.Do(func() { p.quit <- 128 + int(s) })
}

func (p *process) terminate() { p.signal(syscall.SIGTERM) }
func (p *process) kill()      { p.signal(syscall.SIGKILL) }

// execute starts what the image is.
func (c *container) execute() (*process, error) {
	p := &process{done: make(chan struct{}), quit: make(chan int, 1)}
	image, _, _ := strings.Cut(c.spec.Image, "@")
	argv, known := c.of.node.images[image]
	if !known {
		if code, exits := exitImage(image); exits {
			p.once.Do(func() { p.quit <- code })
		}
		go func() {
			p.code = <-p.quit
			close(p.done)
		}()
		return p, nil
	}
	if len(c.spec.Command) > 0 {
		argv = c.spec.Command
	}
	argv = slices.Concat(argv, c.spec.Args)
	for i, a := range argv {
		argv[i] = strings.ReplaceAll(a, "$$", "$")
	}
	p.command = exec.Command(argv[0], argv[1:]...)
	p.command.Env = c.environment()
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := os.MkdirAll(filepath.Dir(c.log.path), 0o700); err != nil {
		return nil, err
	}
	out, err := c.log.open()
	if err != nil {
		return nil, err
	}
	p.command.Stdout, p.command.Stderr = out, out
	if err := p.command.Start(); err != nil {
		fmt.Fprintln(out, err)
		return nil, err
	}
	go func() {
		err := p.command.Wait()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			if p.code = exit.ExitCode(); p.code < 0 {
				p.code = 128 + int(exit.Sys().(syscall.WaitStatus).Signal())
			}
		}
		close(p.done)
	}()
	return p, nil
}

// environment is the container's. $(NAME) in values stays, but for the doubled dollars that
// stand for one.
func (c *container) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOST=" + c.of.address, "HOSTNAME=" + c.of.pod.Name}
	for _, e := range c.spec.Env {
		env = append(env, e.Name+"="+strings.ReplaceAll(e.Value, "$$", "$"))
	}
	return env
}
