// Package startup has no garbage collected while the program starts: nearly all that its packages and a
// server make then is there to stay, and would be looked through several times, for a fifth of the start.
//
//	import "flyball/internal/startup"
//
//	startup.Over() // garbage is collected as usual
//
// That begins before most packages are initialised, as this one needs few others. It is over by itself with
// the first collection, which comes at Memory: a start that reads much does not take twice what it needs.
package startup

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// Memory is how much the program takes before garbage is collected, in bytes.
const Memory = 48 << 20

// Over has garbage be collected as usual. Only the first call does anything.
var Over = begin()

// begin begins the start, and returns what ends it.
func begin() (end func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {} // somebody has said when
	}
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(Memory)
	end = sync.OnceFunc(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	// What nobody has is gone after the first collection.
	runtime.AddCleanup(new(*byte), func(end func()) { end() }, end)
	return end
}
