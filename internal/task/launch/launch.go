//go:build unix

// Package launch starts programs in two steps. First there is a process that
// waits: whoever starts it can put it where it belongs and write down that it
// exists. Then the process becomes the program. If its parent dies in between, at
// whatever point, the process ends by itself and the program never runs.
//
//	l, err := launch.Prepare(cmd)
//	err = cmd.Start()  // the process exists, with the environment of the program
//	err = l.Proceed()  // the program runs, or err says why it cannot
//
// The process waits in this same executable. A program that imports this package
// turns into the waiting process before its own main and before most of what it
// links is initialized, which takes some 2 ms instead of 10.
package launch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
)

// waiting is the name of a process that waits, in place of its executable's. No
// other process has it.
const waiting = "flyball: waiting to run"

// The files that a waiting process has from its parent.
const (
	proceedFile = 3 // a byte here lets the process become the program; the end of the file ends it
	failureFile = 4 // takes the error number when the program cannot be run
)

func init() {
	if len(os.Args) > 2 && os.Args[0] == waiting {
		wait(os.Args[1], os.Args[2:])
	}
}

// wait waits for the parent's word and becomes the program. It does not return.
func wait(program string, argv []string) {
	syscall.CloseOnExec(proceedFile)
	syscall.CloseOnExec(failureFile)
	n, err := syscall.Read(proceedFile, make([]byte, 1))
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Read(proceedFile, make([]byte, 1))
	}
	if n == 1 {
		err = syscall.Exec(program, argv, os.Environ())
		var number syscall.Errno
		errors.As(err, &number)
		_, _ = syscall.Write(failureFile, binary.NativeEndian.AppendUint32(nil, uint32(number)))
	}
	os.Exit(127)
}

// A Launch is a program that is being started.
type Launch struct {
	program string
	proceed *os.File    // written to let the process become the program
	failure *os.File    // says why it could not
	theirs  [2]*os.File // the process's ends of the two
}

// Prepare changes a command so that its process waits for Proceed. The command
// may have no files besides the standard ones.
func Prepare(cmd *exec.Cmd) (*Launch, error) {
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	if len(cmd.ExtraFiles) > 0 {
		return nil, errors.New("a program that waits has no extra files")
	}
	executable, err := executable()
	if err != nil {
		return nil, err
	}
	l := &Launch{program: cmd.Path}
	if l.theirs[0], l.proceed, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	if l.failure, l.theirs[1], err = os.Pipe(); err != nil {
		l.Close()
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	cmd.Args = slices.Concat([]string{waiting, cmd.Path}, cmd.Args)
	cmd.Path = executable
	cmd.ExtraFiles = l.theirs[:]
	return l, nil
}

// executable is where this program can be started again. On Linux it is found
// even when its file was replaced or lies where the command's user cannot go.
func executable() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// Proceed lets the process of a started command become the program. A process
// that was ended meanwhile is no error: waiting for the command tells of it.
func (l *Launch) Proceed() error {
	defer l.Close()
	for _, file := range l.theirs {
		file.Close() // or the end of the process would not be noticed
	}
	if _, err := l.proceed.Write([]byte{1}); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("letting a process run %s: %w", l.program, err)
	}
	number := make([]byte, 4)
	if _, err := io.ReadFull(l.failure, number); err != nil {
		return nil // running the program has closed it
	}
	return &os.PathError{Op: "exec", Path: l.program, Err: syscall.Errno(binary.NativeEndian.Uint32(number))}
}

// Close ends a process that was not allowed to proceed. It may be called at any
// time.
func (l *Launch) Close() {
	for _, file := range []*os.File{l.theirs[0], l.theirs[1], l.proceed, l.failure} {
		_ = file.Close() // which may be closed already, or never have been made
	}
}
