package tsdb

import (
	"bytes"
	"testing"

	"flyball/metric"
)

func FuzzDecodeBlock(f *testing.F) {
	var ps points
	ps.put(1200, 3, metric.Set{Count: 1, Sum: 2, Min: 2, Max: 2})
	ps.put(1260, 3, metric.Set{Count: 2, Sum: 3, Min: 1, Max: 2})
	ps.put(1260, 4, metric.Set{Count: 1, Sum: 0.1, Min: 0.1, Max: 0.1})
	f.Add(ps.encode(nil, ps.list, 1200, 60))
	f.Fuzz(func(t *testing.T, b []byte) {
		decode := func(b []byte) (points, error) {
			var ps points
			err := decodeBlock(b, 1200, 60, 600, func(at uint32, unit uint8, set metric.Set) {
				if at < 1200 || at >= 1800 || at%60 != 0 {
					t.Fatalf("a point at %d", at)
				}
				if ps.find(at, unit) == nil {
					ps.put(at, unit, set)
				}
			})
			return ps, err
		}
		ps, err := decode(b)
		if err != nil {
			return
		}
		once := ps.encode(nil, ps.list, 1200, 60)
		again, err := decode(once)
		if twice := again.encode(nil, again.list, 1200, 60); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%x, then %x, %v", once, twice, err)
		}
	})
}

func FuzzDecodeJournal(f *testing.F) {
	tr := &track{from: 1000}
	tr.add(900, 3, metric.Set{Count: 1, Sum: 2, Min: 2, Max: 2})
	tr.add(1260, 3, metric.Set{Count: 2, Sum: 3, Min: 1, Max: 2})
	f.Add(tr.journal([]byte{journalFormat}, 7, minutes))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = decodeJournal(b, func(r record) {
			if r.tier > minutes || r.unit >= noUnit || !r.set.Valid() && r.set.Count != 0 {
				t.Errorf("%x has the record %+v", b, r)
			}
		})
	})
}
