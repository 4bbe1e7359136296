package process

import (
	"os"
	"path/filepath"
	"strings"

	"flyball/internal/task"
	"flyball/internal/task/launch/rootfs"
)

// doors are the files of this machine by which a program that may change them, as root or
// as the server's user, would get to what is not its own: to the server, and to services
// that start programs for their users.
type doors struct {
	hidden    []string
	protected []string
}

// services are where those services listen.
var services = []string{
	"/run/docker.sock", "/run/containerd", "/run/crio", "/run/podman", "/run/libvirt", "/run/snapd.socket",
	"/run/dbus", "/run/systemd/private", "/run/user",
}

func newDoors(opts Options) doors {
	d := doors{hidden: services}
	if socket, ok := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://"); ok {
		d.hidden = append(d.hidden[:len(d.hidden):len(d.hidden)], socket)
	}
	if own, err := os.Executable(); err == nil {
		d.protected = append(d.protected, own)
	}
	if opts.Hidden == "" {
		return d
	}
	if inside(opts.Hidden) {
		opts.Log.Warn("programs of this machine can read the server's data: it is where the server was started, and they are there, too", "folder", opts.Hidden)
		return d
	}
	d.hidden = append(d.hidden[:len(d.hidden):len(d.hidden)], opts.Hidden)
	return d
}

// inside says whether the server's working directory is in a folder.
func inside(folder string) bool {
	here, err := os.Getwd()
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(folder, here)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// close closes the doors to a program. One that has mounts can change nothing but those.
func (d doors) close(spec *rootfs.Spec, mounts []task.Mount) {
	for _, m := range mounts {
		spec.Mounts = append(spec.Mounts, rootfs.Mount(m))
	}
	if len(mounts) == 0 {
		spec.Writable, spec.Hidden, spec.Protected = true, d.hidden, d.protected
	}
}
