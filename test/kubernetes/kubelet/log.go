package kubelet

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"sync"
	"time"
)

// A log is what a container has written, line by line with times, in a file.
type log struct {
	path string

	mu    sync.Mutex
	file  *os.File
	rest  []byte // of a line that has not ended
	ended bool
}

func (l *log) open() (io.Writer, error) {
	file, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file, l.ended = file, false
	return l, err
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte{'\n'})
		if !ok {
			return len(p), nil
		}
		if err := l.put(line); err != nil {
			return 0, err
		}
		l.rest = rest
	}
}

func (l *log) put(line []byte) error {
	_, err := l.file.Write(append(append([]byte(time.Now().UTC().Format(time.RFC3339Nano)+" "), line...), '\n'))
	return err
}

// end closes the log of a process that has ended.
func (l *log) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	if len(l.rest) > 0 {
		_ = l.put(l.rest) // the disk is full: the test will say what it misses
		l.rest = nil
	}
	_ = l.file.Close()
	l.file, l.ended = nil, true
}

// isOpen is whether a process writes to it.
func (l *log) isOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file != nil
}

// copy writes the lines since a time, with their times or without, and goes on with what
// comes as long as a process writes and ctx lasts, if it is to follow.
func (l *log) copy(ctx context.Context, w io.Writer, since time.Time, stamps, follow bool, flush func()) error {
	file, err := os.Open(l.path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	reader := bufio.NewReader(file)
	var line []byte
	for {
		open := l.isOpen() // before the read: what comes later is read next time
		part, err := reader.ReadBytes('\n')
		line = append(line, part...)
		if err == nil {
			stamp, text, _ := bytes.Cut(line, []byte{' '})
			at, err := time.Parse(time.RFC3339Nano, string(stamp))
			if err != nil {
				return err
			}
			if stamps {
				text = line
			}
			if !at.Before(since) {
				if _, err := w.Write(text); err != nil {
					return err
				}
			}
			line = line[:0]
			continue
		}
		flush()
		if err != io.EOF || !follow || !open {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}
