package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"flyball/internal/postgres/postgrestest"
	"flyball/internal/store"
)

// Whatever is asked, the answer is the same with and without what was read ahead: of kinds that are short or long, that are
// left out or are nowhere, and of those that are written to meanwhile.
func TestWhatIsReadAheadAnswersAsTheDatabaseDoes(t *testing.T) {
	url := postgrestest.Database(t)
	st := openPostgres(t, url)
	b := new(store.Batch)
	for i := range 30 {
		for _, kind := range []string{"short", "left out", "written"} {
			b.Put(kind, fmt.Sprintf("%d/%02d", i%3, i), fmt.Append(nil, i))
		}
	}
	for i := range 5001 {
		b.Put("many", fmt.Sprintf("%d/%04d", i%3, i), nil)
	}
	write(t, st, b.Put("large", "1/a", []byte("v")).Put("large", "1/b", make([]byte, 20<<10)))
	read := func() (found []string) {
		for _, kind := range []string{"short", "left out", "written", "many", "large", "nowhere"} {
			for _, r := range []store.Range{
				{}, store.Prefix("1/"), {From: "1/04", To: "1/16"}, {From: "1/05"}, {To: "1/05"}, {From: "2", To: "1"}, {Reverse: true}, {From: "1/05", To: "2/08", Reverse: true},
			} {
				found = append(found, fmt.Sprint(kind, r, scan(t, st, kind, r)))
			}
			for _, key := range []string{"1/04", "1/a", "1", ""} {
				value, err := st.Get(kind, key)
				found = append(found, fmt.Sprint(kind, key, string(value), errors.Is(err, store.ErrNotFound), err != nil))
			}
		}
		return found
	}
	want := read()
	done, err := st.ReadAhead(t.Context(), "left out")
	if err != nil {
		t.Fatal(err)
	}
	same := func(when string, want []string) {
		t.Helper()
		for i, got := range read() {
			if got != want[i] {
				t.Errorf("%s: %.200s, want %.200s", when, got, want[i])
			}
		}
	}
	same("read ahead", want)
	changes := new(store.Batch).Put("written", "1/40", []byte("new")).Delete("written", "1/04").DeleteRange("written", store.Prefix("0/"))
	write(t, st, changes)
	if got := scan(t, st, "written", store.Prefix("1/")); !slices.Contains(got, "1/40=new") || slices.Contains(got, "1/04=4") {
		t.Errorf("after a write %v is there", got)
	}
	after := read()
	done()
	same("asked for again", after)
}

// What is read ahead is compared with its checksum like everything.
func TestADamagedDocumentThatIsReadAheadIsToldOf(t *testing.T) {
	url := postgrestest.Database(t)
	st := openPostgres(t, url)
	write(t, st, new(store.Batch).Put("a", "k", []byte("v")))
	db, _ := database(t, url)
	if _, err := db.Exec(t.Context(), `UPDATE flyball.document SET value = 'w'`); err != nil {
		t.Fatal(err)
	}
	if _, err := st.ReadAhead(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Get("a", "k"); err == nil {
		t.Error("it is read")
	}
	if err := st.Scan("a", store.Range{}, func(string, []byte) bool { return true }); err == nil {
		t.Error("it is scanned")
	}
}
