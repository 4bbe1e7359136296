package state

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// A Packing keeps documents small that are written once and read seldom.
type Packing struct {
	words   []byte
	writers sync.Pool
}

// NewPacking returns a packing for documents that have words in common, the most frequent
// ones last. The words belong to the documents: with others these cannot be read.
func NewPacking(words string) *Packing { return &Packing{words: []byte(words)} }

// packLevel is one of compress/flate's: the lowest that uses the words.
const packLevel = 2

// mostUnpacked bounds a document, in bytes.
const mostUnpacked = 16 << 20

var errPacked = errors.New("the document cannot be unpacked")

// pack appends a packed text.
func (p *Packing) pack(b, text []byte) []byte {
	to := bytes.NewBuffer(b)
	w, _ := p.writers.Get().(*flate.Writer)
	if w == nil {
		w, _ = flate.NewWriterDict(to, packLevel, p.words) // the level is one that there is
	} else {
		w.Reset(to)
	}
	_, _ = w.Write(text) // a buffer takes everything
	_ = w.Close()
	p.writers.Put(w)
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
