package process

import (
	"cmp"
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
	child  *child         // nil when an earlier life of the server started it
	launch *launch.Launch // nil as child is
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
	c.watchLog()
	cmd.Stdout, cmd.Stderr = log, log

	if err := ours.start(cmd, func() error { return c.task.attachment.start(cmd) }); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	c.child = ours.watch(cmd)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process = processID{PID: pid}
	c.process.Start, err = startTime(pid)
	return err
}

// proceed lets the container's process run the command. The task's record has the
// process by now.
func (c *container) proceed() error {
	if err := c.run(c.first().PID, c.launch); err != nil {
		return err
	}
	close(c.Started)
	return nil
}

// run lets a process that waits run its command among the container's processes.
// What it takes to wait is not counted as the container's use.
func (c *container) run(pid int, waiting *launch.Launch) error {
	if err := waiting.Ready(); err != nil {
		return err
	}
	if err := c.task.group.take(pid, c.index); err != nil {
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
			exit = &task.Exit{Container: c.spec.Name, Reason: fmt.Sprintf("CannotStartContainerError: %v%s", err, remedy(err)), Err: err}
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
		return c.entered(ctx, expandAddress(argv, c.environment()), c.environment())
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
	argv = expandAddress(argv, env)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = env
	cmd.Dir = c.spec.WorkingDir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: credential}
	waiting, err := launch.PrepareRooted(cmd, rootfs.Spec{Plain: true, Limits: c.limits()})
	return cmd, waiting, err
}

// environment is the container's own environment between where programs of this machine
// look for others and for their files, and what the runtime promises. Nothing else of the
// server's is for it: there may be credentials.
func (c *container) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + homeOf(c.spec.User, os.Geteuid()), "HOSTNAME=" + c.task.spec.ID}
	return slices.Concat(env, c.spec.Env, c.promised())
}

// homeOf is the home directory of who a container runs as: the user that it names, where we are
// root, and else ourselves.
func homeOf(name string, uid int) string {
	if name == "" || uid != 0 {
		return os.Getenv("HOME")
	}
	name, _, _ = strings.Cut(name, ":")
	found, err := user.Lookup(name)
	if err != nil {
		found, err = user.LookupId(name)
	}
	if err != nil {
		return "/"
	}
	return found.HomeDir
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
	c.await()
	c.end()
}

// await returns when the container's first process has ended.
func (c *container) await() {
	if c.child != nil {
		<-c.child.ended
		return
	}
	if err := awaitExit(c.first()); err != nil {
		c.task.runtime.log.Error("cannot tell when a container ends", "task", c.task.spec.ID, "container", c.spec.Name, "error", err)
	}
}

// end ends what is left of the container and learns how it ended. Others can ask for the
// container while it takes its time.
func (c *container) end() {
	if c.launch != nil {
		c.launch.Close()
	}
	if c.child != nil {
		_ = syscall.Kill(c.first().PID, syscall.SIGKILL) // it may not be in the group yet, or have ended
	}
	seenTo := c.task.runtime.ending()
	c.task.group.kill(c.index)
	outOfMemory := c.task.group.outOfMemory(c.index)
	seenTo()
	if c.child != nil {
		<-c.child.ended
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	exit := c.exitOf()
	failed := !exit.Known || exit.Code != 0
	if failed && outOfMemory {
		exit.Reason = task.OutOfMemory
	} else if failed && exit.Known && c.task.wanted.Err() == nil {
		exit.Reason = cmp.Or(refusedByKernel(exit.Code, c.logPath()), c.task.attachment.obstacle(c.spec.Ports, c.logPath()))
	}
	c.exit = &exit
}

// A death is how a process has ended.
type death struct {
	known  bool
	status syscall.WaitStatus
	cpu    time.Duration // that it used with its children
}

// exitOf is how the container's process has ended, which is waited for then.
func (c *container) exitOf() task.Exit {
	if c.child == nil {
		return task.Exit{Container: c.spec.Name, Reason: endedUnseen}
	}
	died := c.child.reap()
	c.task.group.reaped(c.process.PID, died.cpu)
	exit := task.Exit{Container: c.spec.Name, Known: died.known}
	switch {
	case !died.known:
	case died.status.Signaled() && died.status.Signal() == syscall.SIGKILL && c.endedBy != 0:
		exit.Code = 128 + int(c.endedBy)
	case died.status.Signaled():
		exit.Code = 128 + int(died.status.Signal())
	default:
		exit.Code = died.status.ExitStatus()
	}
	return exit
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
