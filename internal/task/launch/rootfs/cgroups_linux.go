package rootfs

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const cgroupDir = "/sys/fs/cgroup"

// mountCgroups shows the container the limits of the cgroup that it is in, by which
// runtimes of languages choose the size of their heaps. Programs do without where it
// is not permitted.
func mountCgroups() {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil || unix.Unshare(unix.CLONE_NEWCGROUP) != nil {
		return
	}
	controllers := legacyControllers(string(text))
	if len(controllers) == 0 {
		if unix.Mount("cgroup2", cgroupDir, "cgroup2", quiet, "") == nil {
			protectOrUnmount(cgroupDir)
		}
		return
	}
	if unix.Mount("tmpfs", cgroupDir, "tmpfs", quiet, "mode=755,size=64k") != nil {
		return
	}
	for _, names := range controllers {
		mountLegacy(names)
	}
	_ = makeReadOnly(cgroupDir)
}

// legacyControllers are the controllers of the hierarchies of cgroups of version 1 that
// a process is in, as in "4:cpu,cpuacct:/path".
func legacyControllers(text string) []string {
	var found []string
	for line := range strings.Lines(text) {
		if fields := strings.SplitN(line, ":", 3); len(fields) == 3 && fields[1] != "" && !strings.HasPrefix(fields[1], "name=") {
			found = append(found, fields[1])
		}
	}
	return found
}

// mountLegacy mounts a hierarchy, where each of its controllers is looked for.
func mountLegacy(names string) {
	at := cgroupDir + "/" + names
	if makeDir(at) != nil || unix.Mount("cgroup", at, "cgroup", quiet, names) != nil {
		return
	}
	protectOrUnmount(at)
	for name := range strings.SplitSeq(names, ",") {
		if name != names {
			_ = os.Symlink(names, cgroupDir+"/"+name)
		}
	}
}

// protectOrUnmount keeps a container from changing its own limits.
func protectOrUnmount(at string) {
	if makeReadOnly(at) != nil {
		_ = unix.Unmount(at, unix.MNT_DETACH)
	}
}

// makeReadOnly makes a mount read-only, and not what others see of the same.
func makeReadOnly(at string) error {
	return unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|quiet, "")
}
