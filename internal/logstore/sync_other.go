//go:build !linux

package logstore

import "os"

// syncData has a file's data on disk, and its length.
func syncData(f *os.File) error { return f.Sync() }
