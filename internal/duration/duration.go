// Package duration writes durations as people do: 20m, where time.Duration has 20m0s.
package duration

import (
	"fmt"
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

// units are those of Rough and Words.
var units = []struct {
	length      time.Duration
	short, long string
}{{24 * time.Hour, "d", " d"}, {time.Hour, "h", " h"}, {time.Minute, "m", " min"}, {time.Second, "s", " s"}}

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
	for i, u := range units {
		if d < u.length && u.length > time.Second {
			continue
		}
		for _, u := range units[i:min(i+2, len(units))] {
			if n := d / u.length; n > 0 || len(short) == 0 {
				short = append(short, fmt.Sprint(int64(n), u.short))
				long = append(long, fmt.Sprint(int64(n), u.long))
			}
			d %= u.length
		}
		break
	}
	return short, long
}
