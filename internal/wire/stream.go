package wire

import (
	"io"
	"net/http"
	"reflect"
)

// A blob that streams is an io.Reader of an input or an io.ReadCloser of an
// output. It is the whole body, unbuffered and as long as it likes; the other
// members travel beside it, where the protocol has a place for them.

var (
	readerType     = reflect.TypeFor[io.Reader]()
	readCloserType = reflect.TypeFor[io.ReadCloser]()
)

func isStream(t reflect.Type) bool { return t == readerType || t == readCloserType }

// noStream is the stream of a plan without one.
const noStream = -1

// streams reports whether a struct has a member that streams.
func (p *plan) streams() bool { return p.stream != noStream }

// streamOf returns the stream of an output, or nil.
func (p *plan) streamOf(out reflect.Value) io.ReadCloser {
	if !p.streams() {
		return nil
	}
	stream, _ := out.Field(p.stream).Interface().(io.ReadCloser)
	return stream
}

// dropStream closes a stream that is not sent.
func (x *exchange) dropStream() {
	if x.stream != nil {
		x.stream.Close()
		x.stream = nil
	}
}

// sendStream sends what an operation streams as it comes.
func (x *exchange) sendStream(w http.ResponseWriter) error {
	defer x.stream.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.WriteHeader(http.StatusOK)
	_, err := io.Copy(flushing{w, http.NewResponseController(w)}, x.stream)
	return err
}

// flushing sends each part when it is written.
type flushing struct {
	io.Writer
	controller *http.ResponseController
}

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.Writer.Write(b)
	if err == nil {
		err = f.controller.Flush()
	}
	return n, err
}
