//go:build !linux

package main

import "errors"

func onSmallDisk(string, func() error) error { return errors.ErrUnsupported }

func noDisk() string { return "needs Linux" }

func roomOf(string) int64 { return 0 }

func removeBridge(string) {}
