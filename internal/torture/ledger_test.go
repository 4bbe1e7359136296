package main

import (
	"testing"
	"time"
)

func TestTheLedgerFindsWhatMustNotBe(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(1_800_000_000+int64(seconds), 0) }
	type step func(*ledger)
	receive := func(id string, n, second int) step {
		return func(l *ledger) { l.received(id, parcel{"g", n}, at(second), at(second), 10*time.Second) }
	}
	deleted := func(id string, second int) step { return func(l *ledger) { l.deleted(id, at(second)) } }
	for _, tt := range []struct {
		name  string
		fifo  bool
		steps []step
		want  []kind
	}{
		{"messages that come once", true, []step{receive("a", 1, 0), deleted("a", 9), receive("b", 2, 0)}, nil},
		{"a message comes back after its visibility timeout", true, []step{receive("a", 1, 0), receive("a", 1, 10)}, nil},
		{"before it, it must not", false, []step{receive("a", 1, 0), receive("a", 1, 9)}, []kind{twice}},
		{"nor after its deletion", false, []step{receive("a", 1, 0), deleted("a", 9), receive("a", 1, 60)}, []kind{twice}},
		{"but after one that came late", false, []step{receive("a", 1, 0), deleted("a", 10), receive("a", 1, 10)}, nil},
		{"a standard queue has no order", false, []step{receive("b", 2, 0), receive("a", 1, 0)}, nil},
		{"a FIFO queue has", true, []step{receive("b", 2, 0)}, []kind{disorder}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []kind
			l := newLedger(tt.fifo, func(faults ...fault) {
				for _, f := range faults {
					got = append(got, f.kind)
				}
			})
			for _, s := range tt.steps {
				s(l)
			}
			if len(got) != len(tt.want) || len(got) > 0 && got[0] != tt.want[0] {
				t.Errorf("found %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTheLedgerKnowsWhatIsMissing(t *testing.T) {
	l := newLedger(false, func(...fault) {})
	l.acknowledged(parcel{"g", 1})
	l.acknowledged(parcel{"g", 2})
	l.received("a", parcel{"g", 1}, time.Now(), time.Now(), time.Second)
	if n, example := l.missing(); n != 1 || example != (parcel{"g", 2}) {
		t.Errorf("%d are missing, such as %v", n, example)
	}
}

func TestReadParcel(t *testing.T) {
	if p, ok := readParcel("3-17"); !ok || p != (parcel{"3", 17}) {
		t.Errorf("read %v", p)
	}
	if _, ok := readParcel("half"); ok {
		t.Error("read half a body")
	}
}
