//go:build unix && !linux

package disk

import "os"

// allocate has a file take room up to its new end.
func allocate(f *os.File, from, to int64) error { return fill(f, from, to) }
