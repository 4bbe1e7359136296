package clock

import (
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// ShiftedBy is this machine's wall clock, shifted by the duration in a file, such as "8h" or
// "-30s". It is for tests, which play suspends and wrong clocks with it: the file is read each
// time. As long as it cannot be read, the shift stays as it was.
func ShiftedBy(file string) Wall {
	var shift atomic.Int64
	return func() time.Time {
		if text, err := os.ReadFile(file); err == nil {
			if d, err := time.ParseDuration(strings.TrimSpace(string(text))); err == nil {
				shift.Store(int64(d))
			}
		}
		return time.Now().Round(0).Add(time.Duration(shift.Load()))
	}
}
