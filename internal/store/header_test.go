package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flyball/internal/damage"
	"flyball/internal/store"
)

// A flipped bit in the header of the database is told as damage, and as nothing else: not as the
// format of a later release, nor as a file that cannot be written. A repair keeps all documents.
func TestAFlippedBitInTheHeaderIsDamage(t *testing.T) {
	folder, documents := filled(t, true)
	for _, at := range []int{18, 19, 47, 59, 60, 63, 71} { // versions, schema, texts, formats
		for _, bit := range []int{0, 2} {
			t.Run(fmt.Sprintf("bit %d of byte %d", bit, at), func(t *testing.T) {
				copied := t.TempDir()
				if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(copied, "state")
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				content[at] ^= 1 << bit
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				st, err := store.OpenSQLite(path)
				if err == nil { // SQLite has made sense of it
					if err := st.Doubt(); err == nil || !strings.Contains(err.Error(), "flyball check DIR --repair") {
						t.Errorf("it is told that %v", err)
					}
					if err := errors.Join(st.Sound(), st.Close()); err != nil {
						t.Error(err)
					}
				} else if !errors.As(err, new(*damage.Error)) || !strings.Contains(err.Error(), "flyball restore") {
					t.Errorf("it is told that %v", err)
				}
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				r := check(t, path)
				if len(r.Found) == 0 {
					t.Error("a check finds nothing")
				}
				if got := repaired(t, path, r); got != documents {
					t.Errorf("%d documents are left of %d", got, documents)
				}
			})
		}
	}
}
