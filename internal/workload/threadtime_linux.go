package workload

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is the CPU time that the calling thread has used.
func threadTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic("reading the thread's CPU clock: " + err.Error()) // the clock exists since Linux 2.6.12
	}
	return time.Duration(ts.Nano())
}
