package delivery

import "time"

// Retry says how often and for how long a delivery is attempted. Its times are the
// server's.
type Retry struct {
	MaxAge  time.Duration // since it was accepted; 0: a day
	Retries int           // after the first attempt
	// Backoff is how long is waited before each retry; the last wait is that of all others.
	// Nil doubles the wait from one second up to ten minutes, with jitter: 185 retries then
	// take about a day, which are the two defaults of EventBridge.
	Backoff []time.Duration
}

// The exponential waits. "Lambda [...] retries from 1 second after the first attempt up
// to a maximum of 5 minutes" when a function is throttled (Lambda Developer Guide, "How
// Lambda handles errors and retries with asynchronous invocation").
const (
	firstWait  = time.Second
	mostWait   = 10 * time.Minute
	mostBusy   = 5 * time.Minute
	defaultAge = 24 * time.Hour
)

// late is how long after the end of its age, on a wall clock, a delivery is still attempted. The last attempt
// is due as the age ends, which a timer tells a little later; without it nobody would be told why it failed.
const late = time.Second

// expired tells whether a delivery is too old for any attempt, at a speed of the server's time.
func (r Retry) expired(age time.Duration, speed float64) bool {
	return age > r.maxAge()+time.Duration(float64(late)*speed)
}

func (r Retry) maxAge() time.Duration {
	if r.MaxAge == 0 {
		return defaultAge
	}
	return r.MaxAge
}

// after says how long is waited after a number of failed attempts, or why no other is
// made. An exponential wait ends when the age does at the latest; a given wait that is longer
// than what is left of the age is not begun. Random is from 0 to below 1.
func (r Retry) after(failed int, age time.Duration, random float64) (wait time.Duration, end Condition) {
	switch left := r.maxAge() - age; {
	case failed > r.Retries:
		return 0, ByAttempts
	case left <= 0:
		return 0, ByAge
	case len(r.Backoff) > 0:
		if wait = r.Backoff[min(failed, len(r.Backoff))-1]; wait > left {
			return 0, ByAge
		}
		return wait, ""
	default:
		return min(exponential(failed, mostWait, random), left), ""
	}
}

// afterBusy is the same for a target that was busy a number of times in a row.
func (r Retry) afterBusy(busy int, age time.Duration, random float64) (wait time.Duration, end Condition) {
	left := r.maxAge() - age
	if left <= 0 {
		return 0, ByAge
	}
	return min(exponential(busy, mostBusy, random), left), ""
}

// exponential is the wait after the nth failure: between half of it and all of it, so that
// what failed together does not come back together.
func exponential(n int, most time.Duration, random float64) time.Duration {
	wait := most
	if n <= 20 { // 2^20 s is beyond any limit
		wait = min(firstWait<<(n-1), most)
	}
	return wait/2 + time.Duration(random*float64(wait/2))
}
