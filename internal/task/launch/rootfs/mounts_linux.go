package rootfs

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

const quiet = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// mountProc mounts /proc for the container's namespace of processes.
func mountProc() error {
	if err := makeDir("/proc"); err != nil {
		return err
	}
	return unix.Mount("proc", "/proc", "proc", quiet, "")
}

// coverProc takes out of reach what in /proc speaks of the whole machine or changes
// it, as container engines do.
func coverProc() error {
	for _, name := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"} {
		if err := unix.Mount("/dev/null", name, "", unix.MS_BIND, ""); err != nil && err != unix.ENOENT {
			return err
		}
	}
	for _, name := range []string{"/proc/acpi", "/proc/scsi"} {
		if err := unix.Mount("tmpfs", name, "tmpfs", quiet|unix.MS_RDONLY, "size=0"); err != nil && err != unix.ENOENT {
			return err
		}
	}
	for _, name := range []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"} {
		if err := protect(name); err != nil && err != unix.ENOENT {
			return err
		}
	}
	return nil
}

// protect makes what is mounted somewhere read-only from there on.
func protect(name string) error {
	if err := unix.Mount(name, name, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return makeReadOnly(name)
}

// mountSys mounts /sys, read-only. Programs do without where it is not permitted.
func mountSys() {
	if makeDir("/sys") == nil && unix.Mount("sysfs", "/sys", "sysfs", quiet|unix.MS_RDONLY, "") == nil {
		mountCgroups()
	}
}

// makeDir makes a directory to mount on. A link in its place could lead out of the
// image, while the old root is there.
func makeDir(name string) error {
	err := os.Mkdir(name, 0o755)
	if !os.IsExist(err) {
		return err
	}
	var found unix.Stat_t
	if err := unix.Lstat(name, &found); err != nil {
		return err
	}
	if found.Mode&unix.S_IFMT != unix.S_IFDIR {
		return fmt.Errorf("the image's %s is no directory", name)
	}
	return nil
}

// A device is one of this machine, open.
type device struct {
	name string
	fd   int
}

// openDevices opens the devices that every container has.
func openDevices() []device {
	var devices []device
	for _, name := range []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"} {
		if fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
			devices = append(devices, device{name, fd})
		}
	}
	return devices
}

// mountDev mounts /dev with the devices of this machine that every container has: to
// make nodes for them is not permitted everywhere. Each is a mount of its own, so that
// other nodes that a program makes there cannot be opened.
func (s Spec) mountDev(devices []device) error {
	if err := makeDir("/dev"); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/dev", "tmpfs", quiet, "mode=755,size=65536k"); err != nil {
		return err
	}
	for _, d := range devices {
		if err := os.WriteFile(d.name, nil, 0o666); err != nil {
			return err
		}
		if err := unix.Mount("/proc/self/fd/"+strconv.Itoa(d.fd), d.name, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0", "/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2",
		"/dev/ptmx": "pts/ptmx", "/dev/core": "/proc/kcore",
	} {
		if err := os.Symlink(target, name); err != nil {
			return err
		}
	}
	terminals := "newinstance,ptmxmode=0666,mode=0620"
	if !s.InUser {
		terminals += ",gid=5" // that of group tty, which a user namespace does not have
	}
	for _, m := range []struct{ kind, at, options string }{
		{"devpts", "/dev/pts", terminals},
		{"tmpfs", "/dev/shm", "mode=1777,size=65536k"},
		{"mqueue", "/dev/mqueue", ""},
	} {
		if err := os.Mkdir(m.at, 0o755); err != nil {
			return err
		}
		flags := uintptr(quiet)
		if m.kind == "devpts" {
			flags &^= unix.MS_NODEV
		}
		if err := unix.Mount(m.kind, m.at, m.kind, flags, m.options); err != nil && m.kind != "mqueue" {
			return err
		}
	}
	return nil
}
