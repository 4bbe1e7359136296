//go:build unix

// Package launch starts programs in two steps. First there is a process that
// waits: whoever starts it can put it where it belongs and write down that it
// exists. Then the process becomes the program. If its parent dies in between, at
// whatever point, the process ends by itself and the program never runs.
//
//	l, err := launch.Prepare(cmd)
//	err = cmd.Start()  // the process exists, with the environment of the program
//	err = l.Ready()    // it has nothing more to do but to wait
//	err = l.Proceed()  // the program runs, or err says why it cannot
//
// The process waits in this same executable; see package waiting.
package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"flyball/internal/task/launch/rootfs"
	"flyball/internal/task/launch/waiting"
)

// A Launch is a program that is being started.
type Launch struct {
	program string
	proceed *os.File    // written to let the process become the program
	answer  *os.File    // tells that it waits, and why it could not
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
	return prepare(cmd, "")
}

// PrepareRooted is Prepare for a program that is looked for in a container's root, by
// its path there or its name. One that joins a container has one extra file, which
// says of which process.
func PrepareRooted(cmd *exec.Cmd, root rootfs.Spec) (*Launch, error) {
	if join := len(cmd.ExtraFiles) == 1; join != root.Join {
		return nil, errors.New("a program joins a container by the pidfd of a process there")
	}
	text, err := root.Encode()
	if err != nil {
		return nil, err
	}
	return prepare(cmd, text)
}

func prepare(cmd *exec.Cmd, root string) (*Launch, error) {
	executable, err := executable()
	if err != nil {
		return nil, err
	}
	l := &Launch{program: cmd.Path}
	if l.theirs[0], l.proceed, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	if l.answer, l.theirs[1], err = os.Pipe(); err != nil {
		l.Close()
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	cmd.Args = slices.Concat([]string{waiting.Name, root, cmd.Path}, cmd.Args)
	cmd.Path = executable
	cmd.ExtraFiles = slices.Concat(l.theirs[:], cmd.ExtraFiles)
	return l, nil
}

// Ready returns when the process of a started command waits.
func (l *Launch) Ready() error {
	for _, file := range l.theirs {
		file.Close() // or the end of the process would not be noticed
	}
	if _, err := io.ReadFull(l.answer, make([]byte, 1)); err != nil {
		return fmt.Errorf("the process that was to run %s has ended", l.program)
	}
	return nil
}

// Proceed lets a process that is ready become the program. A process that was
// ended meanwhile is no error: waiting for the command tells of it.
func (l *Launch) Proceed() error {
	defer l.Close()
	if _, err := l.proceed.Write([]byte{1}); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("letting a process run %s: %w", l.program, err)
	}
	answer, err := io.ReadAll(l.answer)
	switch {
	case err != nil || len(answer) == 0:
		return nil // running the program has closed it
	case len(answer) == 1:
		return &os.PathError{Op: "exec", Path: l.program, Err: syscall.Errno(answer[0])}
	}
	return &explained{string(answer[1:]), syscall.Errno(answer[0])}
}

// explained is an error that the process has told the whole of.
type explained struct {
	text  string
	cause syscall.Errno
}

func (e *explained) Error() string { return e.text }

func (e *explained) Unwrap() error {
	if e.cause == 0 {
		return nil
	}
	return e.cause
}

// Close ends a process that was not allowed to proceed. It may be called at any
// time.
func (l *Launch) Close() {
	for _, file := range []*os.File{l.theirs[0], l.theirs[1], l.proceed, l.answer} {
		_ = file.Close() // which may be closed already, or never have been made
	}
}
