package console

import (
	"fmt"
	"time"

	"flyball/internal/duration"
	"flyball/scaling"
)

// An outlook is when capacity can move in one direction, in words.
type outlook struct {
	Title, Kind, Verdict string
	Needs                []string
}

func newOutlook(title, kind string, o scaling.Outlook, now time.Time) outlook {
	return outlook{title, kind, verdict(o, now), o.Needs}
}

// verdict says when, if what is needed comes.
func verdict(o scaling.Outlook, now time.Time) string {
	switch {
	case !o.Possible:
		return "not possible until the configuration is changed"
	case len(o.Needs) == 0:
		return "when the alarm calls next"
	case o.Earliest.IsZero():
		return "once this has happened"
	case !o.Earliest.After(now):
		return "as soon as this has happened"
	}
	return fmt.Sprintf("possible in %s, at %s, if this happens", duration.Words(o.Earliest.Sub(now)), o.Earliest.UTC().Format(time.TimeOnly))
}
