//go:build !linux

package process

func namespacePool(*Runtime) *addresses { return nil }
