package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"flyball/internal/image"
	"flyball/internal/task"
	"flyball/internal/task/launch"
	"flyball/internal/task/launch/rootfs"
)

// A container is the process of one container, and those that it starts.
type container struct {
	task   *Task
	index  int
	spec   task.Container
	image  *image.Image   // whose files it has; nil is this machine's
	later  []string       // the command of one that waits for others; nil once it does not
	cmd    *exec.Cmd      // nil when an earlier life of the server started it
	launch *launch.Launch // nil as cmd is
	task.Progress

	mu      sync.Mutex
	process processID
	endedBy syscall.Signal // in whose place it was killed, if not 0
	exit    *task.Exit     // once it has ended
	health  health

	pace pace
}

func (c *container) logPath() string { return filepath.Join(c.task.dir, c.spec.Name+".log") }

// start makes the container's process, which waits for proceed.
func (c *container) start(argv []string) error {
	cmd, waiting, err := c.command(context.Background(), argv, false)
	if err != nil {
		return err
	}
	c.launch = waiting
	log, err := openLog(c.logPath())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log

	if err := c.task.attachment.start(cmd); err != nil {
		return err
	}
	c.cmd = cmd
	start, err := startTime(cmd.Process.Pid)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process = processID{PID: cmd.Process.Pid, Start: start}
	return nil
}

// proceed lets the container's process run the command. The task's record has the
// process by now.
func (c *container) proceed() error {
	if err := c.run(c.cmd, c.launch); err != nil {
		return err
	}
	close(c.Started)
	return nil
}

// run lets a process that waits run its command among the container's processes.
// What it takes to wait is not counted as the container's use.
func (c *container) run(cmd *exec.Cmd, waiting *launch.Launch) error {
	if err := waiting.Ready(); err != nil {
		return err
	}
	if err := c.task.group.take(cmd.Process.Pid, c.index); err != nil {
		return err
	}
	return waiting.Proceed()
}

// startLater starts a container when those that it depends on have come as far as
// it wants. It ends one that cannot be started.
func (c *container) startLater() {
	exit := task.Await(c.task.wanted, c.spec, c.task.peer)
	if exit == nil {
		if err := c.startAlone(); err != nil {
			c.end()
			exit = &task.Exit{Container: c.spec.Name, Reason: fmt.Sprintf("CannotStartContainerError: %v", err)}
		}
	}
	c.mu.Lock()
	c.exit = exit
	c.mu.Unlock()
	c.task.saveOrLog()
}

func (c *container) startAlone() error {
	if err := c.start(c.later); err != nil {
		return err
	}
	if err := c.task.save(); err != nil {
		return err
	}
	return c.proceed()
}

// command is a command in the container's environment, whose process waits until
// it may proceed. Its session is its own: it has no terminal, and signals reach it
// with the processes it starts. Once it runs it does not die with the server, which
// takes it up again in its next life. One that joins the container is not its first.
func (c *container) command(ctx context.Context, argv []string, join bool) (*exec.Cmd, *launch.Launch, error) {
	if len(argv) == 0 {
		return nil, nil, errors.New("no command")
	}
	if c.image != nil {
		return c.rooted(ctx, argv, join)
	}
	if c.spec.Digest != "" {
		return nil, nil, errors.New("the container's image is gone")
	}
	how, err := c.task.runtime.mounting.find()
	switch {
	case err == nil && join && how.user:
		return c.entered(ctx, expand(argv, c.environment()), c.environment())
	case err == nil:
		return c.confined(ctx, how, argv, join)
	case len(c.spec.Mounts) > 0:
		return nil, nil, fmt.Errorf("nothing can be mounted for it: %w", err)
	}
	return c.plain(ctx, argv)
}

// plain is a command among the other processes of this machine.
func (c *container) plain(ctx context.Context, argv []string) (*exec.Cmd, *launch.Launch, error) {
	credential, err := credential(c.spec.User)
	if err != nil {
		return nil, nil, err
	}
	env := c.environment()
	argv = expand(argv, env)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = env
	cmd.Dir = c.spec.WorkingDir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: credential}
	waiting, err := launch.PrepareRooted(cmd, rootfs.Spec{Plain: true, Limits: c.limits()})
	return cmd, waiting, err
}

// inherited are the variables that a container has from the server. The others,
// credentials among them, are not for it.
var inherited = []string{"PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"}

// environment is the container's own environment between what it inherits and
// what the runtime promises.
func (c *container) environment() []string {
	var env []string
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	env = append(env, "HOSTNAME="+c.task.spec.ID)
	return slices.Concat(env, c.spec.Env, c.promised())
}

// promised are the variables that no other setting changes.
func (c *container) promised() []string {
	return append(c.task.runtime.mark.of(c.task.spec, c.index), "HOST="+c.task.attachment.host())
}

// supervise sees the container to its end.
func (c *container) supervise() {
	defer close(c.Ended)
	if c.later != nil {
		c.startLater()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if check := c.spec.HealthCheck; check != nil && c.exited() == nil {
		go c.checkHealth(ctx, *check)
	}
	if c.exited() != nil {
		return
	}
	if err := awaitExit(c.process, c.cmd); err != nil {
		c.task.runtime.log.Error("cannot tell when a container ends", "task", c.task.spec.ID, "container", c.spec.Name, "error", err)
	}
	c.end()
}

// end ends what is left of the container and learns how it ended.
func (c *container) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.launch != nil {
		c.launch.Close()
	}
	if c.cmd != nil {
		_ = c.cmd.Process.Kill() // it may not be in the group yet, or have ended
	}
	c.task.group.kill(c.index)
	outOfMemory := c.task.group.outOfMemory(c.index)
	exit := task.Exit{Container: c.spec.Name, Reason: endedUnseen}
	if c.cmd != nil {
		exit = exitOf(c.spec.Name, c.reap())
		if c.endedBy != 0 && exit.Code == 128+int(syscall.SIGKILL) {
			exit.Code = 128 + int(c.endedBy)
		}
	}
	failed := !exit.Known || exit.Code != 0
	if failed && outOfMemory {
		exit.Reason = task.OutOfMemory
	} else if failed && exit.Known && c.task.wanted.Err() == nil {
		exit.Reason = c.task.attachment.obstacle(c.spec.Ports, c.logPath())
	}
	c.exit = &exit
}

// reap waits for the container's process, which has ended.
func (c *container) reap() *os.ProcessState {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Wait() // says what the state says
	}
	if c.cmd.ProcessState != nil {
		c.task.group.reaped(c.cmd.ProcessState)
	}
	return c.cmd.ProcessState
}

func exitOf(name string, state *os.ProcessState) task.Exit {
	if state == nil {
		return task.Exit{Container: name}
	}
	code := state.ExitCode()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return task.Exit{Container: name, Code: code, Known: true}
}

// stop asks the container to end, and makes it after its stop timeout. Those that
// depend on it end before.
func (c *container) stop() {
	for _, i := range task.Dependants(c.task.spec.Containers, c.spec.Name) {
		<-c.task.containers[i].Ended
	}
	c.Settled()
	c.signal(c.stopSignal())
	c.suspend(false) // or the signal would not reach one that is held up
	if c.image == nil {
		c.endDeaf(c.stopSignal())
	}
	timer := time.NewTimer(c.spec.TimeToStop())
	defer timer.Stop()
	select {
	case <-c.Ended:
	case <-timer.C:
		c.signal(syscall.SIGKILL)
		c.task.group.kill(c.index)
	}
}

// endDeaf ends a container whose first process does nothing about a signal. As the first
// of a namespace it is spared what the signal does by default, which is to end it.
func (c *container) endDeaf(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exit == nil && c.process.deaf(sig) {
		c.endedBy = sig
		_ = syscall.Kill(c.process.PID, syscall.SIGKILL) // it may end at this moment
	}
}

// signal signals the container's process: with those in its process group if it is a
// program of this machine, alone if it has an image, as container engines do.
func (c *container) signal(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exit != nil || c.process.PID <= 0 {
		return
	}
	to := -c.process.PID
	if c.image != nil {
		to = c.process.PID
	}
	_ = syscall.Kill(to, sig) // it may end at this moment
}

func (c *container) exited() *task.Exit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exit
}

func (c *container) record() containerRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	return containerRecord{Process: c.process, Exit: c.exit}
}

// pollInterval is how often a process is looked at that cannot be watched.
const pollInterval = 200 * time.Millisecond

func pollExit(id processID) {
	for id.alive() {
		time.Sleep(pollInterval)
	}
}

// credential is that of a user as a container names it, "user", "uid",
// "user:group" or "uid:gid"; nil is our own.
func credential(name string) (*syscall.Credential, error) {
	if name == "" {
		return nil, nil
	}
	userName, groupName, hasGroup := strings.Cut(name, ":")
	uid, gid, err := lookupUser(userName)
	if err == nil && hasGroup {
		gid, err = lookupGroup(groupName)
	}
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", name, err)
	}
	if uid == os.Geteuid() && gid == os.Getegid() {
		return nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("user %q: only root may run containers as another user", name)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func lookupUser(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		if uid, err := strconv.ParseUint(name, 10, 32); err == nil {
			if u, lookupErr := user.LookupId(name); lookupErr == nil {
				gid, _ = strconv.Atoi(u.Gid)
			}
			return int(uid), gid, nil
		}
		return 0, 0, err
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err
}

func lookupGroup(name string) (int, error) {
	if gid, err := strconv.ParseUint(name, 10, 32); err == nil {
		return int(gid), nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}
