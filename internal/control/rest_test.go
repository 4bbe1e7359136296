package control

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestARestTellsHowOftenSomethingHasFailed(t *testing.T) {
	now, r := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC), rests{}
	for _, want := range []string{"since it has failed: no way", "since it has failed 2 times in a row: no way"} {
		r.failed("ecs", now, errors.New("no way"))
		if err := r.of("ecs", now); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("it tells %v, and should %q", err, want)
		}
	}
}
