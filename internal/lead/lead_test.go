package lead_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flyball/internal/lead"
)

var (
	noon  = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	given = lead.Lead{Now: noon, By: 10 * time.Hour}
)

func TestWhatBecomesOfATime(t *testing.T) {
	for _, tt := range []struct {
		name     string
		at, want time.Duration // after noon
	}{
		{"what has happened stays", -time.Hour, -time.Hour},
		{"now", 0, 0},
		{"what has happened in the lead has happened now", 5 * time.Hour, -500 * time.Microsecond},
		{"at the end of the lead", 10 * time.Hour, 0},
		{"what was to come is as long to come", 13 * time.Hour, 3 * time.Hour},
	} {
		if got := given.Time(noon.Add(tt.at)).Sub(noon); got != tt.want {
			t.Errorf("%s: noon + %v, want noon + %v", tt.name, got, tt.want)
		}
	}
}

func TestNothingOfTheLeadStaysAheadAndItsOrderIsKept(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := lead.Lead{Now: noon, By: time.Duration(rapid.Int64Range(1, int64(400*24*time.Hour)).Draw(r, "lead"))}
		in := rapid.Int64Range(1, int64(l.By))
		x, y := in.Draw(r, "x"), in.Draw(r, "y")
		a, b := l.Time(noon.Add(time.Duration(min(x, y)))), l.Time(noon.Add(time.Duration(max(x, y))))
		if a.After(b) || b.After(noon) || a.Before(noon.Add(-time.Millisecond)) {
			r.Fatalf("%v and %v", a, b)
		}
	})
}

func TestWhatBecomesOfADocument(t *testing.T) {
	const hence, passed = "2026-11-27T01:00:00Z", "2026-11-26T15:00:00Z" // 13 h, and of 5 h's less 2 h is now
	newest := func(t time.Time) string {
		return fmt.Sprintf("123456789012/us-east-1/%016x-3d2766cf-2e82-4e4a-802c-a0eb956a2889", math.MaxInt64-t.UnixNano())
	}
	now := noon.Add(-700 * time.Microsecond).Format(time.RFC3339Nano)
	for _, tt := range []struct {
		name, kind, key, text string
		wantKey, want         string // "" as it was
		goes                  bool
	}{
		{name: "times in members", kind: "autoscaling.policy", text: `v1 {"Created":"` + passed + `","Cooldown":{"until":"` + hence + `"}}`,
			want: `v1 {"Created":"` + now + `","Cooldown":{"until":"2026-11-26T15:00:00Z"}}`},
		{name: "a time alone", kind: "scheduler.run", text: `v1 "` + passed + `"`, want: `v1 "` + now + `"`},
		{name: "times in a list", kind: "ecs.task", text: `{"Stops":["` + hence + `"]}`, want: `{"Stops":["2026-11-26T15:00:00Z"]}`},
		{name: "what people write", kind: "ecs.task", text: `v1 {"Tags":[{"Key":"until","Value":"` + hence + `"}],"Description":"` + hence + `"}`},
		{name: "what users have set", kind: "autoscaling.action", text: `v1 {"Start":"` + hence + `"}`},
		{name: "the wall clock's", kind: "sts.session", text: `v1 {"Expires":"` + hence + `"}`},
		{name: "milliseconds of log groups", kind: "logs.group", text: fmt.Sprintf(`v1 {"Number":1,"Created":%d}`, noon.Add(13*time.Hour).UnixMilli()),
			want: fmt.Sprintf(`v1 {"Number":1,"Created":%d}`, noon.Add(3*time.Hour).UnixMilli())},
		{name: "keys with times", kind: "autoscaling.target-activity", key: newest(noon.Add(13 * time.Hour)), text: `v1 {}`, wantKey: newest(noon.Add(3 * time.Hour))},
		{name: "the history of times to come", kind: "cloudwatch.alarm-history", key: fmt.Sprintf("a\x00%019d", noon.Add(1).UnixNano()), text: "packed", goes: true},
		{name: "the history of times that were", kind: "cloudwatch.history", key: fmt.Sprintf("%019d", noon.UnixNano()), text: `v1 {}`},
		{name: "forecasts of times to come", kind: "autoscaling.prediction", key: "service/c/s p\x00" + passed, text: `v1 {}`, goes: true},
		{name: "what is no JSON", kind: "tsdb.unknown", text: "\x01\x02"},
	} {
		to, changed := given.Document(tt.kind, tt.key, []byte(tt.text))
		if tt.goes {
			if !changed || to.Text != nil {
				t.Errorf("%s: %q stays", tt.name, to.Text)
			}
			continue
		}
		want := lead.Change{Key: tt.key, Text: []byte(tt.text)}
		if tt.wantKey != "" {
			want.Key = tt.wantKey
		}
		if tt.want != "" {
			want.Text = []byte(tt.want)
		}
		if to.Key != want.Key || string(to.Text) != string(want.Text) || changed != (tt.want+tt.wantKey != "") {
			t.Errorf("%s: changed %v to %q %q, want %q %q", tt.name, changed, to.Key, to.Text, want.Key, want.Text)
		}
	}
}

func FuzzDocument(f *testing.F) {
	for _, seed := range []string{`v1 {"a":"2026-11-27T01:00:00Z","b":[{"c":"2026-11-26T15:00:00.5Z"}]}`, `"2026-11-27T01:00:00Z"`, `v`, `v1 {"a"`, `{"\u0061":"2026-11-27T01:00:00Z"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		to, changed := given.Document("logs.group", "key", text)
		if !changed && string(to.Text) != string(text) {
			t.Errorf("%q is changed to %q and not told", text, to.Text)
		}
		if json.Valid(text) && !json.Valid(to.Text) {
			t.Errorf("%q becomes %q", text, to.Text)
		}
	})
}
