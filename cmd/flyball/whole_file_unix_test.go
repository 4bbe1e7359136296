//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe stands for devices, which a test must not write to: it is still there when writing to it
// has failed.
func TestAPipeIsNotRemoved(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	full := errors.New("the disk is full")
	if err := createFile(name, func(io.Writer) error { return full }); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err != nil {
		t.Error(err)
	}
}

func TestAPipeThatNobodyReadsFails(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	err = createFile(fmt.Sprintf("/dev/fd/%d", writer.Fd()), func(to io.Writer) error {
		reader.Close()
		_, err := io.WriteString(to, "a row\n")
		return err
	})
	if !errors.Is(err, syscall.EPIPE) {
		t.Errorf("%v, want that the pipe is broken", err)
	}
}
