package trace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// maxLine bounds the lines of logs.
const maxLine = 1 << 20

// An accessLog has a line for each request. Its requests are counted by the second or, of a long one, by
// the minute.
type accessLog struct {
	stampOf func(line []byte) (time.Time, bool)
}

func (l accessLog) read(in *bufio.Reader, o Options) (points, error) {
	c := newCounter(o)
	err := c.lines(in, l.stampOf)
	if err != nil {
		return points{}, err
	}
	return c.points()
}

// A counter counts requests.
type counter struct {
	minutes   bool              // seconds may be added up to minutes
	each      int64             // seconds of what is counted as one
	counts    map[int64]float64 // of the newest times, in seconds since 1970
	rows      timeline          // counts of the times before, as far as lines are in their order
	bad       int               // lines that could not be read
	firstBad  int
	firstText string
	total     int
}

// mostCounts is how many counts are open to lines that come late: of a long log, five weeks of minutes.
const mostCounts = 50_000

func newCounter(o Options) *counter {
	return &counter{minutes: o.Step%time.Minute == 0, each: 1, counts: map[int64]float64{}}
}

// count counts a request.
func (c *counter) count(at int64) {
	c.counts[at-at%c.each]++
	if len(c.counts) <= mostCounts {
		return
	}
	if c.minutes && c.each == 1 {
		c.each = int64(time.Minute / time.Second)
		seconds := c.counts
		c.counts = map[int64]float64{}
		for at, n := range seconds {
			c.counts[at-at%c.each] += n
		}
		return
	}
	c.settle(mostCounts / 2)
}

// settle makes rows of the oldest so many counts.
func (c *counter) settle(n int) {
	for _, at := range slices.Sorted(maps.Keys(c.counts))[:n] {
		c.rows.add(point{at: at * int64(time.Second), value: c.counts[at]})
		delete(c.counts, at)
	}
}

// lines counts the lines whose time can be read.
func (c *counter) lines(in *bufio.Reader, stampOf func([]byte) (time.Time, bool)) error {
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 1<<16), maxLine)
	number := 0
	for scan.Scan() {
		number++
		line := bytes.TrimSpace(scan.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		c.total++
		at, ok := stampOf(line)
		if !ok {
			if c.bad++; c.bad == 1 {
				c.firstBad, c.firstText = number, string(line[:min(len(line), 80)])
			}
			continue
		}
		c.count(at.Unix())
		if c.rows.len() > maxRows {
			return errTooLong(number)
		}
	}
	if errors.Is(scan.Err(), bufio.ErrTooLong) {
		return &Error{Line: number + 1, What: fmt.Sprintf("a line of more than %d bytes", maxLine), Remedy: "leave it out"}
	}
	return scan.Err()
}

// points are the counts, if nearly all lines could be read.
func (c *counter) points() (points, error) {
	if c.bad*20 > c.total || c.bad == c.total {
		return points{}, &Error{Line: c.firstBad, What: fmt.Sprintf("%d of %d lines have no time that can be read, first %q", c.bad, c.total, c.firstText),
			Remedy: "name a log with one request a line, or a table of times and values"}
	}
	c.settle(len(c.counts))
	p := points{name: "requests", kind: Counts, times: true, events: true, rows: &c.rows}
	p.notes = append(p.notes, fmt.Sprintf("Counted %d requests of a log.", c.total-c.bad))
	if c.bad > 0 {
		p.notes = append(p.notes, fmt.Sprintf("Passed over %d lines without a time that can be read, the first of them line %d.", c.bad, c.firstBad))
	}
	return p, nil
}

// commonStamp is the time in brackets of a common or combined log.
func commonStamp(line []byte) (time.Time, bool) {
	for {
		_, rest, found := bytes.Cut(line, []byte("["))
		if !found {
			return time.Time{}, false
		}
		if at, ok := bracketed(rest); ok {
			return at, true
		}
		line = rest
	}
}

// bracketed reads 02/Jan/2006:15:04:05 -0700.
func bracketed(text []byte) (time.Time, bool) {
	const layout = "02/Jan/2006:15:04:05 -0700"
	if len(text) < len(layout)+1 || text[len(layout)] != ']' {
		return time.Time{}, false
	}
	month := monthOf(text[3:6])
	day, year := digits(text[0:2]), digits(text[7:11])
	hour, minute, second := digits(text[12:14]), digits(text[15:17]), digits(text[18:20])
	zone := digits(text[22:24])*60 + digits(text[24:26])
	if month == 0 || min(day, year, hour, minute, second, zone) < 0 || max(hour, 23) > 23 || max(minute, 59) > 59 || max(second, 60) > 60 || day < 1 || day > 31 {
		return time.Time{}, false
	}
	if text[21] == '-' {
		zone = -zone
	}
	return time.Date(year, month, day, hour, minute-zone, second, 0, time.UTC), true
}

// monthOf is the month of such a name as Jan; 0 if there is none.
func monthOf(name []byte) time.Month {
	for m := time.January; m <= time.December; m++ {
		if m.String()[:3] == string(name) {
			return m
		}
	}
	return 0
}

// digits is the number that digits make, or a very negative one.
func digits(text []byte) int {
	n := 0
	for _, d := range text {
		if d < '0' || d > '9' {
			return -1 << 20
		}
		n = 10*n + int(d-'0')
	}
	return n
}

// balancerStamp is the second field of a line of an Application Load Balancer: when the answer
// was sent.
func balancerStamp(line []byte) (time.Time, bool) {
	_, rest, _ := bytes.Cut(line, []byte(" "))
	return classicStamp(rest)
}

// classicStamp is the first field of a line: 2006-01-02T15:04:05.000000Z.
func classicStamp(line []byte) (time.Time, bool) {
	stamp, _, _ := bytes.Cut(line, []byte(" "))
	at, err := time.Parse(time.RFC3339, string(stamp))
	return at, err == nil
}

// envoyStamp is the time in brackets at the beginning of a line.
func envoyStamp(line []byte) (time.Time, bool) {
	stamp, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte("[")), []byte("]"))
	return classicStamp(stamp)
}

// extendedStamp is the date and the time of day, in two fields.
func extendedStamp(line []byte) (time.Time, bool) {
	if len(line) < len(time.DateTime) {
		return time.Time{}, false
	}
	stamp := bytes.Replace(line[:len(time.DateTime)], []byte("\t"), []byte(" "), 1)
	at, err := time.Parse(time.DateTime, string(stamp))
	return at, err == nil
}
