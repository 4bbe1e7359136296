//go:build !linux

package image

import (
	"errors"
	"fmt"
	"io"
)

var errOnlyLinux = fmt.Errorf("images run on Linux only: %w", errors.ErrUnsupported)

type unpacker struct{ bytes int64 }

func newUnpacker(string, Limits) (*unpacker, error) { return nil, errOnlyLinux }
func (*unpacker) apply(io.Reader) error             { return errOnlyLinux }
func (*unpacker) close()                            {}

func syncTree(string) error { return errOnlyLinux }

func readInTree(string, string, int64) ([]byte, error) { return nil, errOnlyLinux }

func pathInTree(string, string) (string, error) { return "", errOnlyLinux }

// CopyTo is for Linux only.
func (i *Image) CopyTo(string) error { return errOnlyLinux }
