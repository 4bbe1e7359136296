package docker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// A frame is what the engine keeps of a log at a time: a line or, of a line over
// 16 KiB, a part.
type frame struct {
	log     int
	at      int64  // nanoseconds since 1970
	text    []byte // without the newline
	partial bool   // the line goes on
}

// stream has the frames of a container's logs from a time on. It ends with the
// container, if it is followed, or when the engine ends it.
func (r *Runtime) stream(ctx context.Context, container string, since int64, follow bool) (<-chan frame, error) {
	opts := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: follow}
	if since > 0 {
		opts.Since = fmt.Sprintf("%d.%09d", since/int64(time.Second), since%int64(time.Second))
	}
	body, err := r.engine.ContainerLogs(ctx, container, opts)
	if err != nil {
		return nil, err
	}
	frames := make(chan frame)
	go func() {
		defer close(frames)
		defer body.Close()
		reader := bufio.NewReader(body)
		for {
			f, err := readFrame(reader)
			if err != nil {
				return // the reader finds out whether more is to come
			}
			select {
			case frames <- f:
			case <-ctx.Done():
				return
			}
		}
	}()
	return frames, nil
}

// mostFrame bounds what is taken for a frame. The engine cuts lines at 16 KiB.
const mostFrame = 1 << 20

// readFrame reads a frame as the engine sends it: the log in a byte, three bytes of
// nothing, the length in four, and the time before the text.
func readFrame(r io.Reader) (frame, error) {
	var header [8]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return frame{}, err
	}
	length := binary.BigEndian.Uint32(header[4:])
	log := int(header[0]) - int(stdcopy.Stdout)
	if log < 0 || log >= logsOfContainer || length > mostFrame {
		return frame{}, fmt.Errorf("a frame of stream %d with %d bytes", header[0], length)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return frame{}, err
	}
	stamp, text, ok := bytes.Cut(text, []byte{' '})
	if !ok {
		return frame{}, fmt.Errorf("a frame without a time: %q", stamp)
	}
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		return frame{}, err
	}
	line, ended := bytes.CutSuffix(text, []byte{'\n'})
	return frame{log: log, at: at.UnixNano(), text: line, partial: !ended}, nil
}
