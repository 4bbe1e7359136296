package duration

import (
	"testing"
	"time"
)

func TestDurationsAreWrittenAsPeopleDo(t *testing.T) {
	for _, tt := range []struct {
		d                     time.Duration
		exact, rough, spelled string
	}{
		{0, "0s", "0s", "0 s"},
		{45 * time.Second, "45s", "45s", "45 s"},
		{20 * time.Minute, "20m", "20m", "20 min"},
		{10 * time.Hour, "10h", "10h", "10 h"},
		{90 * time.Minute, "1h30m", "1h30m", "1 h 30 min"},
		{61 * time.Second, "1m1s", "1m1s", "1 min 1 s"},
		{time.Hour + 20*time.Second, "1h0m20s", "1h", "1 h"},
		{51 * time.Hour, "51h", "2d3h", "2 d 3 h"},
		{48*time.Hour + time.Minute, "48h1m", "2d", "2 d"},
		{29910 * time.Microsecond, "29.91ms", "0s", "0 s"},
		{1500 * time.Millisecond, "1.5s", "2s", "2 s"},
		{time.Minute + time.Millisecond, "1m0.001s", "1m", "1 min"},
		{-20 * time.Minute, "-20m", "0s", "0 s"},
	} {
		if exact, rough, spelled := String(tt.d), Rough(tt.d), Words(tt.d); exact != tt.exact || rough != tt.rough || spelled != tt.spelled {
			t.Errorf("%d ns: %s, %s, %s", tt.d, exact, rough, spelled)
		}
		if d, err := time.ParseDuration(String(tt.d)); err != nil || d != tt.d {
			t.Errorf("%s is read as %v, %v", String(tt.d), d, err)
		}
	}
}
