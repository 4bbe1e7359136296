//go:build !linux

package process

import "errors"

func newCgroupHost(string) (host, error) {
	return nil, errors.New("cgroups are a part of Linux")
}
