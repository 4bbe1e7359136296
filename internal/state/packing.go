package state

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/flate"
)

// A Packing keeps documents small that are written once and read seldom.
type Packing struct{ words []byte }

// NewPacking returns a packing for documents that have words in common, the most frequent
// ones last. The words belong to the documents: with others these cannot be read.
func NewPacking(words string) *Packing { return &Packing{[]byte(words)} }

// mostUnpacked bounds a document, in bytes.
const mostUnpacked = 16 << 20

var errPacked = errors.New("the document cannot be unpacked")

// pack appends a packed text. A document is short: what a compressor with tables of its own would
// save of it is less than what clearing them takes.
func (p *Packing) pack(b, text []byte) []byte {
	to := bytes.NewBuffer(b)
	_ = flate.StatelessDeflate(to, text, true, p.words) // a buffer takes everything
	return to.Bytes()
}

func (p *Packing) unpack(b []byte) ([]byte, error) {
	if p == nil {
		return nil, errPacked
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(bytes.NewReader(b), p.words), mostUnpacked+1))
	if err != nil || len(text) > mostUnpacked {
		return nil, errPacked
	}
	return text, nil
}
