//go:build !linux

package workload

import "time"

var started = time.Now()

// threadTime stands in for the thread's CPU clock where Go cannot read one: on
// a machine that is not overloaded, a computing thread's wall time is close.
func threadTime() time.Duration { return time.Since(started) }
