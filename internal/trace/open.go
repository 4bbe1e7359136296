package trace

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxZipped bounds a zip archive, which is held in memory.
const maxZipped = 1 << 30

// Open opens a file to read, or stdin if path is "-". What begins as gzip or zip is unpacked,
// whatever the file is called; a byte order mark is passed over.
func Open(path string, stdin io.Reader) (io.ReadCloser, error) {
	file := io.NopCloser(stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			f.Close()
			return nil, fmt.Errorf("%s is a folder; name a file in it", path)
		}
		file = f
	}
	text, err := unpack(bufio.NewReaderSize(file, 1<<16))
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return opened{text, file}, nil
}

type opened struct {
	io.Reader
	io.Closer
}

// unpack reads what a file holds.
func unpack(plain *bufio.Reader) (io.Reader, error) {
	magic, _ := plain.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		unzip, err := gzip.NewReader(plain)
		if err != nil {
			return nil, err
		}
		return plainText(bufio.NewReaderSize(unzip, 1<<16))
	case bytes.Equal(magic, []byte("PK\x03\x04")):
		return unpackArchive(plain)
	}
	return plainText(plain)
}

// unpackArchive reads the one file of a zip archive.
func unpackArchive(r io.Reader) (io.Reader, error) {
	packed, err := io.ReadAll(io.LimitReader(r, maxZipped+1))
	if err != nil {
		return nil, err
	}
	if len(packed) > maxZipped {
		return nil, fmt.Errorf("the archive is larger than %d bytes; unpack it first", maxZipped)
	}
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, err
	}
	var files []*zip.File
	for _, f := range archive.File {
		// Archives of macOS carry a shadow of each file.
		if !f.FileInfo().IsDir() && !strings.HasPrefix(f.Name, "__MACOSX/") {
			files = append(files, f)
		}
	}
	if len(files) != 1 {
		return nil, fmt.Errorf("the archive holds %d files; unpack it, and name the one to read", len(files))
	}
	f, err := files[0].Open()
	if err != nil {
		return nil, err
	}
	return plainText(bufio.NewReaderSize(f, 1<<16))
}

// plainText passes over the mark that spreadsheets put before UTF-8, and refuses what is not text.
func plainText(r *bufio.Reader) (io.Reader, error) {
	begin, _ := r.Peek(4096)
	switch {
	case bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")):
		return nil, fmt.Errorf("the text is UTF-16; save it as UTF-8")
	case bytes.IndexByte(begin, 0) >= 0:
		return nil, fmt.Errorf("this is not text; save a spreadsheet as CSV")
	case bytes.HasPrefix(begin, []byte("\ufeff")):
		_, _ = r.Discard(len("\ufeff"))
	}
	return r, nil
}
