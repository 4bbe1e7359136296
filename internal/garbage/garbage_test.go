package garbage

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// settings are when garbage is collected.
func settings() (percent int, limit int64) {
	percent = debug.SetGCPercent(-1)
	debug.SetGCPercent(percent)
	return percent, debug.SetMemoryLimit(-1)
}

// starting is a collector of a program that starts, in place of this one's.
func starting(t *testing.T) (c *collector, percent int, limit int64) {
	Often()
	percent, limit = settings()
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	c = start()
	t.Cleanup(c.end)
	return c, percent, limit
}

func TestGarbageIsNotCollectedBeforeTheStartIsOver(t *testing.T) {
	c, percent, limit := starting(t)
	if p, l := settings(); p != -1 || l != Start {
		t.Errorf("while the program starts, garbage is collected at %d percent and %d bytes", p, l)
	}
	c.begin()
	if p, l := settings(); p == -1 || l != limit {
		t.Errorf("then it is collected at %d percent and %d bytes", p, l)
	}
	c.end()
	if p, l := settings(); p != percent || l != limit {
		t.Errorf("in the end it is collected at %d percent and %d bytes", p, l)
	}
}

func TestTheFirstCollectionEndsTheStart(t *testing.T) {
	_, _, limit := starting(t)
	runtime.GC()
	deadline := time.Now().Add(time.Minute)
	for _, l := settings(); l != limit; _, l = settings() {
		if time.Now().After(deadline) {
			t.Fatalf("a minute after a collection the limit is %d, want %d", l, limit)
		}
		runtime.Gosched() // what is left of a collection is done beside it
	}
}

func TestGarbageIsCollectedByWhatIsInUse(t *testing.T) {
	c, percent, _ := starting(t)
	c.begin()
	runtime.GC()
	c.look()
	if p, _ := settings(); p <= percent {
		t.Errorf("with little in use, garbage is collected at %d percent", p)
	}
	much := make([]byte, 4*Least)
	runtime.GC()
	c.look()
	if p, _ := settings(); p != percent {
		t.Errorf("with much in use, garbage is collected at %d percent", p)
	}
	runtime.KeepAlive(much)
}

func TestWhoHasSaidWhenGarbageIsCollectedIsHeeded(t *testing.T) {
	Often()
	percent, limit := settings()
	t.Setenv("GOGC", "50")
	start().begin()
	if p, l := settings(); p != percent || l != limit {
		t.Errorf("garbage is collected at %d percent and %d bytes", p, l)
	}
}
