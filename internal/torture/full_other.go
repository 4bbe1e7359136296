//go:build !linux

package main

import "errors"

func inDiskOfItsOwn() (disk string, err error) {
	return "", errors.New("a disk of one's own needs Linux")
}
