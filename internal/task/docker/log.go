package docker

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/containerd/errdefs"

	"flyball/internal/task"
)

// A container has two logs, one of what it writes to standard output and one of
// standard error, which the engine sends in one. In each of them times never go
// back; between the two they may, by as long as it takes the engine to write a line.
const logsOfContainer = 2

// betweenLogs is more than a line of one log is ever written later than one of the
// other log that has a later time.
const betweenLogs = 10 * time.Second

// A position is a place in both logs. Marks count frames; the engine can begin at a nanosecond.
type position [logsOfContainer]task.Mark

func (p position) String() string {
	return fmt.Sprintf("%d.%d,%d.%d", p[0].At, p[0].N, p[1].At, p[1].N)
}

func parsePosition(text string) (p position, err error) {
	if text == "" {
		return p, nil
	}
	if _, err := fmt.Sscanf(text, "%d.%d,%d.%d", &p[0].At, &p[0].N, &p[1].At, &p[1].N); err != nil {
		return p, fmt.Errorf("%q is not a position in a log: %w", text, err)
	}
	return p, nil
}

// since is the time of the first frame that may be behind the position.
func (p position) since() int64 { return min(p[0].At, p[1].At) }

// pass moves a position behind a line of one of the logs. The other log may have been
// silent for long: it is not to be read again from where it was.
func (p *position) pass(log int, to task.Mark) {
	p[log] = to
	if other, past := &p[1-log], to.At-int64(betweenLogs); other.At < past {
		*other = task.Mark{At: past}
	}
}

// A logReader reads a container's log line by line.
type logReader struct {
	task *Task
	of   *member
	task.LogOptions
	life  context.Context // ends with Close
	close func()

	frames <-chan frame // of the stream that is open; nil when there is none
	whole  bool         // the container had ended when it was opened
	last   bool         // no other one will follow
	seen   position     // behind the last frame of the stream
	read   position     // behind the last line that Next has returned
	parts  [logsOfContainer][]byte
	held   *frame // for which its line had no room
}

// Logs opens what a container has written. What is behind LogOptions.Behind is not
// left out: the engine itself keeps so much and no more.
func (t *Task) Logs(_ context.Context, name string, opts task.LogOptions) (task.Log, error) {
	for _, c := range t.containers {
		if name == "" || c.spec.Name == name {
			return newLogReader(t, c, opts)
		}
	}
	return nil, fmt.Errorf("task %s has no container %s", t.spec.ID, name)
}

func newLogReader(t *Task, c *member, opts task.LogOptions) (*logReader, error) {
	read, err := parsePosition(opts.Position)
	if err != nil {
		return nil, err
	}
	r := &logReader{task: t, of: c, LogOptions: opts, read: read}
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
	if f := r.held; f != nil {
		r.held = nil
		if line, ok := r.join(*f); ok {
			return line, nil
		}
	}
	for {
		if r.frames == nil {
			if err := r.open(ctx); err != nil {
				return task.Line{}, err
			}
		}
		select {
		case <-ctx.Done():
			return task.Line{}, ctx.Err()
		case f, more := <-r.frames:
			if more {
				if line, ok := r.add(f); ok {
					return line, nil
				}
				continue
			}
		}
		if line, ok := r.rest(); ok {
			return line, nil
		}
		if r.last {
			return task.Line{}, io.EOF
		}
		r.frames = nil
		if err := r.pause(ctx); err != nil {
			return task.Line{}, err
		}
	}
}

// reopenAfter is how long a container may take to end after its log has. It is also
// how long an engine has that is starting again.
const reopenAfter = time.Second

// pause waits for the container to end, since its log has, or for the engine.
func (r *logReader) pause(ctx context.Context) error {
	timer := time.NewTimer(reopenAfter)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.of.Ended:
	case <-timer.C:
	}
	return nil
}

// open opens a stream of what is behind the position. Of a container that has not
// been made there is none before it has been started, or never.
func (r *logReader) open(ctx context.Context) error {
	for {
		if r.Follow {
			select {
			case <-r.of.Started:
			case <-r.of.Ended:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		r.whole = r.of.hasEnded()
		r.last = r.whole || !r.Follow
		if !isClosed(r.of.Started) || r.of.id == "" {
			return io.EOF
		}
		frames, err := r.task.runtime.stream(r.life, r.of.id, r.read.since(), !r.last)
		switch {
		case err == nil:
			r.frames, r.seen, r.parts = frames, position{}, [logsOfContainer][]byte{}
			return nil
		case errdefs.IsNotFound(err):
			return io.EOF
		case !r.Follow:
			return fmt.Errorf("reading the log of container %s: %w", r.of.spec.Name, err)
		}
		if err := r.pause(ctx); err != nil {
			return err
		}
	}
}

// add takes a frame, and returns the line that it ends, or the piece of a line that
// has no room for it any more.
func (r *logReader) add(f frame) (task.Line, bool) {
	before := r.seen[f.log]
	r.seen[f.log] = before.Next(f.at)
	if r.read[f.log].Covers(r.seen[f.log]) {
		return task.Line{}, false
	}
	if part := r.parts[f.log]; len(part) > 0 && len(part)+len(f.text) > task.LineBytes {
		r.parts[f.log] = nil
		r.held = &f
		r.read.pass(f.log, before)
		return task.Line{Text: part, Partial: true, At: time.Unix(0, f.at)}, true
	}
	return r.join(f)
}

// join returns the line that a frame ends.
func (r *logReader) join(f frame) (task.Line, bool) {
	if part := r.parts[f.log]; len(part) > 0 {
		f.text = append(part, f.text...)
	}
	if f.partial {
		r.parts[f.log] = f.text
		return task.Line{}, false
	}
	r.parts[f.log] = nil
	r.read.pass(f.log, r.seen[f.log])
	return task.Line{Text: f.text, At: time.Unix(0, f.at)}, true
}

// rest returns a line that the container has not ended before it ended itself.
func (r *logReader) rest() (task.Line, bool) {
	if !r.whole {
		return task.Line{}, false
	}
	for log, part := range r.parts {
		if len(part) > 0 {
			r.parts[log] = nil
			r.read.pass(log, r.seen[log])
			return task.Line{Text: part, At: time.Unix(0, r.seen[log].At)}, true
		}
	}
	return task.Line{}, false
}
