//go:build !linux

package main

import "errors"

func onSmallDisk(string, func() error) error { return errors.ErrUnsupported }

func noDisk() string { return "needs Linux" }
