package process

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"flyball/internal/image"
	"flyball/internal/task/launch"
	"flyball/internal/task/launch/rootfs"
)

// rootDir has what a container's root is made of beside its image.
func (c *container) rootDir() string { return filepath.Join(c.task.dir, c.spec.Name+".root") }

// rooted is a command in the container's root: of the process that makes it, or of
// one that joins that.
func (c *container) rooted(ctx context.Context, argv []string, joins bool) (*exec.Cmd, *launch.Launch, error) {
	user, err := c.image.User(c.user())
	if err != nil {
		return nil, nil, err
	}
	how := c.task.runtime.programs.roots.find()
	if !how.namespaces {
		return c.unrooted(ctx, argv, user)
	}
	if joins && !how.joined() {
		return c.entered(ctx, argv, c.rootedEnvironment(user.Home))
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Path, cmd.Err = argv[0], nil // it is in the root that it is looked for
	cmd.Env = c.rootedEnvironment(user.Home)
	spec := rootfs.Spec{
		UID: user.UID, GID: user.GID, Groups: user.Groups,
		WorkingDir: c.workingDir(), Hostname: c.task.spec.ID, ReadOnly: c.spec.ReadOnlyRoot,
		Limits: c.limits(), SharedNetwork: c.task.attachment.network() == networkLoopback,
	}
	if joins {
		err = join(c.first(), cmd, &spec)
	} else {
		spec.Files = c.files()
		err = how.inNamespaces(cmd, &spec, c.rootDir(), c.image, user)
	}
	if err != nil {
		return nil, nil, err
	}
	waiting, err := launch.PrepareRooted(cmd, spec)
	return cmd, waiting, err
}

// first is the container's first process.
func (c *container) first() processID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process
}

// unrooted is a command that runs where the image is kept.
func (c *container) unrooted(ctx context.Context, argv []string, user image.User) (*exec.Cmd, *launch.Launch, error) {
	cmd, err := unrooted(ctx, argv, c.image, c.workingDir())
	if err != nil {
		return nil, nil, err
	}
	cmd.Env = c.rootedEnvironment(user.Home)
	waiting, err := launch.PrepareRooted(cmd, rootfs.Spec{Plain: true, Limits: c.limits()})
	return cmd, waiting, err
}

// entered is a command that joins a container in a user namespace. A process with
// threads cannot enter one, so a program does that has none.
func (c *container) entered(ctx context.Context, argv, env []string) (*exec.Cmd, *launch.Launch, error) {
	args := []string{"--target", strconv.Itoa(c.first().PID), "--user", "--mount", "--uts", "--ipc", "--pid", "--preserve-credentials", "--wd", "--"}
	cmd := exec.CommandContext(ctx, "nsenter", append(args, argv...)...)
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	waiting, err := launch.Prepare(cmd)
	return cmd, waiting, err
}

func (c *container) user() string {
	if c.spec.User != "" {
		return c.spec.User
	}
	return c.image.Config.User
}

func (c *container) workingDir() string {
	if c.spec.WorkingDir != "" {
		return c.spec.WorkingDir
	}
	return c.image.Config.WorkingDir
}

// stopSignal is what asks the container to end.
func (c *container) stopSignal() syscall.Signal {
	if c.image != nil {
		if signal, ok := signalOf(c.image.Config.StopSignal); ok {
			return signal
		}
	}
	return syscall.SIGTERM
}

// rootedEnvironment is the environment in an image: nothing of the server's.
func (c *container) rootedEnvironment(home string) []string {
	return slices.Concat(
		[]string{"PATH=" + rootfs.DefaultPath, "HOSTNAME=" + c.task.spec.ID, "HOME=" + home},
		c.image.Config.Env, c.spec.Env, c.promised(),
	)
}

// files are those that each container has of its own.
func (c *container) files() []rootfs.File {
	id := c.task.spec.ID
	return []rootfs.File{
		{Path: "/etc/hostname", Text: id + "\n"},
		{Path: "/etc/hosts", Text: hostsFile(c.task.attachment.address(), id)},
		{Path: "/etc/resolv.conf", Text: resolvFile(c.task.attachment.network() != networkLoopback)},
	}
}

// hostsFile names the host itself.
func hostsFile(addr netip.Addr, name string) string {
	return fmt.Sprintf("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"+
		"fe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n%s\t%s\n", addr, name)
}

// resolvFiles are where this machine says which name servers it asks; the second is
// systemd-resolved's, which serves the first at a loopback address.
var resolvFiles = []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

// resolvFile says which name servers are asked, those of this machine. From another
// network those at its loopback addresses cannot be.
func resolvFile(otherNetwork bool) string {
	var text string
	for _, name := range resolvFiles {
		content, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		var servers int
		if text, servers = reachable(string(content), otherNetwork); servers > 0 {
			break
		}
	}
	return text
}

func reachable(resolv string, otherNetwork bool) (text string, servers int) {
	var kept strings.Builder
	for line := range strings.Lines(resolv) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "nameserver" {
			addr, err := netip.ParseAddr(fields[1])
			if err == nil && addr.IsLoopback() && otherNetwork {
				continue
			}
			servers++
		}
		kept.WriteString(line)
	}
	return kept.String(), servers
}

// clear gives back the container's root and its image. Its processes are gone, and it
// is called once.
func (c *container) clear() error {
	if c.image != nil {
		c.image.Release()
	}
	return image.RemoveTree(c.rootDir()) // which an earlier life may have left
}

// hold takes up the image of a container that has run since an earlier life of the
// server.
func (c *container) hold() {
	if c.spec.Digest == "" {
		return
	}
	img, err := c.task.runtime.programs.images.Hold(c.spec.Digest)
	if err != nil {
		c.task.runtime.log.Error("the image of a container is gone", "task", c.task.spec.ID, "container", c.spec.Name, "error", err)
		return
	}
	c.image = img
}
