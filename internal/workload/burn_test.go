package workload

import (
	"runtime"
	"testing"
	"time"
)

func TestAComputationTakesCPUTime(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const computation = 50 * time.Millisecond
	before := threadTime()
	Burn(computation)
	if used := threadTime() - before; used < computation || used > computation+computation/5 {
		t.Errorf("a computation used %v of CPU time, want about %v", used, computation)
	}
}
