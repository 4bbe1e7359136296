package logstore

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// A file is a row of frames:
//
//	magic | length of the head | length of the body | checksum of the head | checksum of the body | head | body
//
// The head's checksum covers the lengths, too. Frames are found again behind one that is
// damaged, by their magic.
const (
	magic     = "\xfbLg1"
	frameHead = 20
	maxHead   = 4 << 20
	maxBody   = 8 << 20
)

var (
	errFrame   = errors.New("not a frame")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// appendFrame appends a frame.
func appendFrame(b, head, body []byte) []byte {
	return append(appendFrameHead(b, head, body), body...)
}

// appendFrameHead appends what is before the body in a frame.
func appendFrameHead(b, head, body []byte) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(head)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	sum := crc32.Update(crc32.Checksum(b[start+4:], castagnoli), castagnoli, head)
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(body, castagnoli))
	return append(b, head...)
}

// frameAround makes a frame of a body that begins at an offset in b, with room for the rest
// of the frame before it, and returns it.
func frameAround(b []byte, body int, head []byte) []byte {
	frame := b[body-frameHead-len(head):]
	appendFrameHead(frame[:0], head, b[body:])
	return frame
}

// A frame is one that was found in a file.
type frame struct {
	head    []byte // valid until the next read
	body    int64  // where the body begins
	length  uint32 // of the body
	bodySum uint32
}

// end is where the next frame begins.
func (f frame) end() int64 { return f.body + int64(f.length) }

// readFrame reads the head of the frame at an offset. It returns io.EOF at the end of
// the file, and errFrame for what is not one, or not all of one.
func readFrame(w *window, at int64) (frame, error) {
	if at >= w.size {
		return frame{}, io.EOF
	}
	b, err := w.at(at, frameHead)
	if err != nil {
		return frame{}, err
	}
	head, body := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	if string(b[:4]) != magic || head > maxHead || body > maxBody || at+frameHead+int64(head)+int64(body) > w.size {
		return frame{}, errFrame
	}
	f := frame{body: at + frameHead + int64(head), length: body, bodySum: binary.LittleEndian.Uint32(b[16:])}
	want, lengths := binary.LittleEndian.Uint32(b[12:]), [8]byte(b[4:12])
	if f.head, err = w.at(at+frameHead, int(head)); err != nil {
		return frame{}, err
	}
	if crc32.Update(crc32.Checksum(lengths[:], castagnoli), castagnoli, f.head) != want {
		return frame{}, errFrame
	}
	return f, nil
}

// nextFrame is where the first whole frame at an offset or behind it begins, or the end
// of the file.
func nextFrame(w *window, at int64) (int64, error) {
	for ; at+frameHead <= w.size; at++ {
		b, err := w.at(at, 4)
		if err != nil {
			return 0, err
		}
		if string(b) != magic {
			continue
		}
		if _, err := readFrame(w, at); err == nil {
			return at, nil
		} else if !errors.Is(err, errFrame) {
			return 0, err
		}
	}
	return w.size, nil
}

// partialFrame tells whether the file ends before the frame does that begins at an offset.
func partialFrame(w *window, at int64) bool {
	b, err := w.at(at, frameHead)
	if err != nil {
		return true
	}
	return at+frameHead+int64(binary.LittleEndian.Uint32(b[4:]))+int64(binary.LittleEndian.Uint32(b[8:])) > w.size
}

// How much is read of a file at once, at the least: of blocks, and of the heads of frames
// alone.
const (
	readAhead = 64 << 10
	scanAhead = 4 << 10
)

// A window reads a file forward in large pieces.
type window struct {
	file  io.ReaderAt
	size  int64
	ahead int // how much to read at the least
	buf   []byte
	from  int64 // where buf begins in the file
}

// at returns bytes of the file, which are valid until the next call.
func (w *window) at(from int64, n int) ([]byte, error) {
	if from < 0 || from+int64(n) > w.size {
		return nil, errFrame
	}
	if from < w.from || from+int64(n) > w.from+int64(len(w.buf)) {
		want := int(min(int64(max(n, w.ahead)), w.size-from))
		if cap(w.buf) < want {
			w.buf = make([]byte, want)
		}
		w.buf, w.from = w.buf[:want], from
		if read, err := w.file.ReadAt(w.buf, from); read < want {
			w.buf = w.buf[:0]
			return nil, err
		}
	}
	return w.buf[from-w.from:][:n], nil
}

// frameSum is the checksum of a frame's body.
func frameSum(frame []byte) uint32 { return binary.LittleEndian.Uint32(frame[16:]) }
