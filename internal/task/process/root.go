package process

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"flyball/internal/task/launch"
	"flyball/internal/task/launch/rootfs"
)

// rootDir has what a container's root is made of beside its image.
func (c *container) rootDir() string { return filepath.Join(c.task.dir, c.spec.Name+".root") }

// rooted is a command in the container's root: of the process that makes it, or of
// one that joins that.
func (c *container) rooted(ctx context.Context, argv []string, join bool) (*exec.Cmd, *launch.Launch, error) {
	user, err := c.image.User(c.user())
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Path, cmd.Err = argv[0], nil // it is in the root that it is looked for
	cmd.Env = c.rootedEnvironment(user.Home)
	spec := rootfs.Spec{
		UID: user.UID, GID: user.GID, Groups: user.Groups,
		WorkingDir: c.workingDir(), Hostname: c.task.spec.ID, ReadOnly: c.spec.ReadOnlyRoot,
	}
	if join {
		err = c.join(cmd, &spec)
	} else {
		err = c.makeRoot(cmd, &spec)
	}
	if err != nil {
		return nil, nil, err
	}
	waiting, err := launch.PrepareRooted(cmd, spec)
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

// rootedEnvironment is the environment in an image: nothing of the server's.
func (c *container) rootedEnvironment(home string) []string {
	return slices.Concat(
		[]string{"PATH=" + rootfs.DefaultPath, "HOSTNAME=" + c.task.spec.ID, "HOME=" + home},
		c.image.Config.Env, c.spec.Env, c.promised(),
	)
}

// makeRoot prepares what the root is made of.
func (c *container) makeRoot(cmd *exec.Cmd, spec *rootfs.Spec) error {
	dir := c.rootDir()
	image, err := os.Stat(c.image.Root)
	if err != nil {
		return err
	}
	for _, name := range []string{"", rootfs.Merged, rootfs.Upper, rootfs.Work} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
	}
	// Seen through the overlay, the root is what its upper directory is.
	if err := os.Chmod(filepath.Join(dir, rootfs.Upper), image.Mode().Perm()); err != nil {
		return err
	}
	if spec.Lower, err = filepath.Rel(dir, c.image.Root); err != nil {
		return err
	}
	spec.Files = c.files()
	cmd.Dir = dir
	cmd.SysProcAttr = ownNamespaces()
	return nil
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
	if c.image == nil {
		return nil
	}
	err := removeRoot(c.rootDir())
	c.image.Release()
	return err
}

// removeRoot removes what a root was made of, and what the container has changed.
func removeRoot(dir string) error { return os.RemoveAll(dir) }

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
