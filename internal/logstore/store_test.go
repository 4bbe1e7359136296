package logstore

import (
	"context"
	"errors"
	"flyball/internal/damage"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// A model is what the store must answer: all events of a group, in order.
type model struct {
	t       *rapid.T
	dir     string
	store   *Store
	entries map[uint32][]Entry // by group
	dead    map[uint32]bool    // streams
}

func (m *model) live(group, stream uint32) bool {
	return slices.ContainsFunc(m.entries[group], func(e Entry) bool { return e.Stream == stream }) && !m.dead[stream]
}

func (m *model) open() {
	s, err := Open(m.dir, Options{Live: m.live, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		m.t.Fatal(err)
	}
	m.store = s
}

// stream draws a stream of a group; numbers are never given out twice.
func (m *model) stream(group uint32) uint32 {
	var alive []uint32
	for n := group * 100; n < group*100+100; n++ {
		if !m.dead[n] {
			alive = append(alive, n)
		}
	}
	return alive[rapid.IntRange(0, 2).Draw(m.t, "stream")]
}

func (m *model) put(group uint32) {
	stream := m.stream(group)
	at := rapid.Int64Range(0, 50).Draw(m.t, "from")
	var events []Event
	for i := range rapid.IntRange(1, 6).Draw(m.t, "events") {
		at += rapid.Int64Range(0, 3).Draw(m.t, "step")
		events = append(events, Event{at, fmt.Sprint(strings.Repeat("x", rapid.IntRange(0, 20).Draw(m.t, "length")), i)})
	}
	if err := m.store.Append(group, stream, at, events); err != nil {
		m.t.Fatal(err)
	}
	first := m.store.next.Load() - uint64(len(events))
	for i, e := range events {
		m.entries[group] = append(m.entries[group], Entry{Key{e.Time, first + uint64(i)}, stream, at, e.Message})
	}
}

// read reads a range in pages, from either end, and compares.
func (m *model) read(group uint32) {
	q := Query{
		Group:    group,
		From:     Key{Time: rapid.Int64Range(0, 60).Draw(m.t, "from")},
		To:       Key{Time: rapid.SampledFrom([]int64{20, 40, math.MaxInt64}).Draw(m.t, "to")},
		Backward: rapid.Bool().Draw(m.t, "backward"),
		Events:   rapid.IntRange(1, 9).Draw(m.t, "page"),
		Bytes:    rapid.SampledFrom([]int{0, 1, 30}).Draw(m.t, "bytes"),
		Scan:     rapid.SampledFrom([]int{0, 1, 100}).Draw(m.t, "scan"),
	}
	one := uint32(math.MaxUint32)
	if rapid.Bool().Draw(m.t, "one stream") {
		one = m.stream(group)
		q.Streams = func(n uint32) bool { return n == one }
	}
	if rapid.Bool().Draw(m.t, "match") {
		q.Match = func(message []byte) bool { return strings.Contains(string(message), "xx") }
	}
	var want []Entry
	for _, e := range m.entries[group] {
		if e.Compare(q.From) >= 0 && e.Compare(q.To) < 0 && (one == math.MaxUint32 || e.Stream == one) &&
			!m.dead[e.Stream] && (q.Match == nil || q.Match([]byte(e.Message))) {
			want = append(want, e)
		}
	}
	slices.SortFunc(want, func(a, b Entry) int { return a.Compare(b.Key) })
	if got := m.pages(q); !slices.Equal(got, want) {
		m.t.Fatalf("%+v: got %v, want %v", q, got, want)
	}
}

func (m *model) pages(q Query) (got []Entry) {
	for range 10_000 {
		p, err := m.store.Read(context.Background(), q)
		if err != nil {
			m.t.Fatal(err)
		}
		if len(p.Entries) > q.Events {
			m.t.Fatalf("%d events in a page of %d", len(p.Entries), q.Events)
		}
		if q.Backward {
			got = append(slices.Clone(p.Entries), got...)
			q.To = p.Rest
		} else {
			got = append(got, p.Entries...)
			q.From = p.Rest
		}
		if p.End {
			return got
		}
	}
	m.t.Fatal("the pages do not end")
	return nil
}

// restart opens the store again, perhaps after a kill in the middle of a write.
func (m *model) restart() {
	if err := m.store.Close(); err != nil {
		m.t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(m.dir, "*"+suffix))
	if len(files) > 0 && rapid.Bool().Draw(m.t, "torn") {
		torn := appendFrame(nil, appendBlockHead(nil, rawCodec, 1, 10, []part{{stream: 100, initialised: true}}), make([]byte, 10))
		if rapid.Bool().Draw(m.t, "zeros") {
			torn = append(torn[:len(torn)-10], make([]byte, 10)...)
			torn[frameHead-1]++
		} else {
			torn = torn[:rapid.IntRange(1, len(torn)-1).Draw(m.t, "of it")]
		}
		newest := slices.MaxFunc(files, strings.Compare)
		f, err := os.OpenFile(newest, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			m.t.Fatal(err)
		}
		f.Write(torn)
		f.Close()
	}
	m.open()
}

func TestReadsAnswerWhatWasPutWhateverHappensInBetween(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{t: rt, dir: filepath.Join(t.TempDir(), "x"), entries: map[uint32][]Entry{}, dead: map[uint32]bool{}}
		m.open()
		group := func() uint32 { return rapid.Uint32Range(1, 2).Draw(rt, "group") }
		rt.Repeat(map[string]func(*rapid.T){
			"put":  func(*rapid.T) { m.put(group()) },
			"read": func(*rapid.T) { m.read(group()) },
			"delete stream": func(*rapid.T) {
				g := group()
				st := m.stream(g)
				if len(m.dead) < 40 {
					m.dead[st] = true
					m.store.DeleteStream(g, st)
				}
			},
			"seal": func(*rapid.T) { m.store.seal() },
			"compact": func(rt *rapid.T) {
				if err := m.store.compact(context.Background()); err != nil {
					rt.Fatal(err)
				}
			},
			"restart": func(*rapid.T) { m.restart() },
			"": func(rt *rapid.T) {
				for g, entries := range m.entries {
					var bytes int64
					for _, e := range entries {
						if !m.dead[e.Stream] {
							bytes += int64(len(e.Message))
						}
					}
					if got := m.store.Bytes(g); got < bytes {
						rt.Fatalf("%d bytes in group %d, want %d at the least", got, g, bytes)
					}
				}
			},
		})
		m.store.Close()
	})
}

// seal closes the segment that is written to, as if it were full.
func (s *Store) seal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active != nil {
		s.active.closed, s.active = true, nil
		s.dropDead()
	}
}

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *Store, group, stream uint32, messages ...string) {
	t.Helper()
	var events []Event
	for i, m := range messages {
		events = append(events, Event{int64(i + 1), m})
	}
	if err := s.Append(group, stream, 1, events); err != nil {
		t.Fatal(err)
	}
}

func messages(t testing.TB, s *Store, group uint32) (all []string) {
	t.Helper()
	p, err := s.Read(t.Context(), Query{Group: group, To: Key{Time: math.MaxInt64}, Events: math.MaxInt})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range p.Entries {
		all = append(all, e.Message)
	}
	return all
}

func diskUse(t testing.TB, dir string) (bytes int64) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

func TestPutsAtTheSameTimeShareASync(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() { put(t, s, 1, uint32(i), "a", "b") })
	}
	all.Wait()
	if got := len(messages(t, s, 1)); got != 400 {
		t.Errorf("got %d events", got)
	}
}

func TestADamagedBlockLosesOnlyItself(t *testing.T) {
	for name, compacted := range map[string]bool{"as it was put": false, "compressed": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			for g := range uint32(3) {
				put(t, s, g+1, g+1, strings.Repeat(fmt.Sprint("message", g), 100))
			}
			s.seal()
			if compacted {
				if err := s.compact(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			at := s.groups[2].blocks[0].body
			path := s.groups[2].blocks[0].segment.path
			s.Close()
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.WriteAt([]byte("damage"), at+3)
			f.Close()
			var told strings.Builder
			s, err = Open(dir, Options{Log: slog.New(slog.NewTextHandler(&told, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for g := range uint32(3) {
				p, err := s.Read(t.Context(), Query{Group: g + 1, To: Key{Time: math.MaxInt64}, Events: math.MaxInt})
				if lost := errors.As(err, new(*damage.Error)); lost != (g+1 == 2) {
					t.Errorf("group %d: %v", g+1, err)
				}
				if g+1 != 2 && len(p.Entries) != 1 {
					t.Errorf("group %d has %d events, want 1", g+1, len(p.Entries))
				}
			}
			if !strings.Contains(told.String(), "log events are lost") {
				t.Errorf("the log says %q", told.String())
			}
		})
	}
}

func TestWhatIsDeletedOrExpiredFreesTheDisk(t *testing.T) {
	for name, free := range map[string]func(*Store){
		"a group":           func(s *Store) { s.DeleteGroup(1) },
		"a stream":          func(s *Store) { s.DeleteStream(1, 1) },
		"events of a group": func(s *Store) { s.Expire(1, 1000) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			defer s.Close()
			noise := make([]byte, 300)
			for i := range 300 {
				for j := range noise {
					noise[j] = byte((i*31 + j*j*7) ^ (j * i))
				}
				put(t, s, 1, 1, string(noise))
				if i%50 == 0 {
					put(t, s, 2, 2, string(noise))
				}
			}
			s.seal()
			before := diskUse(t, dir)
			free(s)
			if err := s.compact(t.Context()); err != nil {
				t.Fatal(err)
			}
			if after := diskUse(t, dir); after > before/10 {
				t.Errorf("%d bytes before, %d after", before, after)
			}
			if got := len(messages(t, s, 1)); got != 0 {
				t.Errorf("%d events of the group are left", got)
			}
			if got := len(messages(t, s, 2)); got != 6 {
				t.Errorf("the other group has %d events", got)
			}
		})
	}
}

func TestAReadGoesOnWhileItsFilesAreReplaced(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	put(t, s, 1, 1, "a", "b")
	q := Query{Group: 1, To: Key{Time: math.MaxInt64}, Events: 10}
	blocks, _, release := s.candidates(q)
	s.DeleteGroup(1)
	s.seal()
	r := reader{codec: s.codec}
	if _, err := r.read(blocks[0]); err != nil {
		t.Error(err)
	}
	release()
}

func TestAReadThatAStopOvertakesIsNotToldAsDamage(t *testing.T) {
	for name, compacted := range map[string]bool{"as it was put": false, "compressed": true} {
		t.Run(name, func(t *testing.T) {
			var told strings.Builder
			s, err := Open(t.TempDir(), Options{Log: slog.New(slog.NewTextHandler(&told, nil))})
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, 1, 1, "a", "b")
			s.seal()
			if compacted {
				if err := s.compact(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			s.Close()
			_, err = s.Read(t.Context(), Query{Group: 1, To: Key{Time: math.MaxInt64}, Events: 10})
			if err == nil || errors.As(err, new(*damage.Error)) || told.Len() > 0 {
				t.Errorf("the call was told %v, the log %q", err, told.String())
			}
		})
	}
}

func TestWhatIsDeletedWhileItIsCompactedIsNotToldAsLost(t *testing.T) {
	var log strings.Builder
	s, err := Open(t.TempDir(), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put(t, s, 1, 1, "a", "b")
	s.seal()
	inputs, _ := s.choose()
	blocks, release := s.blocksOf(inputs)
	defer release()
	s.DeleteGroup(1)
	for _, b := range blocks {
		if err := s.copyRuns(&writer{codec: s.codec}, &reader{codec: s.codec}, b); err != nil {
			t.Error(err)
		}
	}
	if log.Len() > 0 {
		t.Error(log.String())
	}
}

func TestCompactionThatWasKilledLeavesNothingTwice(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, 1, 1, "a", "b")
	s.seal()
	path := s.groups[1].blocks[0].segment.path
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	// The kill came before the old file was removed.
	if err := os.WriteFile(path, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	if got := messages(t, s, 1); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

func TestAStreamKnowsItsTimesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, 1, 1, "a", "b", "c")
	want := Stream{1, 3, 1}
	for range 2 {
		if got, ok := s.Stream(1, 1); !ok || got != want {
			t.Errorf("got %+v", got)
		}
		s.Close()
		s = open(t, dir)
	}
	s.Close()
}

// A frame whose checksums are right may hold anything.
func FuzzFrame(f *testing.F) {
	runs := appendRun(nil, 7, 1, 100, []Event{{1, "a"}, {2, "bc"}})
	parts := []part{{stream: 7, min: 1, max: 2, events: 2, bytes: 3, last: 3}}
	f.Add(appendBlockHead(nil, rawCodec, 1, len(runs), parts), runs, []byte("torn"))
	c, err := newCodec()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(appendBlockHead(nil, zstdCodec, 1, len(runs), parts), c.encode(nil, runs), []byte(magic))
	f.Add(appendList(nil, []uint64{2, 300}), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, head, body, tail []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 1), append(appendFrame(nil, head, body), tail...), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		for g := range s.groups {
			messages(t, s, g)
		}
		if err := s.compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		for g := range s.groups {
			messages(t, s, g)
		}
		s.Close()
		s = open(t, dir)
		s.Close()
	})
}

func FuzzRun(f *testing.F) {
	f.Add(appendRun(nil, 7, 1, 100, []Event{{1, "a"}, {2, "bc"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			r, rest, err := nextRun(b)
			if err != nil {
				return
			}
			n := 0
			if err := r.each(func(_ Key, message []byte) bool { n += len(message) + 1; return true }); err == nil && n > 2*len(b) {
				t.Errorf("%d bytes in %d", n, len(b))
			}
			b = rest
		}
	})
}
