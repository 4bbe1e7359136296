package mark_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"flyball/internal/mark"
)

func open(t testing.TB, path string) (*mark.Book, int) {
	t.Helper()
	b, damaged, err := mark.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return b, damaged
}

func TestABookKeepsTheGreatestLengthOfEachFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lengths")
	b, _ := open(t, path)
	for i := range 100 {
		b.Note(fmt.Sprint("file-", i%10), int64(i))
	}
	b.Note("file-9", 5) // less than it had
	b.Forget("file-0")
	b.ForgetAll("file-1")
	b.Note("another", 7) // in a place that is free
	b.Close()
	b, damaged := open(t, path)
	defer b.Close()
	for name, want := range map[string]int64{"file-9": 99, "file-2": 92, "file-0": 0, "file-1": 0, "another": 7} {
		if got := b.Length(name); got != want {
			t.Errorf("the length of %s is %d, want %d", name, got, want)
		}
	}
	if damaged != 0 {
		t.Errorf("%d slots are damaged", damaged)
	}
	if got := b.Below("file-"); len(got) != 8 || got["9"] != 99 {
		t.Errorf("below a prefix are %v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 10*128 {
		t.Errorf("what was forgotten takes room: %v", info.Size())
	}
}

func TestEveryFlippedBitOfABookIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lengths")
	b, _ := open(t, path)
	b.Note("one", 1)
	b.Note("two", 2)
	b.Forget("one")
	b.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(whole) {
		content := append([]byte(nil), whole...)
		content[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		b, damaged, err := mark.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if damaged != 1 {
			t.Fatalf("bit %d: %d slots are damaged, and file two is %d long", bit, damaged, b.Length("two"))
		}
	}
}

func TestABookThatWasOnlyReadIsWrittenToAllTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lengths")
	b, _ := open(t, path)
	b.Note("one", 1)
	b.Close()
	r, _, err := mark.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	r.Forget("one")
	b, _ = open(t, path)
	defer b.Close()
	if got := b.Length("one"); got != 0 {
		t.Errorf("the length is %d after it was forgotten", got)
	}
}

func TestNoBookNotesNothing(t *testing.T) {
	var b *mark.Book
	b.Note("one", 1)
	b.Forget("one")
	b.ForgetAll("")
	if got := b.Length("one"); got != 0 || b.Close() != nil {
		t.Errorf("the length is %d", got)
	}
}

// Whatever is in a book, it is read, and what is noted in it then is there.
func FuzzBook(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 128))
	f.Add(make([]byte, 200))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "lengths")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		b, _ := open(t, path)
		b.Note("a file", 1<<40)
		b.Close()
		b, damaged := open(t, path)
		defer b.Close()
		if got := b.Length("a file"); got < 1<<40 || damaged > 0 {
			t.Errorf("the length is %d, and %d slots are damaged", got, damaged)
		}
	})
}
