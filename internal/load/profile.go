package load

import (
	"math"
	"sort"
	"time"
)

// A profile is a schedule in which a time, or a total, is found without going through all
// stages: the trace of a day has thousands, and each request asks when it is due.
type profile struct {
	pieces []piece
	end    float64 // the level at the end
	whole  float64 // the total at the end
}

// A piece is a stage with what was before it.
type piece struct {
	begin    time.Duration
	length   time.Duration
	from, to float64 // levels
	total    float64 // at the beginning
}

func (s Schedule) profile() profile {
	p := profile{pieces: make([]piece, len(s))}
	var begin time.Duration
	for i, stage := range s {
		p.pieces[i] = piece{begin, stage.For, p.end, stage.To, p.whole}
		begin += stage.For
		p.whole = p.pieces[i].totalAt(stage.For)
		p.end = stage.To
	}
	return p
}

// level is the level at a time since the start.
func (p profile) level(elapsed time.Duration) float64 {
	piece, within, found := p.at(elapsed)
	if !found {
		return p.end
	}
	return piece.levelAt(within)
}

// total is the level summed over the time until elapsed.
func (p profile) total(elapsed time.Duration) float64 {
	piece, within, found := p.at(elapsed)
	if !found {
		return p.whole
	}
	return piece.totalAt(within)
}

// at is the piece in which a time is, and how long after its beginning. There is none
// after the end.
func (p profile) at(elapsed time.Duration) (piece, time.Duration, bool) {
	elapsed = max(elapsed, 0)
	i := sort.Search(len(p.pieces), func(i int) bool { return p.pieces[i].begin+p.pieces[i].length > elapsed })
	if i == len(p.pieces) {
		return piece{}, 0, false
	}
	return p.pieces[i], elapsed - p.pieces[i].begin, true
}

// when is the time since the start at which the total reaches a number.
func (p profile) when(total float64) time.Duration {
	if !(total > 0) {
		return 0
	}
	i := sort.Search(len(p.pieces), func(i int) bool { return p.pieces[i].totalAt(p.pieces[i].length) >= total })
	if i == len(p.pieces) {
		return math.MaxInt64
	}
	piece := p.pieces[i]
	rest := total - piece.total
	// rest = from*t + slope/2*t*t, solved without dividing by a slope of 0.
	slope := (piece.to - piece.from) / piece.length.Seconds()
	t := 2 * rest / (piece.from + math.Sqrt(max(0, piece.from*piece.from+2*slope*rest)))
	return piece.begin + min(piece.length, time.Duration(t*float64(time.Second)))
}

// levelAt is the level some time after the piece's beginning.
func (p piece) levelAt(within time.Duration) float64 {
	if p.length == 0 {
		return p.to
	}
	return p.from + (p.to-p.from)*float64(within)/float64(p.length)
}

// totalAt is the total some time after the piece's beginning.
func (p piece) totalAt(within time.Duration) float64 {
	return p.total + (p.from+p.levelAt(within))/2*within.Seconds()
}
