package rootfs

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// confine keeps the program from getting more rights than it begins with.
func confine() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("keeping it from new rights: %w", err)
	}
	if err := refuseCalls(); err != nil {
		return fmt.Errorf("keeping it from system calls: %w", err)
	}
	return nil
}

// confineDescendants confines a program that has no namespaces. Descendants whose parents
// have ended become its children, by which they are found when it has to end.
func confineDescendants() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("keeping its descendants: %w", err)
	}
	return confine()
}

// limit sets the resource limits.
func (s Spec) limit() error {
	for _, l := range s.Limits {
		if err := l.set(); err != nil {
			return fmt.Errorf("setting resource limit %d: %w", l.Resource, err)
		}
	}
	return nil
}

// set sets the limit, or what comes nearest where the process may not have so much.
func (l Limit) set() error {
	err := unix.Prlimit(0, l.Resource, &unix.Rlimit{Cur: l.Soft, Max: l.Hard}, nil)
	if err != unix.EPERM {
		return err
	}
	var most unix.Rlimit
	if err := unix.Prlimit(0, l.Resource, nil, &most); err != nil {
		return err
	}
	hard := min(l.Hard, most.Max)
	return unix.Prlimit(0, l.Resource, &unix.Rlimit{Cur: min(l.Soft, hard), Max: hard}, nil)
}
