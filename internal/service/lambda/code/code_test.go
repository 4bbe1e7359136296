package code_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"flyball/internal/service/lambda/code"
)

// An entry is what is in a package.
type entry struct {
	name, content string
	mode          fs.FileMode
}

func pack(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		header.SetMode(e.mode)
		f, err := w.CreateHeader(header)
		if err == nil && e.mode.Type() != fs.ModeDir {
			_, err = f.Write([]byte(e.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openStore(t testing.TB, folder string) *code.Store {
	t.Helper()
	s, err := code.Open(folder, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *code.Store, zipped []byte) code.Reference {
	t.Helper()
	ref, release, err := s.Put(zipped)
	if err != nil {
		t.Fatal(err)
	}
	release()
	return ref
}

func read(t *testing.T, s *code.Store, ref code.Reference, name string) string {
	t.Helper()
	folder, err := s.Path(ref)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAPackageIsUnpacked(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077)) // functions run as another user than the server
	s := openStore(t, t.TempDir())
	ref := put(t, s, pack(t,
		entry{"bootstrap", "#!/bin/sh", 0o700}, entry{"lib/", "", fs.ModeDir | 0o755}, entry{"lib/a.txt", "a", 0o600},
		entry{"lib/b.txt", "a.txt", fs.ModeSymlink | 0o777}, entry{"deep/er/c.txt", "c", 0o644}, entry{"lib/a.txt", "again", 0o600},
	))
	for name, want := range map[string]string{"bootstrap": "#!/bin/sh", "lib/a.txt": "again", "lib/b.txt": "again", "deep/er/c.txt": "c"} {
		if got := read(t, s, ref, name); got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
	folder, _ := s.Path(ref)
	for name, want := range map[string]fs.FileMode{".": 0o755, "bootstrap": 0o755, "lib": 0o755, "lib/a.txt": 0o644, "deep/er": 0o755} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s is %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	if sum, err := base64.StdEncoding.DecodeString(ref.SHA256()); err != nil || fmt.Sprintf("%x", sum) != ref.Digest {
		t.Errorf("digest %s is told as %s", ref.Digest, ref.SHA256())
	}
}

func TestWhatIsNoPackageIsRefusedAndLeavesNothing(t *testing.T) {
	file := func(name string) []byte { return pack(t, entry{name, "x", 0o644}) }
	link := func(to string) []byte { return pack(t, entry{"a/link", to, fs.ModeSymlink | 0o777}) }
	broken := file("bootstrap")
	copy(broken[bytes.Index(broken, []byte("bootstrap"))+len("bootstrap"):], "\xff\xff")
	for name, tt := range map[string]struct {
		zipped []byte
		want   error
		text   string
	}{
		"no zip":                 {[]byte("code"), code.ErrNoZip, ""},
		"nothing":                {nil, code.ErrNoZip, ""},
		"an empty zip":           {pack(t), code.ErrEmpty, ""},
		"a broken file":          {broken, code.ErrNoZip, ""},
		"too many bytes":         {make([]byte, code.MaxZipped+1), code.ErrZipped, ""},
		"a bomb":                 {bomb(t, 1<<20, code.MaxUnzipped+1), code.ErrUnzipped, ""},
		"a bomb that lies":       {bomb(t, 1<<20, 10), code.ErrNoZip, ""},
		"a name that leads out":  {file("../x"), nil, "cannot be in a package"},
		"a name in between":      {file("a/../../x"), nil, "cannot be in a package"},
		"a whole path":           {file("/etc/x"), nil, "cannot be in a package"},
		"a link that leads out":  {link("../../x"), nil, "leads outside of the package"},
		"a link to a whole path": {link("/etc/passwd"), nil, "leads outside of the package"},
		"a link without an end":  {link(""), nil, "without a target"},
		"what is below a link":   {pack(t, entry{"a", ".", fs.ModeSymlink | 0o777}, entry{"a/b", "x", 0o644}), nil, "below that of a link"},
		"a file below a file":    {pack(t, entry{"a", "x", 0o644}, entry{"a/b", "x", 0o644}), nil, "cannot be unpacked"},
		"a device":               {pack(t, entry{"a", "", fs.ModeDevice | 0o644}), nil, "neither a file nor a folder nor a link"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			_, _, err := openStore(t, folder).Put(tt.zipped)
			switch {
			case tt.want != nil && !errors.Is(err, tt.want), err == nil:
				t.Errorf("got %v, want %v", err, tt.want)
			case tt.want == nil && (!errors.As(err, new(*code.Error)) || !strings.Contains(err.Error(), tt.text)):
				t.Errorf("got %v, want that it %s", err, tt.text)
			}
			if left, _ := os.ReadDir(folder); len(left) > 0 {
				t.Errorf("left is %v", left)
			}
		})
	}
}

// bomb is a package whose file has so many bytes of zeros, and says that it has so many.
func bomb(t *testing.T, has, says int) []byte {
	t.Helper()
	var packed, b bytes.Buffer
	deflate, err := flate.NewWriter(&packed, flate.BestCompression)
	if err == nil {
		_, err = deflate.Write(make([]byte, has))
	}
	if err = errors.Join(err, deflate.Close()); err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(&b)
	f, err := w.CreateRaw(&zip.FileHeader{
		Name: "zeros", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(make([]byte, has)),
		CompressedSize64: uint64(packed.Len()), UncompressedSize64: uint64(says),
	})
	if err == nil {
		_, err = f.Write(packed.Bytes())
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPackageStaysWhileItIsNamed(t *testing.T) {
	folder := t.TempDir()
	s := openStore(t, folder)
	zipped := pack(t, entry{"a", "x", 0o644})
	ref, release, err := s.Put(zipped)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	sweep := func() {
		t.Helper()
		if err := s.Sweep(func(digest string) bool { return named[digest] }); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	read(t, s, ref, "a") // nothing names it yet, but somebody will
	named[ref.Digest] = true
	release()
	sweep()
	read(t, s, ref, "a")
	delete(named, ref.Digest)
	sweep()
	if _, err := s.Path(ref); err == nil {
		t.Error("it stays when nothing names it")
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("left is %v", left)
	}
	if got := read(t, s, put(t, s, zipped), "a"); got != "x" {
		t.Errorf("put again it has %q", got)
	}
}

func TestAStartMendsWhatDidNotReachTheDisk(t *testing.T) {
	folder := t.TempDir()
	ref := put(t, openStore(t, folder), pack(t, entry{"a", "x", 0o644}, entry{"b", "y", 0o644}))
	tree := filepath.Join(folder, ref.Digest, "task")
	for name, harm := range map[string]func() error{
		"an empty file":  func() error { return os.Truncate(filepath.Join(tree, "a"), 0) },
		"a missing file": func() error { return os.Remove(filepath.Join(tree, "a")) },
		"no tree":        func() error { return os.RemoveAll(tree) },
		"an unfinished package": func() error {
			return os.Mkdir(filepath.Join(folder, "unfinished-1"), 0o700)
		},
	} {
		if err := harm(); err != nil {
			t.Fatal(err)
		}
		if got := read(t, openStore(t, folder), ref, "a"); got != "x" {
			t.Errorf("after %s it has %q", name, got)
		}
		if left, _ := os.ReadDir(folder); len(left) != 1 {
			t.Errorf("after %s there are %v", name, left)
		}
	}
}

func TestAFolderIsNamedByItsWholePath(t *testing.T) {
	folder := t.TempDir()
	ref, err := code.Folder(folder)
	if err != nil {
		t.Fatal(err)
	}
	s := openStore(t, t.TempDir())
	if path, err := s.Path(ref); err != nil || path != folder {
		t.Errorf("it is at %s, %v", path, err)
	}
	if ref.Same(ref) {
		t.Error("what is in a folder is taken for the same")
	}
	for _, path := range []string{"relative", "", filepath.Join(folder, "none")} {
		if _, err := code.Folder(path); !errors.As(err, new(*code.Error)) {
			t.Errorf("%q: got %v", path, err)
		}
	}
}

// Whatever is put, nothing is written outside of the store, and what is taken is there.
func FuzzPut(f *testing.F) {
	f.Add(pack(f, entry{"a", "x", 0o644}, entry{"b/c", "../a", fs.ModeSymlink | 0o777}))
	f.Add(pack(f, entry{"../x", "x", 0o644}))
	f.Add(pack(f, entry{"l", "..", fs.ModeSymlink | 0o777}, entry{"l/x", "x", 0o644}))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, zipped []byte) {
		outer := t.TempDir()
		s := openStore(t, filepath.Join(outer, "store"))
		ref, release, err := s.Put(zipped)
		if entries, _ := os.ReadDir(outer); len(entries) > 1 {
			t.Fatalf("there are %v", entries)
		}
		if err != nil {
			return
		}
		defer release()
		if _, err := openStore(t, filepath.Join(outer, "store")).Path(ref); err != nil {
			t.Fatal(err)
		}
	})
}
