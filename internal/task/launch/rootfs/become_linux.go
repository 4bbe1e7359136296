package rootfs

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// capabilities are what a container's root may do, those of container engines. Users
// other than root have none.
const capabilities uint64 = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FSETID | 1<<unix.CAP_FOWNER |
	1<<unix.CAP_MKNOD | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETFCAP |
	1<<unix.CAP_SETPCAP | 1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_SYS_CHROOT | 1<<unix.CAP_KILL | 1<<unix.CAP_AUDIT_WRITE

// beyond are those of them that reach what a container shares with others: with this
// machine's files, devices and programs that have capabilities; with its network, packets.
const (
	beyondFiles   uint64 = 1<<unix.CAP_MKNOD | 1<<unix.CAP_SETFCAP
	beyondNetwork uint64 = 1 << unix.CAP_NET_RAW
)

// capabilities are those that the container's root keeps.
func (s Spec) capabilities() uint64 {
	kept := capabilities
	if s.Machine {
		kept &^= beyondFiles
	}
	if s.SharedNetwork && !s.InUser { // where they are of no use there anyway
		kept &^= beyondNetwork
	}
	return kept
}

// become makes the thread one of the container's user. It asks the kernel itself: the
// package's own calls are for all threads of the process, which end when the thread
// becomes a program.
func (s Spec) become() error {
	for _, fd := range []int{1, 2} {
		_ = unix.Fchown(fd, int(s.UID), -1) // so that /dev/stdout can be opened
	}
	kept := s.capabilities()
	for c := uintptr(0); c < 64; c++ {
		if kept&(1<<c) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err == unix.EINVAL {
			break // there are no more
		} else if err != nil {
			return fmt.Errorf("giving up a capability: %w", err)
		}
	}
	if err := dropInheritable(); err != nil {
		return fmt.Errorf("giving up what programs inherit: %w", err)
	}
	if !s.InUser { // which has no other groups
		// As in Docker, the user's own group is one of them, so that a file that is closed to
		// a group stays so for a program that takes on another.
		if err := setGroups(append([]uint32{s.GID}, s.Groups...)); err != nil {
			return fmt.Errorf("taking on the user's groups: %w", err)
		}
	}
	if _, _, err := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(s.GID), uintptr(s.GID), uintptr(s.GID)); err != 0 {
		return fmt.Errorf("taking on group %d: %w", s.GID, err)
	}
	if _, _, err := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(s.UID), uintptr(s.UID), uintptr(s.UID)); err != 0 {
		return fmt.Errorf("taking on user %d: %w", s.UID, err)
	}
	return nil
}

// dropInheritable gives up the capabilities that a user other than root would keep in
// the program, by which it could make its root in a user namespace.
func dropInheritable() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	return unix.Capset(&header, &data[0])
}

func setGroups(groups []uint32) error {
	if _, _, err := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(&groups[0])), 0); err != 0 {
		return err
	}
	return nil
}
