package delivery

import (
	"errors"
	"testing"
	"time"

	"flyball/internal/deliver"
)

func TestWhenAnAttemptIsMadeAgain(t *testing.T) {
	lambda := Retry{MaxAge: 6 * time.Hour, Retries: 2, Backoff: []time.Duration{time.Minute, 2 * time.Minute}}
	eventBridge := Retry{MaxAge: 24 * time.Hour, Retries: 185}
	tests := []struct {
		name   string
		retry  Retry
		failed int
		age    time.Duration
		random float64
		wait   time.Duration
		end    Condition
	}{
		{"a function is retried after a minute", lambda, 1, 0, 0.9, time.Minute, ""},
		{"and then after two", lambda, 2, time.Minute, 0.9, 2 * time.Minute, ""},
		{"but not beyond its age", lambda, 1, 6*time.Hour - time.Second, 0, 0, ByAge},
		{"and not a third time", lambda, 3, 3 * time.Minute, 0, 0, ByAttempts},
		{"no retries are none", Retry{MaxAge: time.Hour}, 1, 0, 0, 0, ByAttempts},
		{"the last of given waits is that of all others", Retry{Retries: 9, Backoff: []time.Duration{time.Second}}, 5, 0, 0, time.Second, ""},
		{"waits double from a second, less jitter", eventBridge, 1, 0, 0, 500 * time.Millisecond, ""},
		{"with the most of jitter", eventBridge, 4, 0, 0.999999, 7999996 * time.Microsecond, ""},
		{"up to ten minutes", eventBridge, 185, 23 * time.Hour, 0, 5 * time.Minute, ""},
		{"an attempt is made as the age ends", eventBridge, 100, 24*time.Hour - time.Minute, 0, time.Minute, ""},
		{"and none afterwards", eventBridge, 101, 24 * time.Hour, 0, 0, ByAge},
		{"without an age it is a day", Retry{Retries: 1}, 1, 24 * time.Hour, 0, 0, ByAge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if wait, end := tt.retry.after(tt.failed, tt.age, tt.random); wait != tt.wait || end != tt.end {
				t.Errorf("after %d failures at %s: %s %q, want %s %q", tt.failed, tt.age, wait, end, tt.wait, tt.end)
			}
		})
	}
}

func TestDefaultRetriesTakeAboutADay(t *testing.T) {
	r, age := Retry{Retries: 185}, time.Duration(0)
	for failed := 1; ; failed++ {
		wait, end := r.after(failed, age, 0.5)
		if end != "" {
			break
		}
		age += wait
	}
	if age < 22*time.Hour || age > 24*time.Hour {
		t.Errorf("they take %s", age)
	}
}

func TestWhatAnErrorSaysOfATarget(t *testing.T) {
	once := parcel{Delivery: Delivery{Retry: Retry{MaxAge: time.Hour}}}
	tests := []struct {
		name      string
		err       error
		age       time.Duration
		outcome   Outcome
		condition Condition
		code      string
		failed    int
	}{
		{"without one it has the invocation", nil, 0, Taken, "", "", 1},
		{"a refusal ends it", &deliver.Refused{Code: "NO_PERMISSIONS", Err: errors.New("no")}, 0, Refused, "", "NO_PERMISSIONS", 1},
		{"a busy target is no attempt", &deliver.Busy{Err: errors.New("full")}, 0, Retried, "", "THROTTLING", 0},
		{"but for the age", &deliver.Busy{Err: errors.New("full")}, time.Hour, Exhausted, ByAge, "THROTTLING", 0},
		{"any other is", errors.New("down"), 0, Exhausted, ByAttempts, "ERROR_FROM_TARGET", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := once.judge(tt.err, tt.age, 0)
			if v.outcome != tt.outcome || v.condition != tt.condition || v.code != tt.code || v.Failed != tt.failed {
				t.Errorf("%+v", v)
			}
		})
	}
}
