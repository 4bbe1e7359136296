// Command suite runs tests for `make test`:
//
//	go run ./internal/suite go test ./...
//
// Before, it looks whether there is room for what Go compiles, and says what to do where there is not. The tests have
// a temporary folder of their own. When they have ended, or were interrupted or killed, nothing of them is left: no
// program that a test has started, no control group or network of its tasks, and no file.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "make test:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run runs a command of Go's and returns its status.
func run(command []string) (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := checkRoom(ctx, command); err != nil {
		return 1, err
	}
	f, err := openFolder()
	if err != nil {
		return 1, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(environment(os.Environ()), "TMPDIR="+f.path)
	syscall.Umask(0o022) // tests start programs as other users, who read what they have written
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	code, err = supervise(ctx, cmd)
	return code, errors.Join(err, f.remove())
}
