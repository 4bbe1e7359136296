// Package duration writes durations as people do: 20m, where time.Duration has 20m0s.
package duration

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// String is a duration without the zeros at its end. time.ParseDuration, and so each flag, reads it.
func String(d time.Duration) string {
	text := d.String()
	if minutes, whole := strings.CutSuffix(text, "m0s"); whole {
		text = minutes + "m"
	}
	if hours, whole := strings.CutSuffix(text, "h0m"); whole {
		text = hours + "h"
	}
	return text
}

type unit struct {
	length      time.Duration
	short, long string
}

// units are those of Rough and Words.
var units = []unit{{24 * time.Hour, "d", " d"}, {time.Hour, "h", " h"}, {time.Minute, "m", " min"}, {time.Second, "s", " s"}}

// Rough is a duration to its two largest units, such as 2d3h, 20m or 45s.
func Rough(d time.Duration) string {
	short, _ := largest(d)
	return strings.Join(short, "")
}

// Words is the same for pages: 2 d 3 h, 20 min, 45 s.
func Words(d time.Duration) string {
	_, long := largest(d)
	return strings.Join(long, " ")
}

// largest are the two largest units of a duration, of which the second is left out where it is nothing.
func largest(d time.Duration) (short, long []string) {
	d = max(d.Round(time.Second), 0)
	first := len(units) - 1
	if i := slices.IndexFunc(units, func(u unit) bool { return d >= u.length }); i >= 0 {
		first = i
	}
	for i, u := range units[first:min(first+2, len(units))] {
		n := int64(d / u.length)
		d %= u.length
		if n > 0 || i == 0 {
			short, long = append(short, fmt.Sprint(n, u.short)), append(long, fmt.Sprint(n, u.long))
		}
	}
	return short, long
}
