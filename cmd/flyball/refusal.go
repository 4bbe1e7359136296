package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"flyball/internal/client"
	"flyball/internal/datafolder"
	"flyball/internal/resource"
	"flyball/internal/server"
	"flyball/internal/store"
)

// A refusal is the error of a command that has done nothing, because what it was given to work
// on is not what it works on.
type refusal struct{ error }

// Unwrap returns what it is about.
func (r refusal) Unwrap() error { return r.error }

// refuse is the refusal of what is typed.
func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

// nothingDone reports whether a command ended because of what it was given, before it did
// anything: the status of the program is 2 then.
func nothingDone(err error) bool {
	return is[refusal](err) || is[server.ConfigError](err) || is[*client.Unreachable](err) || is[*client.Foreign](err) ||
		is[*datafolder.NewerError](err) || is[*store.NewerError](err) || plain(err) != err || is[*resource.Missing](err) || is[*resource.BadName](err) || is[*resource.Ambiguous](err)
}

// refused is an error that stands for wrong input, or nil.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return refusal{err}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// plain says of files in plain words what the system says in its own.
func plain(err error) error {
	wrong, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return err
	}
	var said string
	switch {
	case errors.Is(wrong, fs.ErrNotExist):
		said = "there is no file " + wrong.Path
		if folder := filepath.Dir(wrong.Path); !isThere(folder) {
			said = fmt.Sprintf("there is no folder %s for %s", folder, filepath.Base(wrong.Path))
		}
	case errors.Is(wrong, syscall.EISDIR):
		said = wrong.Path + " is a folder; name a file"
	case errors.Is(wrong, syscall.ENOTDIR):
		said = wrong.Path + " is in something that is no folder"
	case errors.Is(wrong, fs.ErrPermission):
		said = "you may not open " + wrong.Path
	default:
		return err
	}
	return plainly{strings.Replace(err.Error(), wrong.Error(), said, 1), err}
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// A plainly said error is another one in other words.
type plainly struct {
	text string
	error
}

func (p plainly) Error() string { return p.text }

// Unwrap returns the error in its own words.
func (p plainly) Unwrap() error { return p.error }
