package trace

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
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
			return nil, errBroken(err)
		}
		return plainText(bufio.NewReaderSize(packed{unzip}, 1<<16))
	case bytes.Equal(magic, []byte("PK\x03\x04")):
		return unpackArchive(plain)
	}
	return plainText(plain)
}

// packed is what was packed, and may be broken.
type packed struct{ io.Reader }

// Read says what it means that something cannot be unpacked.
func (p packed) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err != nil && err != io.EOF {
		err = errBroken(err)
	}
	return n, err
}

// errBroken refuses what cannot be unpacked.
func errBroken(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the packed file ends before its end; copy it again")
	}
	return fmt.Errorf("the packed file is broken (%w); copy it again", err)
}

// unpackArchive reads the one file of a zip archive.
func unpackArchive(r io.Reader) (io.Reader, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxZipped+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxZipped {
		return nil, fmt.Errorf("the archive is larger than %d bytes; unpack it first", maxZipped)
	}
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, errBroken(err)
	}
	var files []*zip.File
	for _, f := range archive.File {
		if f.Name == "[Content_Types].xml" || f.Name == "META-INF/manifest.xml" {
			return nil, errors.New("this is a spreadsheet; save it as CSV")
		}
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
	return plainText(bufio.NewReaderSize(packed{f}, 1<<16))
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
	if bytes.IndexByte(begin, '\r') >= 0 && bytes.IndexByte(begin, '\n') < 0 {
		return returns{r}, nil
	}
	return r, nil
}

// returns is text whose lines end with a carriage return alone, as old spreadsheets write them.
type returns struct{ io.Reader }

// Read has lines end as they do elsewhere.
func (t returns) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	for i, c := range b[:n] {
		if c == '\r' {
			b[i] = '\n'
		}
	}
	return n, err
}
