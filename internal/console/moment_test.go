package console

import (
	"strings"
	"testing"
	"time"
)

func TestTheWindowAroundAMoment(t *testing.T) {
	now := time.Date(2026, 11, 26, 14, 5, 0, 0, time.UTC)
	for at, want := range map[string]window{
		"":                     {From: now.Add(-time.Hour), To: now, Length: "1h"},
		"14:00":                {From: now.Add(-time.Hour), To: now, At: now.Add(-5 * time.Minute), Length: "1h"},
		"2026-11-26T12:00:00Z": {From: now.Add(-155 * time.Minute), To: now.Add(-95 * time.Minute), At: now.Add(-125 * time.Minute), Length: "1h"},
	} {
		if got, err := windowOf("1h", at, now); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", at, got, err, want)
		}
	}
	for at, says := range map[string]string{"2026-11-26T14:06:00Z": "is still to come", "soon": "is no time"} {
		if _, err := windowOf("1h", at, now); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v; want %q", at, err, says)
		}
	}
}
