package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"flyball/internal/cause"
	"flyball/internal/client"
	"flyball/internal/datafolder"
	"flyball/internal/ownfile"
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
		is[*datafolder.NewerError](err) || is[*store.NewerError](err) || is[*ownfile.LinkError](err) || plainFile(err) != err || is[*resource.Missing](err) || is[*resource.BadName](err) || is[*resource.Ambiguous](err)
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

// plain says in plain words what the system says in its own.
func plain(err error) error { return cause.Of(plainFile(err)) }

// plainFile says it of files, whose names are typed.
func plainFile(err error) error {
	wrong, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return err
	}
	said, next := aboutFile(wrong)
	if said == "" {
		return err
	}
	if strings.HasSuffix(err.Error(), wrong.Error()) { // or else somebody tells what to do
		said += next
	}
	return plainly{strings.Replace(err.Error(), wrong.Error(), said, 1), err}
}

// aboutFile says what is wrong with a file, and what to do.
func aboutFile(wrong *fs.PathError) (said, next string) {
	switch info, err := os.Stat(wrong.Path); {
	case wrong.Op == "mkdir" && err == nil && !info.IsDir():
		return wrong.Path + " is a file and no folder", ""
	case wrong.Op == "mkdir" && errors.Is(wrong, fs.ErrPermission):
		return "you may not make the folder " + wrong.Path, ""
	case errors.Is(wrong, fs.ErrNotExist):
		if folder := filepath.Dir(wrong.Path); !isThere(folder) {
			return fmt.Sprintf("there is no folder %s for %s", folder, filepath.Base(wrong.Path)), ""
		}
		return "there is no file " + wrong.Path, nearFile(wrong.Path)
	case errors.Is(wrong, syscall.EISDIR):
		return wrong.Path + " is a folder; name a file", ""
	case errors.Is(wrong, syscall.ENOTDIR):
		return wrong.Path + " is in something that is no folder", ""
	case errors.Is(wrong, fs.ErrPermission):
		return "you may not open " + wrong.Path, "; have its owner permit it, or name another"
	}
	return "", ""
}

// nearFile asks whether a file was meant that has nearly the name of one that is not there.
func nearFile(path string) string {
	entries, _ := os.ReadDir(filepath.Dir(path)) // which need not be allowed
	name := filepath.Base(path)
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	for _, entry := range entries {
		near := entry.Name()
		if strings.EqualFold(near, name) || differByOne(near, name) || strings.TrimSuffix(near, filepath.Ext(near)) == stem {
			return fmt.Sprintf("; did you mean %s?", filepath.Join(filepath.Dir(path), near))
		}
	}
	return ""
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
