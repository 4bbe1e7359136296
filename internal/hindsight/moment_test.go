package hindsight_test

import (
	"strings"
	"testing"
	"time"

	"flyball/internal/hindsight"
)

func TestMomentsAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]time.Time{
		"14:04":                     at.Add(-time.Minute),
		"14:06":                     at.Add(time.Minute - 24*time.Hour),
		"14:04:30":                  at.Add(-30 * time.Second),
		"10m":                       at.Add(-10 * time.Minute),
		"2026-11-26T14:05:00Z":      at,
		"2026-11-26T15:05:00+01:00": at,
		"2026-11-26T14:05":          at,
		"2026-11-26T14:05:00":       at,
		"2026-11-26 14:05":          at,
		"2026-11-26 14:05:00":       at,
	} {
		if got, err := hindsight.ParseMoment(text, at); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestMomentsThatAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"soon":  `"soon" is no time`,
		"-10m":  `"-10m" is no time`,
		"25:00": `"25:00" is no time`,
		"":      `"" is no time`,
	} {
		if _, err := hindsight.ParseMoment(text, at); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want %s", text, err, says)
		}
	}
}

func TestATimeThatIsStillToCome(t *testing.T) {
	if err := (hindsight.Question{At: at}).Check(at); err != nil {
		t.Error(err)
	}
	want := "2026-11-26T14:06:00Z is still to come: it is 2026-11-26T14:05:00Z there"
	if err := (hindsight.Question{At: at.Add(time.Minute)}).Check(at); err == nil || err.Error() != want {
		t.Error(err)
	}
}
