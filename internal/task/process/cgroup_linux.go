package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/containerd/cgroups/v3"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"flyball/internal/task"
)

// newCgroupHost returns a host that holds tasks in cgroups, in those of the kind
// this machine has. It has made one, so it can make more.
func newCgroupHost(name string) (host, error) {
	if cgroups.Mode() == cgroups.Unified {
		return newUnified(name)
	}
	return newLegacy(name)
}

// limits are the limits of a cgroup, 0 being none. Memory is in MiB.
func limits(units, weight, memory int) *specs.LinuxResources {
	resources := &specs.LinuxResources{CPU: &specs.LinuxCPU{}, Memory: &specs.LinuxMemory{}}
	if units > 0 {
		quota, period := task.CPULimit(units)
		quotaMicros, periodMicros := quota.Microseconds(), uint64(period.Microseconds())
		resources.CPU.Quota, resources.CPU.Period = &quotaMicros, &periodMicros
	}
	if weight > 0 {
		shares := uint64(min(max(weight, 2), 262144))
		resources.CPU.Shares = &shares
	}
	if memory > 0 {
		limit := int64(memory) << 20
		resources.Memory.Limit = &limit
	}
	return resources
}

// startTraced starts a command and calls place with its process before the
// command's first instruction, so that nothing of it can be started elsewhere.
// A traced child stops by itself when it executes the command.
func startTraced(cmd *exec.Cmd, place func(pid int) error) error {
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()

	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	err := awaitStop(pid)
	if err == nil {
		// Until it is in its place it dies with the server: nobody would find it.
		err = syscall.PtraceSetOptions(pid, unix.PTRACE_O_EXITKILL)
	}
	if err == nil {
		err = place(pid)
	}
	if err == nil {
		err = syscall.PtraceDetach(pid)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return fmt.Errorf("placing the process in its cgroup: %w", err)
	}
	return nil
}

func awaitStop(pid int) error {
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, syscall.WALL, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return err
		case status.Stopped():
			return nil
		default:
			return fmt.Errorf("it ended with status %#x", int(status))
		}
	}
}

// strays are the cgroups below a directory whose names are not to be kept.
func strays(dir string, keep func(id string) bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []string
	for _, entry := range entries {
		if entry.IsDir() && !keep(entry.Name()) {
			found = append(found, entry.Name())
		}
	}
	return found, err
}
