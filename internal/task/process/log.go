package process

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// A container writes straight into its log file, so that it can go on writing
// when the server has died. The file is bounded from outside: its oldest part
// is given back to the file system, as a hole, while the positions of the rest
// stay as they are for the writer and the readers.

// openLog opens a log for a container to write to.
func openLog(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
}

// logBlock is how much of a log is cut off at least, and the alignment of cuts.
const logBlock = 1 << 20

// boundLog cuts the oldest part off a log that is longer than limit by logBlock.
// Where the file system knows no holes it empties the file.
func boundLog(path string, limit int64) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() <= limit+logBlock {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()

	cut := (info.Size() - limit) / logBlock * logBlock
	if nextData(file, 0) >= cut {
		return nil // cut before, and it has hardly grown since
	}
	if err := punchHole(file, cut); errors.Is(err, errors.ErrUnsupported) {
		return file.Truncate(0)
	} else {
		return err
	}
}

// followInterval is how often a followed log is looked at.
const followInterval = 100 * time.Millisecond

// A logReader reads a log from its oldest line on.
type logReader struct {
	file   *os.File
	offset int64
	ended  <-chan struct{} // closed when nothing more will be written; nil: read what is there
	ctx    context.Context
	cancel context.CancelFunc
	once   sync.Once
}

// readLog returns what a container has written. With ended it follows the log
// until ended is closed.
func readLog(ctx context.Context, path string, ended <-chan struct{}) (io.ReadCloser, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(bytes.NewReader(nil)), nil // not started yet
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &logReader{file: file, ended: ended, ctx: ctx, cancel: cancel}
	r.skipHole()
	return r, nil
}

func (r *logReader) Read(p []byte) (int, error) {
	for {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		over := r.ended == nil || isClosed(r.ended)
		r.skipHole()
		n, err := r.file.ReadAt(p, r.offset)
		r.offset += int64(n)
		if n > 0 {
			return n, nil // a short read is not the end
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
		if over {
			return 0, io.EOF
		}
		select {
		case <-r.ctx.Done():
		case <-r.ended:
		case <-time.After(followInterval):
		}
	}
}

// skipHole goes on behind what was cut off, at the beginning of a line.
func (r *logReader) skipHole() {
	if info, err := r.file.Stat(); err == nil && info.Size() < r.offset {
		r.offset = 0 // the file was emptied
	}
	data := nextData(r.file, r.offset)
	if data == r.offset {
		return
	}
	r.offset = data
	line := make([]byte, 4096)
	n, _ := r.file.ReadAt(line, r.offset)
	if end := bytes.IndexByte(line[:n], '\n'); end >= 0 {
		r.offset += int64(end) + 1
	}
}

func (r *logReader) Close() error {
	r.cancel()
	err := error(nil)
	r.once.Do(func() { err = r.file.Close() })
	return err
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
