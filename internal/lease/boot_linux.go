package lease

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot is a clock that nobody sets, and that counts the time that the machine was asleep.
func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return time.Since(began)
	}
	return time.Duration(t.Nano())
}

var began = time.Now()
