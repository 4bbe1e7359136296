package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	"flyball/internal/task"
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

// How often a followed log is looked at: the second and later times in a row without
// anything new at longer intervals, since a thousand logs may be followed.
const (
	followInterval     = 100 * time.Millisecond
	idleFollowInterval = time.Second
)

// readBytes is how much of a log is read at a time.
const readBytes = 64 << 10

// A logReader reads a log line by line. A position in it is one in the file.
type logReader struct {
	path  string
	file  *os.File // nil until the container has been started
	ended <-chan struct{}
	task.LogOptions

	offset int64  // of rest in the file
	rest   []byte // what was read and not returned yet
	buffer []byte // which rest is a part of; nil while there is nothing to read
	seen   int    // bytes of rest without a newline
	lost   bool   // something before rest was left out
	pace   *pace  // of a container that is held up; nil for none
}

// newLogReader returns a reader of a log to which nothing more is written once ended
// is closed.
func newLogReader(path string, ended <-chan struct{}, opts task.LogOptions) (*logReader, error) {
	r := &logReader{path: path, ended: ended, LogOptions: opts}
	if opts.Position == "" {
		return r, nil
	}
	offset, err := strconv.ParseInt(opts.Position, 10, 64)
	if err != nil || offset < 0 {
		return nil, fmt.Errorf("%q is not a position in a log", opts.Position)
	}
	r.offset = offset
	return r, nil
}

// readLog opens the container's log.
func (c *container) readLog(opts task.LogOptions) (task.Log, error) {
	r, err := newLogReader(c.logPath(), c.Ended, opts)
	if err != nil {
		return nil, err
	}
	if opts.Hold {
		r.pace = &c.pace
		r.pace.begin(r.offset, max(opts.Behind, 1))
	}
	return r, nil
}

// Position implements task.Log.
func (r *logReader) Position() string { return strconv.FormatInt(r.offset, 10) }

// Close implements task.Log.
func (r *logReader) Close() error {
	if r.pace != nil {
		r.pace.end()
	}
	r.letGo()
	return nil
}

// letGo closes the file until there is more in it: a thousand logs may be followed that
// nobody writes to.
func (r *logReader) letGo() {
	if r.file != nil {
		_ = r.file.Close() // which was only read
		r.file = nil
	}
}

// size is how long the log is.
func (r *logReader) size() (int64, error) {
	stat := func() (os.FileInfo, error) { return os.Stat(r.path) }
	if r.file != nil {
		stat = r.file.Stat
	}
	info, err := stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Next implements task.Log.
func (r *logReader) Next(ctx context.Context) (task.Line, error) {
	pause := followInterval
	for {
		if line, ok := r.cut(); ok {
			return line, nil
		}
		ended := r.ended != nil && isClosed(r.ended)
		n, err := r.fill()
		if err != nil {
			return task.Line{}, err
		}
		switch {
		case n > 0:
			continue
		case ended && len(r.rest) > 0:
			return r.take(len(r.rest), 0), nil
		case ended || !r.Follow:
			return task.Line{}, io.EOF
		}
		if len(r.rest) == 0 {
			r.rest, r.buffer = nil, nil
			r.letGo()
		}
		if err := r.pause(ctx, pause); err != nil {
			return task.Line{}, err
		}
		pause = min(2*pause, idleFollowInterval)
	}
}

// pause waits for the container to write, or to end.
func (r *logReader) pause(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ended:
	case <-timer.C:
	}
	return nil
}

// cut takes the next line off what was read, or a piece of one that is too long.
func (r *logReader) cut() (task.Line, bool) {
	if end := bytes.IndexByte(r.rest[r.seen:], '\n'); end >= 0 {
		if end += r.seen; end <= task.LineBytes {
			return r.take(end, 1), true
		}
	}
	r.seen = len(r.rest)
	if len(r.rest) <= task.LineBytes {
		return task.Line{}, false
	}
	line := r.take(task.LineBytes, 0)
	line.Partial = true
	return line, true
}

// take returns the next bytes, and leaves out some that follow them.
func (r *logReader) take(n, newline int) task.Line {
	line := task.Line{Text: r.rest[:n:n], Lost: r.lost}
	if r.lost {
		line.Start = r.Position()
	}
	r.rest = r.rest[n+newline:]
	r.offset += int64(n + newline)
	r.seen, r.lost = 0, false
	return line
}

// fill reads more of the file, and returns how much. It skips what was cut off and
// what the reader does not want because it is too far behind.
func (r *logReader) fill() (int, error) {
	size, err := r.size()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // the container has not been started
	}
	if err != nil {
		return 0, err
	}
	end := r.offset + int64(len(r.rest))
	if r.pace != nil {
		r.pace.at(r.offset, size)
	}
	if size == end {
		return 0, nil
	}
	if opened, err := r.open(); !opened {
		return 0, err
	}
	if size < end { // the file was emptied
		r.jump(0)
	} else if from := r.wanted(size); from > r.offset {
		r.jump(from)
	}
	r.makeRoom()
	n, err := r.file.ReadAt(r.buffer[len(r.rest):cap(r.buffer)], r.offset+int64(len(r.rest)))
	if err == io.EOF {
		err = nil // a short read is not the end
	}
	r.rest = r.buffer[:len(r.rest)+n]
	return n, err
}

// open opens the file, unless too many are open at this moment.
func (r *logReader) open() (opened bool, err error) {
	if r.file != nil {
		return true, nil
	}
	r.file, err = os.Open(r.path)
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return false, nil
	}
	return err == nil, err
}

// wanted is where the reader goes on in a file of a size: behind what was cut off, at
// the beginning of a line.
func (r *logReader) wanted(size int64) int64 {
	end := r.offset + int64(len(r.rest))
	from := nextData(r.file, end)
	if r.Behind > 0 && !r.Hold {
		from = max(from, size-r.Behind)
	}
	if from == end {
		return r.offset
	}
	line := make([]byte, 4096)
	n, _ := r.file.ReadAt(line, from-1)
	if end := bytes.IndexByte(line[:n], '\n'); end >= 0 {
		return from + int64(end)
	}
	return from
}

// jump goes on at another place of the file.
func (r *logReader) jump(offset int64) {
	r.lost = r.lost || r.offset > 0 || offset > 0
	r.offset, r.rest, r.seen = offset, nil, 0
}

// makeRoom moves what is left to the front of a buffer that has room for more.
func (r *logReader) makeRoom() {
	size := max(readBytes, cap(r.buffer))
	if len(r.rest) > size/2 {
		size *= 2
	}
	if size > cap(r.buffer) {
		old := r.rest
		r.buffer = make([]byte, size)
		copy(r.buffer, old)
	} else {
		copy(r.buffer[:cap(r.buffer)], r.rest)
	}
	r.buffer = r.buffer[:cap(r.buffer)]
	r.rest = r.buffer[:len(r.rest)]
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
