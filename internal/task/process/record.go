package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"flyball/internal/damage"
	"flyball/internal/task"
)

// A record is what is kept of a task for the server's next life.
type record struct {
	Spec       task.Spec
	Address    netip.Addr
	Network    string            `json:",omitempty"` // the kind of network that has the address
	Boot       string            // the machine's boot, whose process ids these are
	Started    bool              // false while the containers are being started
	Group      map[string]string `json:",omitempty"` // where the host put it; see host
	Containers []containerRecord

	ephemeral bool // of no use once the machine has gone down, even at first
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

// write replaces the record of a task in one step. While the task is being started
// the record is on disk when write returns, unless it is ephemeral. Later it tells of what is of no use when
// the machine has gone down, and a disk that is busy would hold the task back. The
// environment of the containers may hold secrets: only the owner reads it.
func (rec *record) write(dir string) error {
	durable := !rec.Started && !rec.ephemeral
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	next, err := os.OpenFile(recordPath(dir)+".next", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = next.Write(seal(data))
	if err == nil && durable {
		err = next.Sync()
	}
	if err := errors.Join(err, next.Close()); err != nil {
		return err
	}
	if err := os.Rename(next.Name(), recordPath(dir)); err != nil || !durable {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal has a line behind a record with its checksum.
func seal(data []byte) []byte {
	return fmt.Appendf(data, "\n%08x\n", crc32.Checksum(data, castagnoli))
}

// unseal is a record that is as it was written. One of an earlier release has no checksum.
func unseal(sealed []byte) (data []byte, ok bool) {
	data, _, found := bytes.Cut(sealed, []byte("\n"))
	return data, !found || bytes.Equal(sealed, seal(slices.Clip(data)))
}

func readRecord(dir string) (*record, error) {
	data, err := os.ReadFile(recordPath(dir))
	if err != nil {
		return nil, err
	}
	data, ok := unseal(data)
	if !ok {
		return nil, fmt.Errorf("%s is damaged: it does not have the checksum that was written with it", recordPath(dir))
	}
	rec := new(record)
	if err := json.Unmarshal(data, rec); err != nil {
		return nil, fmt.Errorf("reading %s: %w", recordPath(dir), err)
	}
	if rec.Spec.ID != filepath.Base(dir) || len(rec.Containers) != len(rec.Spec.Containers) || !rec.Address.IsValid() {
		return nil, fmt.Errorf("%s is not the record of a task", recordPath(dir))
	}
	if err := validate(rec.Spec); err != nil {
		return nil, fmt.Errorf("%s: %w", recordPath(dir), err)
	}
	return rec, nil
}

// Check looks at the records of tasks in a folder that no runtime has open. A runtime
// removes those that are damaged, and ends the processes that they are about.
func Check(dir string) (damage.Report, error) {
	r := damage.Report{Store: "tasks", Items: "records"}
	all, err := filepath.Glob(recordPath(filepath.Join(dir, "tasks", "*")))
	for _, path := range all {
		if _, err := readRecord(filepath.Dir(path)); err != nil {
			r.Found = append(r.Found, damage.Finding{File: path, Where: err.Error(), Repair: func(aside string) (string, error) {
				name := filepath.Base(filepath.Dir(path))
				return "the task is ended by the next start, and its service starts another", os.Rename(path, filepath.Join(aside, name+".json"))
			}})
			continue
		}
		r.Sound++
	}
	return r, err
}
