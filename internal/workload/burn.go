package workload

import (
	"crypto/sha256"
	"runtime"
	"time"
)

// Burn keeps a processor busy until this thread has used d of CPU time. Counting
// CPU time, not wall time, makes a computation the same amount of work on a busy
// or limited machine: there it takes longer.
func Burn(d time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	var block [4096]byte // about 10 µs of hashing between two looks at the clock
	for start := threadTime(); threadTime()-start < d; {
		sum := sha256.Sum256(block[:])
		copy(block[:], sum[:])
	}
}
