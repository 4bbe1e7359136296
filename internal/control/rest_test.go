package control

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestARestSaysHowOftenSomethingHasFailed(t *testing.T) {
	r, now := &rests{}, time.Date(2026, 3, 2, 17, 5, 0, 0, time.UTC)
	r.failed("ecs", now, errors.New("no answer"))
	if err := r.of("ecs", now); err == nil || !strings.HasSuffix(err.Error(), ", since it has failed: no answer") {
		t.Error(err)
	}
	r.failed("ecs", now, errors.New("no answer"))
	if err := r.of("ecs", now); err == nil || !strings.HasSuffix(err.Error(), ", since it has failed 2 times in a row: no answer") {
		t.Error(err)
	}
}

func TestWhatIsNotAskedAnyMoreIsForgotten(t *testing.T) {
	r, now := &rests{}, time.Date(2026, 3, 2, 17, 5, 0, 0, time.UTC)
	for i := range 1000 {
		r.failed(i, now.Add(time.Duration(i)*time.Minute), errors.New("no answer"))
	}
	if n := len(r.all); n > 80 {
		t.Errorf("%d are remembered that failed a minute after the other: after an hour each is gone", n)
	}
}
