package process

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"flyball/internal/task"
)

// A record is what is kept of a task for the server's next life.
type record struct {
	Spec       task.Spec
	Address    netip.Addr
	Boot       string            // the machine's boot, whose process ids these are
	Started    bool              // false while the containers are being started
	Group      map[string]string `json:",omitempty"` // where the host put it; see host
	Containers []containerRecord
}

type containerRecord struct {
	Process processID
	Exit    *task.Exit `json:",omitempty"` // once it has ended
}

// A processID tells a process from a later one with the same number.
type processID struct {
	PID   int
	Start uint64 // when it started, in the unit of startTime
}

func recordPath(dir string) string { return filepath.Join(dir, "task.json") }

// write replaces the record of a task in one step. The environment of the
// containers may hold secrets: only the owner reads it.
func (rec *record) write(dir string) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	next := recordPath(dir) + ".next"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return os.Rename(next, recordPath(dir))
}

func readRecord(dir string) (*record, error) {
	data, err := os.ReadFile(recordPath(dir))
	if err != nil {
		return nil, err
	}
	rec := new(record)
	if err := json.Unmarshal(data, rec); err != nil {
		return nil, fmt.Errorf("reading %s: %w", recordPath(dir), err)
	}
	if rec.Spec.ID != filepath.Base(dir) || len(rec.Containers) != len(rec.Spec.Containers) {
		return nil, fmt.Errorf("%s is not the record of a task", recordPath(dir))
	}
	return rec, nil
}
