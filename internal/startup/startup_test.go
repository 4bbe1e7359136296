package startup

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// settings are when garbage is collected.
func settings() (percent int, limit int64) {
	percent = debug.SetGCPercent(-1)
	debug.SetGCPercent(percent)
	return percent, debug.SetMemoryLimit(-1)
}

func TestTheStartIsOverWhenItIsSaidToBe(t *testing.T) {
	Over() // of this program
	before, most := settings()
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	end := begin()
	if percent, limit := settings(); percent != -1 || limit != Memory {
		t.Errorf("while it starts, garbage is collected at %d percent and %d bytes", percent, limit)
	}
	end()
	if percent, limit := settings(); percent != before || limit != most {
		t.Errorf("then it is collected at %d percent and %d bytes", percent, limit)
	}
}

func TestTheFirstCollectionEndsTheStart(t *testing.T) {
	Over()
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	begin()
	runtime.GC()
	for percent, _ := settings(); percent == -1; percent, _ = settings() {
		runtime.Gosched() // what is left of a collection is done beside it
	}
}

func TestWhoHasSaidWhenGarbageIsCollectedIsHeeded(t *testing.T) {
	Over()
	before, most := settings()
	t.Setenv("GOGC", "50")
	begin()
	if percent, limit := settings(); percent != before || limit != most {
		t.Errorf("garbage is collected at %d percent and %d bytes", percent, limit)
	}
}
