//go:build !linux

package rootfs

import "errors"

// Enter is for Linux only, but for what has to do without all of it.
func (s Spec) Enter() error {
	if s.Plain {
		return nil
	}
	return errors.ErrUnsupported
}

// Find is for Linux only.
func (s Spec) Find(string, string) (string, error) { return "", errors.ErrUnsupported }
