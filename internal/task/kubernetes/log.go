package kubernetes

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"flyball/internal/task"
)

// A position is a place in a log: a mark, or so many bytes into the line behind it. The kubelet can begin at a second.
type position struct {
	task.Mark
	into int
}

func (p position) String() string { return fmt.Sprintf("%d.%d.%d", p.At, p.N, p.into) }

func parsePosition(text string) (p position, err error) {
	if text == "" {
		return p, nil
	}
	if _, err := fmt.Sscanf(text, "%d.%d.%d", &p.At, &p.N, &p.into); err != nil {
		return p, fmt.Errorf("%q is not a position in a log: %w", text, err)
	}
	return p, nil
}

// A logReader reads a container's log line by line.
type logReader struct {
	task      *Task
	container string
	follow    bool
	life      context.Context // ends with Close
	close     func()

	pieces <-chan piece // of the stream that is open; nil when there is none
	last   bool         // no other one will follow
	seen   task.Mark    // behind the last line of the stream
	read   position     // behind what Next has returned last
}

// Logs opens what a container has written. The kubelet keeps it as long as there is the pod;
// what is behind LogOptions.Behind is not left out.
func (t *Task) Logs(_ context.Context, name string, o task.LogOptions) (task.Log, error) {
	i := 0
	if name != "" {
		if i = slices.IndexFunc(t.spec.Containers, func(c task.Container) bool { return c.Name == name }); i < 0 {
			return nil, fmt.Errorf("task %s has no container %s", t.spec.ID, name)
		}
	}
	read, err := parsePosition(o.Position)
	if err != nil {
		return nil, err
	}
	r := &logReader{task: t, container: t.spec.Containers[i].Name, follow: o.Follow, read: read}
	r.life, r.close = context.WithCancel(context.Background())
	return r, nil
}

// Position implements task.Log.
func (r *logReader) Position() string { return r.read.String() }

// Close implements task.Log.
func (r *logReader) Close() error {
	r.close()
	return nil
}

// Next implements task.Log.
func (r *logReader) Next(ctx context.Context) (task.Line, error) {
	for {
		if r.pieces == nil {
			if err := r.open(ctx); err != nil {
				return task.Line{}, err
			}
		}
		select {
		case <-ctx.Done():
			return task.Line{}, ctx.Err()
		case p, more := <-r.pieces:
			if more && p.err == nil {
				if line, ok := r.add(p); ok {
					return line, nil
				}
				continue
			}
			r.pieces = nil
			if more && (!r.last || passes(p.err)) {
				r.last = false // the stream broke: what is behind it is still to come
				if !r.follow {
					return task.Line{}, fmt.Errorf("reading the log of container %s: %w", r.container, p.err)
				}
			}
			if r.last {
				return task.Line{}, io.EOF
			}
		}
		if err := r.pause(ctx); err != nil {
			return task.Line{}, err
		}
	}
}

// add takes a piece of the stream, and returns what is new of it.
func (r *logReader) add(p piece) (task.Line, bool) {
	line := r.seen.Next(p.at)
	if !p.partial {
		r.seen = line
	}
	if r.read.Covers(line) {
		return task.Line{}, false
	}
	before := position{Mark: task.Mark{At: line.At, N: line.N - 1}}
	if r.read.Mark == before.Mark && p.from < r.read.into {
		return task.Line{}, false // pieces have one length
	}
	r.read = position{Mark: line}
	if p.partial {
		before.into = p.from + len(p.text)
		r.read = before
	}
	return task.Line{Text: p.text, Partial: p.partial, At: time.Unix(0, p.at)}, true
}

// reopenAfter is how long a container may take to have ended after its log has, and how
// often an API server that is away is asked.
const reopenAfter = time.Second

// pause waits for the container to end, since its log has, or for the API server.
func (r *logReader) pause(ctx context.Context) error {
	timer := time.NewTimer(reopenAfter)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// open opens a stream of what is behind the position, once there is one.
func (r *logReader) open(ctx context.Context) error {
	for {
		state, news := r.task.stateOf(r.container)
		switch {
		case state == waiting && !r.follow, state == lost:
			return io.EOF
		case state == waiting:
			select {
			case <-news:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		r.last = state == over || !r.follow
		stream, err := r.task.stream(r.life, r.container, r.read.At, !r.last)
		switch {
		case err == nil:
			r.pieces, r.seen = cut(r.life, stream), task.Mark{}
			return nil
		case apierrors.IsNotFound(err):
			return io.EOF // the pod is gone, and its logs
		case !r.follow:
			return fmt.Errorf("reading the log of container %s: %w", r.container, err)
		}
		if err := r.pause(ctx); err != nil {
			return err
		}
	}
}

// A state is how far a container has come, as its log goes.
type state int

const (
	waiting state = iota // it has not been started
	going
	over // it has ended, and its log is whole
	lost // it never ran
)

// stateOf is a container's state, and what is closed when there is more to tell.
func (t *Task) stateOf(container string) (state, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := statusesOf(t.pod)[container]
	switch {
	case s.State.Terminated != nil:
		return over, t.news
	case s.State.Running != nil && !t.gone:
		return going, t.news
	case s.State.Running != nil:
		return over, t.news
	case t.ended:
		return lost, t.news
	}
	return waiting, t.news
}

// stream opens the kubelet's log of a container, from the second of a time on.
func (t *Task) stream(ctx context.Context, container string, since int64, follow bool) (io.ReadCloser, error) {
	o := &corev1.PodLogOptions{Container: container, Timestamps: true, Follow: follow}
	if since > 0 {
		from := metav1.NewTime(time.Unix(0, since).Truncate(time.Second))
		o.SinceTime = &from
	}
	return t.runtime.options.Client.CoreV1().Pods(t.runtime.options.Namespace).GetLogs(t.name, o).Stream(ctx)
}

// A piece is a line of a log, or a part of a long one, or why there is no more.
type piece struct {
	at      int64 // nanoseconds since 1970
	text    []byte
	from    int  // where in the line it begins
	partial bool // the line goes on
	err     error
}

// cut makes pieces of a stream until it ends or ctx does.
func cut(ctx context.Context, stream io.ReadCloser) <-chan piece {
	pieces := make(chan piece)
	send := func(p piece) bool {
		select {
		case pieces <- p:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		defer close(pieces)
		defer stream.Close()
		lines := bufio.NewReaderSize(stream, task.LineBytes)
		for {
			at, err := readTime(lines)
			for from, more := 0, true; err == nil && more; {
				var text []byte
				text, err = lines.ReadSlice('\n')
				more = errors.Is(err, bufio.ErrBufferFull)
				if more || err == io.EOF && len(text) > 0 {
					err = nil
				}
				if err == nil && !send(piece{at: at, text: bytes.TrimSuffix(bytes.Clone(text), []byte{'\n'}), from: from, partial: more}) {
					return
				}
				from += len(text)
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				send(piece{err: err})
				return
			}
		}
	}()
	return pieces
}

// readTime reads the time before a line.
func readTime(lines *bufio.Reader) (int64, error) {
	stamp, err := lines.ReadSlice(' ')
	if err != nil {
		if err == io.EOF && len(stamp) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return 0, err
	}
	at, err := time.Parse(time.RFC3339Nano, string(bytes.TrimSuffix(stamp, []byte{' '})))
	return at.UnixNano(), err
}
