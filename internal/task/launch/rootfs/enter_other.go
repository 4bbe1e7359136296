//go:build !linux

package rootfs

import "errors"

// Enter is for Linux only.
func (s Spec) Enter() error { return errors.ErrUnsupported }

// Find is for Linux only.
func Find(string, string) (string, error) { return "", errors.ErrUnsupported }
