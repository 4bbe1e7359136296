package state_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"flyball/internal/state"
	"flyball/internal/store"
)

type long struct{ Text string }

func TestAPackedDocumentIsReadAgainAndOneThatIsNot(t *testing.T) {
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	text := strings.Repeat("the datapoints were greater than the threshold ", 20)
	plain := state.Kind{Name: "test.long", Version: 1}
	packed := state.Kind{Name: "test.long", Version: 2, Packing: state.NewPacking("the datapoints were greater than the threshold ")}
	s := state.New(st)
	before, after := plain.Encode(long{text}), packed.Encode(long{text})
	if len(after)*10 > len(before) {
		t.Errorf("%d bytes are packed into %d", len(before), len(after))
	}
	if err := st.Write(new(store.Batch).Put("test.long", "a", before).Put("test.long", "b", after)).Wait(); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := state.Load(s, packed, func(key string, doc *long) error {
		if n++; doc.Text != text {
			t.Errorf("%s has %q", key, doc.Text)
		}
		return nil
	}); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := state.Get[long](s, plain, "b"); err == nil {
		t.Error("a kind without the packing reads it")
	}
}

func TestADocumentOfAnyLengthIsReadAgainAsItWas(t *testing.T) {
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	packed := state.Kind{Name: "test.long", Version: 1, Packing: state.NewPacking("the datapoints were greater than the threshold ")}
	random := rand.New(rand.NewPCG(1, 2))
	for _, length := range []int{0, 1, 7, 46, 47, 48, 1 << 10, 8 << 10, 32<<10 - 1, 64 << 10, 300_000} {
		var text strings.Builder
		for text.Len() < length {
			fmt.Fprintf(&text, "%d datapoints were greater than %x ", random.IntN(9), random.IntN(1<<30))
		}
		want := text.String()[:length]
		if err := st.Write(new(store.Batch).Put("test.long", "a", packed.Encode(long{want}))).Wait(); err != nil {
			t.Fatal(err)
		}
		if got, err := state.Get[long](state.New(st), packed, "a"); err != nil || got.Text != want {
			t.Errorf("a document of %d bytes is not read as it was: %v", length, err)
		}
	}
}

func FuzzPackedDocument(f *testing.F) {
	packed := state.Kind{Name: "test.long", Version: 1, Packing: state.NewPacking("words")}
	f.Add(packed.Encode(long{"some words"}))
	f.Add([]byte("z1 "))
	st, err := store.OpenSQLite("")
	if err != nil {
		f.Fatal(err)
	}
	s := state.New(st)
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := st.Write(new(store.Batch).Put("test.long", "a", text)).Wait(); err != nil {
			t.Fatal(err)
		}
		_, _ = state.Get[long](s, packed, "a") // it may be wrong, and does not panic
	})
}
