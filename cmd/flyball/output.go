package main

import (
	"context"
	"errors"
	"io"
	"sync"

	"flyball/internal/terminal"
)

// An output is the standard output of a command, which keeps why something could not be written to
// it: on a full disk the command has not done what it was asked for, whoever looked at each write.
type output struct {
	io.Writer

	mu     sync.Mutex
	failed error // of the first write that did
}

// outputTo is an output. A terminal is told by its type, and has no disk, so it is left as it is.
func outputTo(w io.Writer) (o *output, to io.Writer) {
	o = &output{Writer: w}
	if _, shown := terminal.Width(w); shown {
		return o, w
	}
	return o, o
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.failed == nil {
			o.failed = err
		}
	}
	return n, err
}

// outcome is the error of a command, or, where it takes itself to have succeeded, that of what it
// could not print.
func (o *output) outcome(err error) error {
	lost := o.lost()
	if lost != nil && (err == nil || errors.Is(err, context.Canceled) && !errors.Is(err, errInterrupted)) {
		return lost
	}
	return err
}

// lost is why something could not be written; nil if all was.
func (o *output) lost() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}
