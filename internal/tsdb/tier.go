package tsdb

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"flyball/internal/store"
	"flyball/metric"
)

// A tier is a resolution in which datapoints are kept for some time, in blocks
// on disk. Samples go to seconds (high resolution only) and minutes; when a block
// of minutes is too old it becomes part of a block of five minutes, and so on.
// Times are in seconds.
//
// How long each is kept is CloudWatch's ("Amazon CloudWatch concepts", metrics
// retention).
type tier struct {
	letter byte   // in the keys of its blocks
	step   uint32 // between datapoints
	block  uint32 // of time in one block
	keep   uint32
	reach  uint32 // what is always in memory
}

const day = 24 * 60 * 60

const (
	seconds = iota
	minutes
	fives
	hours
)

var tiers = [...]tier{
	seconds: {letter: 'a', step: 1, block: 300, keep: 3 * 60 * 60, reach: 5 * 60},
	minutes: {letter: 'b', step: 60, block: 1800, keep: 15 * day, reach: 20 * 60},
	fives:   {letter: 'c', step: 300, block: day, keep: 63 * day},
	hours:   {letter: 'd', step: 3600, block: 30 * day, keep: 455 * day},
}

// oldest is the greatest age of a sample. CloudWatch takes two weeks; the hour is
// for samples that were let in just before. It is less than minutes are kept, so
// that no sample comes for a block that became five minutes.
const oldest = 14*day + 3600

// active is for how long a metric is listed after its newest datapoint.
const active = 14 * day

// noBlock is the eldest block of a tier that has none.
const noBlock = math.MaxUint32

// blockOf is the start of the block that holds a time.
func (t *tier) blockOf(at uint32) uint32 { return at - at%t.block }

// key is the key of a block in the store. Blocks of the same time stand together,
// so that they can be found when they are too old.
func (t *tier) key(start, series uint32) string {
	return fmt.Sprintf("%c%08x%08x", t.letter, start, series)
}

// prefix is what the keys of all blocks start with that begin at start.
func (t *tier) prefix(start uint32) string { return fmt.Sprintf("%c%08x", t.letter, start) }

// since is the range of the keys of blocks that start at from or later.
func (t *tier) since(from uint32) store.Range {
	return store.Range{From: t.prefix(from), To: string(rune(t.letter + 1))}
}

// parseKey reads what key wrote.
func (t *tier) parseKey(key string) (start, series uint32, err error) {
	if len(key) == 17 && key[0] == t.letter {
		a, errA := strconv.ParseUint(key[1:9], 16, 32)
		b, errB := strconv.ParseUint(key[9:], 16, 32)
		if errA == nil && errB == nil {
			return uint32(a), uint32(b), nil
		}
	}
	return 0, 0, fmt.Errorf("tsdb: %q is not the key of a block", key)
}

// unix returns t in whole seconds, rounded down, within the years 1970 to 2106.
func unix(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 0), math.MaxUint32))
}

func fromUnix(at uint32) time.Time { return time.Unix(int64(at), 0).UTC() }

// ago is now minus d, but not before 1970.
func ago(now, d uint32) uint32 { return now - min(now, d) }

// Units are numbers on disk: their place in metric.Units.
const (
	noUnit  uint8 = 0xfe
	anyUnit uint8 = 0xff
)

var (
	unitNames = metric.Units()
	unitCodes = func() map[string]uint8 {
		codes := map[string]uint8{}
		for i, name := range unitNames {
			codes[name] = uint8(i)
		}
		codes[""] = codes[metric.None]
		return codes
	}()
)

// sampleUnit is the number of a sample's unit. One that CloudWatch does not know
// counts as None.
func sampleUnit(name string) uint8 {
	if code, ok := unitCodes[name]; ok {
		return code
	}
	return unitCodes[metric.None]
}

// queryUnit is the number of the unit a reader asks for.
func queryUnit(name string) uint8 {
	if name == "" {
		return anyUnit
	}
	if code, ok := unitCodes[name]; ok {
		return code
	}
	return noUnit
}
