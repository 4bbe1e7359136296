package control

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestARestSaysHowOftenSomethingHasFailed(t *testing.T) {
	r, now := rests{}, time.Date(2026, 3, 2, 17, 5, 0, 0, time.UTC)
	r.failed("ecs", now, errors.New("no answer"))
	if err := r.of("ecs", now); err == nil || !strings.HasSuffix(err.Error(), ", since it has failed: no answer") {
		t.Error(err)
	}
	r.failed("ecs", now, errors.New("no answer"))
	if err := r.of("ecs", now); err == nil || !strings.HasSuffix(err.Error(), ", since it has failed 2 times in a row: no answer") {
		t.Error(err)
	}
}
