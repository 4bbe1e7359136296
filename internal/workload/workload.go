// Package workload tells of flyball's built-in images: small services whose load is easy
// to see and to steer, so that a scaling policy can be watched at work without an
// application at hand. Packages web and worker are their programs.
//
// Every runtime runs them as a child of the flyball binary itself, which becomes one of
// them before most of what it links is initialised: they start fast and stay small.
package workload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"flyball/internal/garbage"
)

// Command is the argument, before a program's name, with which the flyball
// binary runs a built-in program instead of its commands.
const Command = "workload"

// The built-in programs.
const (
	Web    = "web"
	Memory = "memory"
	Worker = "worker"
)

// Names returns the built-in programs. The image of each is "flyball/" and its name.
func Names() []string { return []string{Web, Memory, Worker} }

// Program is the image that stands for nothing but what a container's command says: a program
// of this machine. The process runtime alone has it.
const Program = "flyball/program"

// BuiltIn returns the name of the built-in program of an image such as flyball/web:latest.
func BuiltIn(image string) (name string, ok bool) {
	name, ok = strings.CutPrefix(image, "flyball/")
	name, _, _ = strings.Cut(name, ":")
	return name, ok && slices.Contains(Names(), name)
}

// Asked says which built-in program this process was started as, if it was.
func Asked() (name string, ok bool) {
	if len(os.Args) != 3 || os.Args[1] != Command {
		return "", false
	}
	return os.Args[2], true
}

// Become turns this process into a built-in program, if it was started as that: then it
// does not return. The program runs until the context ends with SIGINT or SIGTERM, and
// lets what it has begun come to its end. Its settings come from getenv.
//
// Packages of programs call it as they are initialised, and import little. Go initialises
// what is ready in the order of import paths, and most of what flyball links comes later.
func Become(name string, run func(ctx context.Context, getenv func(string) string) error) {
	if asked, ok := Asked(); !ok || asked != name {
		return
	}
	runtime.MemProfileRate = 0 // nobody can ask this program for a profile
	garbage.Often()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Getenv); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "flyball:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Unknown is the error of a program that is none of the built-in ones.
func Unknown(name string) error {
	return fmt.Errorf("no built-in workload %q; there are %q", name, Names())
}
