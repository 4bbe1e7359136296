package image

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is how much memory a layer may ask its reader to keep. What the
// recommended settings of zstd need is 8 MiB.
const zstdWindow = 128 << 20

// readLayer has apply read the files of a layer as a tar stream, while it is
// fetched; heard is called when something has come. The error says if the layer is another than its digests say, wherever
// that shows; what apply has made of it is then worth nothing.
func readLayer(layer v1.Layer, described v1.Descriptor, diffID v1.Hash, heard func(), apply func(io.Reader) error) error {
	content, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	packed := &verified{from: content, hash: sha256.New(), size: described.Size, heard: heard}
	unpacked, err := decompress(packed)
	if err != nil {
		return err
	}
	defer unpacked.Close()
	files := &verified{from: unpacked, hash: sha256.New(), size: -1, heard: func() {}}
	if err := apply(files); err != nil {
		return err
	}
	if err := files.finish(diffID); err != nil {
		return fmt.Errorf("the files: %w", err)
	}
	return packed.finish(described.Digest)
}

// decompress finds out by the first bytes how a layer is packed: media types say
// less, and are wrong at times.
func decompress(r io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	magic, err := buffered.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(buffered)
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		decoder, err := zstd.NewReader(buffered, zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	}
	return io.NopCloser(buffered), nil
}

// verified reads something of which it is known what it should be.
type verified struct {
	from  io.Reader
	hash  hash.Hash
	size  int64 // what it should have; -1 if that is not known
	read  int64
	heard func() // is told when something has come
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.from.Read(p)
	v.read += int64(n)
	v.heard()
	v.hash.Write(p[:n])
	if v.size >= 0 && v.read > v.size {
		return 0, fmt.Errorf("a layer is longer than the %d bytes of its descriptor", v.size)
	}
	return n, err
}

// finish reads what is left and compares it all with its digest.
func (v *verified) finish(want v1.Hash) error {
	if _, err := io.Copy(io.Discard, v); err != nil {
		return err
	}
	if v.size >= 0 && v.read != v.size {
		return fmt.Errorf("a layer has %d bytes, and its descriptor says %d", v.read, v.size)
	}
	if got := fmt.Sprintf("%x", v.hash.Sum(nil)); want.Algorithm != "sha256" || got != want.Hex {
		return fmt.Errorf("the digest of a layer should be %s and is sha256:%s", want, got)
	}
	return nil
}
