package store

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
)

// BenchmarkVerify verifies 100,000 documents.
func BenchmarkVerify(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state")
	s, err := OpenSQLite(path)
	if err != nil {
		b.Fatal(err)
	}
	var batch Batch
	for i := range 100_000 {
		batch.Put("scheduler.schedule", fmt.Sprintf("123456789012/us-east-1/default/%06d", i), bytes.Repeat([]byte{byte(i)}, 600))
	}
	if err := s.Write(&batch).Wait(); err != nil {
		b.Fatal(err)
	}
	s.Close()
	s, err = OpenSQLite(path)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.Sound(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.scanned = coverage{}
		if err := s.verifyRest(); err != nil {
			b.Fatal(err)
		}
	}
}
