package standalone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"flyball/internal/control"
)

// An audit log has a line of JSON for each record. Whoever moves the file away finds the next
// record in a new one.
type audit struct {
	path string // "": there is none
	log  *slog.Logger

	mu     sync.Mutex
	file   *os.File
	failed bool // it was told
}

func openAudit(path string, log *slog.Logger) (*audit, error) {
	a := &audit{path: path, log: log}
	if path == "" {
		return a, nil
	}
	if err := a.open(); err != nil {
		return nil, fmt.Errorf("open the audit log: %w; --audit names another", err)
	}
	return a, nil
}

func (a *audit) open() (err error) {
	if a.file, err = os.OpenFile(a.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err = a.mend(); err != nil {
		a.file.Close()
		a.file = nil
	}
	return err
}

// longestTorn is how long the end of a line may be that is looked for.
const longestTorn = 1 << 20

// mend cuts off a line that has no end, as a crash or a full disk leaves one: the next would continue it.
func (a *audit) mend() error {
	info, err := a.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	from := max(0, info.Size()-longestTorn)
	end := make([]byte, info.Size()-from)
	if _, err := a.file.ReadAt(end, from); err != nil {
		return err
	}
	whole := bytes.LastIndexByte(end, '\n') + 1
	if whole == len(end) || whole == 0 && from > 0 {
		return nil
	}
	return a.file.Truncate(from + int64(whole))
}

// write adds a record.
func (a *audit) write(r control.Record) {
	if a.path == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.add(r)
	if err != nil && !a.failed {
		a.log.Error("the audit log cannot be written; what is decided is told in the log alone", "file", a.path, "error", err)
	}
	a.failed = err != nil
}

func (a *audit) add(r control.Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if a.moved() {
		a.file.Close()
		a.file = nil
	}
	if a.file == nil {
		if err := a.open(); err != nil {
			return err
		}
	}
	n, err := a.file.Write(append(line, '\n'))
	if err != nil && n > 0 {
		err = errors.Join(err, a.mend())
	}
	return err
}

// moved reports whether the file is not the one at its path any more.
func (a *audit) moved() bool {
	if a.file == nil {
		return false
	}
	at, err := os.Stat(a.path)
	if err != nil {
		return true
	}
	is, err := a.file.Stat()
	return err != nil || !os.SameFile(at, is)
}

func (a *audit) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file != nil {
		a.file.Close()
		a.file = nil
	}
}
