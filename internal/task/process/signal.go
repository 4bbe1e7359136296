package process

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The first and the last of the signals that have no names, as C libraries count them.
const (
	firstRealTime = 34
	lastRealTime  = 64
)

// signalOf is the signal that an image names for its end: "SIGQUIT", "QUIT", "3" or
// "SIGRTMIN+3".
func signalOf(name string) (syscall.Signal, bool) {
	if number, err := strconv.Atoi(name); err == nil {
		return syscall.Signal(number), number > 0 && number <= lastRealTime
	}
	name = "SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG")
	for base, number := range map[string]int{"SIGRTMIN": firstRealTime, "SIGRTMAX": lastRealTime} {
		if offset, is := strings.CutPrefix(name, base); is {
			steps, err := strconv.Atoi(offset)
			number += steps
			return syscall.Signal(number), (err == nil || offset == "") && number >= firstRealTime && number <= lastRealTime
		}
	}
	signal := unix.SignalNum(name)
	return signal, signal != 0
}
