//go:build unix

// Package waiting is the process that package launch starts: it waits for its
// parent's word and becomes a program, or ends with its parent.
//
// Any program that imports this package turns into that process when it is started
// under its name. That happens as soon as the packages imported here are
// initialized, which are few so that most of what the program links is not: for
// flyball it takes 2 ms of CPU time in place of 6. Go initializes what is ready in the order of
// import paths.
package waiting

import (
	"errors"
	"os"
	"syscall"

	"flyball/internal/task/launch/rootfs"
)

// Name is the name of a process that waits, before what it is to be a part of, as an
// encoded rootfs.Spec or nothing, the path of the program and its arguments. No other
// process has it.
const Name = "flyball: waiting to run"

// The files that a waiting process has from its parent.
const (
	Proceed = 3 // a byte here lets the process become the program; the end of the file ends it
	Answer  = 4 // takes a byte when the process waits; and if it cannot run the program, an error number and a text
)

func init() {
	if len(os.Args) > 3 && os.Args[0] == Name {
		wait(os.Args[1], os.Args[2], os.Args[3:])
	}
}

// wait does not return.
func wait(root, program string, argv []string) {
	syscall.CloseOnExec(Proceed)
	syscall.CloseOnExec(Answer)
	_, _ = syscall.Write(Answer, []byte{0})
	if mayProceed() {
		answer(become(root, program, argv))
	}
	os.Exit(127)
}

func mayProceed() bool {
	for {
		n, err := syscall.Read(Proceed, make([]byte, 1))
		if err != syscall.EINTR {
			return n == 1
		}
	}
}

// become returns why it cannot become the program: an error number alone is about the
// program itself.
func become(root, program string, argv []string) error {
	if root == "" {
		return syscall.Exec(program, argv, os.Environ())
	}
	spec, err := rootfs.Decode(root)
	if err != nil {
		return err
	}
	if err := spec.Enter(); err != nil {
		return err
	}
	if spec.Try {
		os.Exit(0)
	}
	if spec.Plain {
		return syscall.Exec(program, argv, os.Environ())
	}
	if program, err = spec.Find(program, os.Getenv("PATH")); err != nil {
		return err
	}
	err = syscall.Exec(program, argv, os.Environ())
	refused(program, err)
	return err
}

// refused ends a container whose program is there and is none that the kernel runs. In
// container engines it has started by then: its log tells, and its exit code is 1.
func refused(program string, why error) {
	_, _ = syscall.Write(syscall.Stderr, []byte("exec "+program+": "+why.Error()+"\n"))
	os.Exit(1)
}

func answer(why error) {
	var number syscall.Errno
	errors.As(why, &number)
	text := ""
	if why != error(number) {
		text = why.Error()
	}
	_, _ = syscall.Write(Answer, append([]byte{byte(number)}, text...))
}
