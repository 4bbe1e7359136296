//go:build !linux

package lease

import "time"

// sinceBoot is a clock that nobody sets.
func sinceBoot() time.Duration { return time.Since(began) }

var began = time.Now()
