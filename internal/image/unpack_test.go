//go:build linux

package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"flyball/internal/image/imagetest"
)

type entry = imagetest.Entry

// unpacked applies layers to a directory, and returns it with the first error.
func unpacked(t testing.TB, limits Limits, layers ...[]byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	u, err := newUnpacker(dir, limits.orDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer u.close()
	for _, layer := range layers {
		if err := u.apply(bytes.NewReader(layer)); err != nil {
			return dir, err
		}
	}
	return dir, nil
}

// listing is what is in a directory: names, with what regular files have and links lead
// to.
func listing(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		switch {
		case err != nil || name == ".":
			return err
		case e.IsDir():
			found = append(found, name+"/")
		case e.Type().IsRegular():
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found = append(found, name+"="+string(text))
		case e.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			found = append(found, name+"->"+target)
		default:
			found = append(found, name+" "+e.Type().String())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func special(name string, kind byte) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: kind, Mode: 0o666, Devmajor: 1, Devminor: 3}}
}

func TestLayersAreAppliedInTheirOrder(t *testing.T) {
	file, dir, symlink, link := imagetest.File, imagetest.Dir, imagetest.Symlink, imagetest.Link
	for _, tt := range []struct {
		name   string
		layers [][]entry
		want   []string
	}{
		{"nothing", [][]entry{{}, {}}, nil},
		{"directories that no entry is of are made", [][]entry{{file("a/b/c", "1")}}, []string{"a/", "a/b/", "a/b/c=1"}},
		{"names with dots and slashes", [][]entry{{dir("./"), file("./a", "1"), file("/b", "2"), file("c/../d", "3"), dir("e/")}},
			[]string{"a=1", "b=2", "d=3", "e/"}},
		{"a later file replaces", [][]entry{{file("a", "1")}, {file("a", "2")}}, []string{"a=2"}},
		{"a name twice in a layer", [][]entry{{file("a", "1"), file("a", "2")}}, []string{"a=2"}},
		{"a file replaces a directory", [][]entry{{file("a/b", "1")}, {file("a", "2")}}, []string{"a=2"}},
		{"a directory replaces a file", [][]entry{{file("a", "1")}, {dir("a"), file("a/b", "2")}}, []string{"a/", "a/b=2"}},
		{"a directory replaces a link to one", [][]entry{{dir("a"), symlink("b", "a")}, {dir("b"), file("b/c", "1")}}, []string{"a/", "b/", "b/c=1"}},
		{"a directory keeps what is in it", [][]entry{{file("a/b", "1")}, {dir("a")}}, []string{"a/", "a/b=1"}},
		{"names that differ in case", [][]entry{{file("a", "1"), file("A", "2")}}, []string{"A=2", "a=1"}},
		{"names that are no UTF-8", [][]entry{{file("a\xff\xfe", "1")}}, []string{"a\xff\xfe=1"}},

		{"a whiteout", [][]entry{{file("a", "1"), file("b/c", "2"), file("d", "3")}, {file(".wh.a", ""), file(".wh.b", "")}}, []string{"d=3"}},
		{"a whiteout of nothing", [][]entry{{file("a", "1")}, {file(".wh.b", ""), file("c/.wh.d", "")}}, []string{"a=1"}},
		{"a whiteout is not for its own layer", [][]entry{{file("a/b", "1"), file("a/c", "2")}, {file("a/b", "3"), file(".wh.a", "")}},
			[]string{"a/", "a/b=3"}},
		{"an opaque directory", [][]entry{{file("a/b", "1"), file("a/c/d", "2")}, {dir("a"), file("a/.wh..wh..opq", ""), file("a/e", "3")}},
			[]string{"a/", "a/e=3"}},
		{"an opaque directory said last", [][]entry{{file("a/b", "1"), file("a/c/d", "2")}, {file("a/c/e", "3"), file("a/.wh..wh..opq", "")}},
			[]string{"a/", "a/c/", "a/c/e=3"}},
		{"an opaque root", [][]entry{{file("a", "1"), dir("b")}, {file(".wh..wh..opq", ""), file("c", "2")}}, []string{"c=2"}},
		{"what AUFS kept", [][]entry{{file(".wh..wh.aufs", ""), dir(".wh..wh.plnk"), file("a", "1")}}, []string{"a=1"}},
		{"a whiteout of a link leaves what it leads to", [][]entry{{file("a/b", "1"), symlink("c", "a")}, {file(".wh.c", "")}}, []string{"a/", "a/b=1"}},

		{"links as they are", [][]entry{{symlink("a", "/etc/passwd"), symlink("b", "../../../etc"), symlink("c", "c")}},
			[]string{"a->/etc/passwd", "b->../../../etc", "c->c"}},
		{"an entry behind a link", [][]entry{{dir("usr/bin"), symlink("bin", "usr/bin")}, {file("bin/a", "1")}},
			[]string{"bin->usr/bin", "usr/", "usr/bin/", "usr/bin/a=1"}},
		{"an entry behind an absolute link", [][]entry{{dir("run"), symlink("var/run", "/run")}, {file("var/run/a", "1")}},
			[]string{"run/", "run/a=1", "var/", "var/run->/run"}},
		{"a hard link", [][]entry{{file("a", "1"), link("b", "a")}}, []string{"a=1", "b=1"}},
		{"a hard link to an earlier layer", [][]entry{{file("a/b", "1")}, {link("c", "/a/b")}}, []string{"a/", "a/b=1", "c=1"}},
		{"a hard link to itself", [][]entry{{file("a", "1"), link("a", "a")}}, []string{"a=1"}},
		{"a hard link to a link", [][]entry{{symlink("a", "/etc/passwd"), link("b", "a")}}, []string{"a->/etc/passwd", "b->/etc/passwd"}},

		{"devices are left out", [][]entry{{special("dev/null", tar.TypeChar), special("dev/sda", tar.TypeBlock), special("pipe", tar.TypeFifo)}},
			[]string{"dev/", "pipe p---------"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var layers [][]byte
			for _, entries := range tt.layers {
				layers = append(layers, imagetest.Tar(t, entries...))
			}
			dir, err := unpacked(t, Limits{}, layers...)
			if got := listing(t, dir); err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// guarded returns a directory to unpack into, beside one that nothing may touch.
func guarded(t testing.TB) (dir, beside string) {
	t.Helper()
	base := t.TempDir()
	dir, beside = filepath.Join(base, "image"), filepath.Join(base, "beside")
	for _, name := range []string{dir, beside, filepath.Join(beside, "dir")} {
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(beside, "file")
	if err := errors.Join(os.WriteFile(file, []byte("untouched"), 0o644), os.Chmod(file, 0o644)); err != nil { // whatever mask the test has
		t.Fatal(err)
	}
	return dir, beside
}

// assertUntouched holds for the directory that guarded returned.
func assertUntouched(t testing.TB, dir, beside string) {
	t.Helper()
	if got, want := listing(t, beside), []string{"dir/", "file=untouched"}; !slices.Equal(got, want) {
		t.Errorf("beside the image there is %q, want %q", got, want)
	}
	if got, _ := os.ReadDir(filepath.Dir(dir)); len(got) != 2 {
		t.Errorf("above the image there is %v", got)
	}
	var stat unix.Stat_t
	if err := unix.Stat(filepath.Join(beside, "file"), &stat); err != nil || stat.Nlink != 1 || stat.Mode&0o7777 != 0o644 {
		t.Errorf("the file beside the image has %d names and mode %o, %v", stat.Nlink, stat.Mode, err)
	}
}

// Nothing outside the image is read, written or removed, whatever a layer says.
func TestLayersStayInTheirImage(t *testing.T) {
	file, symlink, link := imagetest.File, imagetest.Symlink, imagetest.Link
	for _, tt := range []struct {
		name    string
		entries func(beside string) []entry
		refused bool
	}{
		{"a name that leads up", func(string) []entry { return []entry{file("../beside/file", "x")} }, true},
		{"a name that leads up later", func(string) []entry { return []entry{file("a/../../beside/file", "x")} }, true},
		{"an absolute name", func(beside string) []entry { return []entry{file(beside+"/file", "x")} }, false},
		{"through a link that leads up", func(string) []entry { return []entry{symlink("a", "../beside"), file("a/file", "x")} }, true},
		{"through an absolute link", func(beside string) []entry { return []entry{symlink("a", beside), file("a/file", "x")} }, true},
		{"through links of links", func(string) []entry {
			return []entry{symlink("a", ".."), symlink("b", "a/beside"), file("b/file", "x")}
		}, true},
		{"over a link", func(beside string) []entry { return []entry{symlink("a", beside+"/file"), file("a", "x")} }, false},
		{"a directory over a link", func(beside string) []entry {
			return []entry{symlink("a", beside), imagetest.Dir("a"), file("a/file", "x")}
		}, false},
		{"a mode for what a link leads to", func(beside string) []entry {
			return []entry{symlink("a", beside+"/file"), {Header: tar.Header{Name: "a", Typeflag: tar.TypeDir, Mode: 0o777}}}
		}, false},
		{"a hard link that leads up", func(string) []entry { return []entry{link("a", "../beside/file"), file("a", "x")} }, true},
		{"a hard link through a link", func(string) []entry { return []entry{symlink("a", "../beside"), link("b", "a/file")} }, true},
		{"a hard link to a link, written to", func(beside string) []entry {
			return []entry{symlink("a", beside+"/file"), link("b", "a"), file("b", "x")}
		}, false},
		{"a whiteout that leads up", func(string) []entry { return []entry{file("../beside/.wh.file", "")} }, true},
		{"a whiteout of what is above", func(string) []entry { return []entry{file("a/.wh...", "")} }, true},
		{"a whiteout of a directory itself", func(string) []entry { return []entry{file("a/b", "1"), file("a/.wh..", "")} }, true},
		{"a whiteout through a link", func(beside string) []entry { return []entry{symlink("a", beside), file("a/.wh.file", "")} }, false},
		{"opaque through a link", func(beside string) []entry { return []entry{symlink("a", beside), file("a/.wh..wh..opq", "")} }, false},
		{"opaque above", func(string) []entry { return []entry{symlink("a", ".."), file("a/.wh..wh..opq", "")} }, false},
		{"a link for the root", func(beside string) []entry { return []entry{symlink(".", beside)} }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, beside := guarded(t)
			u, err := newUnpacker(dir, Limits{}.orDefaults())
			if err != nil {
				t.Fatal(err)
			}
			defer u.close()
			// A second layer finds the links of the first.
			entries := tt.entries(beside)
			last := len(entries) - 1
			err = errors.Join(
				u.apply(bytes.NewReader(imagetest.Tar(t, entries[:last]...))),
				u.apply(bytes.NewReader(imagetest.Tar(t, entries[last]))),
			)
			if refused := err != nil; refused != tt.refused {
				t.Errorf("the error is %v, want refused = %v", err, tt.refused)
			}
			assertUntouched(t, dir, beside)
		})
	}
}

func TestLimitsAreKept(t *testing.T) {
	var many []entry
	for i := range 20 {
		many = append(many, imagetest.File(fmt.Sprint(i), ""))
	}
	deep := []entry{imagetest.Dir("a")} // the names of entries are short
	for i := range 20 {
		deep = append(deep, imagetest.Symlink(fmt.Sprint("s", i), "a/"+strings.Repeat("d/", 5*i)), imagetest.Dir(fmt.Sprint("s", i, "/d/d/d/d/d")))
	}
	for _, tt := range []struct {
		name   string
		limits Limits
		layer  []byte
		want   string
	}{
		{"bytes", Limits{Bytes: 4096}, imagetest.Tar(t, imagetest.File("a", strings.Repeat("x", 5000))), "4096 bytes"},
		{"bytes of entries", Limits{Bytes: 4096}, imagetest.Tar(t, many...), "4096 bytes"},
		{"entries", Limits{Entries: 19}, imagetest.Tar(t, many...), "19 entries"},
		{"the length of a path", Limits{Path: 30}, imagetest.Tar(t, imagetest.File(strings.Repeat("x", 31), "")), "30 bytes in a path"},
		{"the length of a path of directories", Limits{Path: 30}, imagetest.Tar(t, imagetest.File(strings.Repeat("x/", 20)+"x", "")), "30 bytes in a path"},
		{"the length of a path through links", Limits{Path: 100}, imagetest.Tar(t, deep...), "100 bytes in a path"},
		{"the size of a file that is not there", Limits{}, hugeHeader(t), fmt.Sprint(int64(16<<30), " bytes")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := unpacked(t, tt.limits, tt.layer)
			var limit *LimitError
			if !errors.As(err, &limit) || !strings.Contains(err.Error(), "more than "+tt.want) {
				t.Errorf("the error is %v, want a limit of %s", err, tt.want)
			}
		})
	}
}

// A layer of many files and as many whiteouts takes the time of their sum, not of their
// product: these would take minutes.
func TestAWhiteoutSaidAgainCostsNothing(t *testing.T) {
	const many = 30_000
	var entries []entry
	for i := range many {
		entries = append(entries, imagetest.File(fmt.Sprint("a/", i), ""))
	}
	for range many {
		entries = append(entries, imagetest.File("a/.wh..wh..opq", ""), imagetest.File(".wh.a", ""))
	}
	layer, began := imagetest.Tar(t, entries...), time.Now()
	dir, err := unpacked(t, Limits{}, imagetest.Tar(t, imagetest.File("a/gone", "")), layer)
	if took := time.Since(began); err != nil || took > time.Minute {
		t.Errorf("unpacked in %v: %v", took, err)
	}
	if got := len(listing(t, dir)); got != many+1 {
		t.Errorf("%d entries are there, want the directory and %d files", got, many)
	}
}

// hugeHeader is the header of a file of 1 TiB.
func hugeHeader(t *testing.T) []byte {
	header := imagetest.Tar(t, imagetest.File("a", ""))[:512]
	copy(header[124:136], "\x80\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00") // its size, in binary
	copy(header[148:156], "        ")
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return header
}

func TestFilesAreAsTheirLayerSays(t *testing.T) {
	when := time.Unix(1_700_000_000, 0)
	own := func(e entry, mode int64, uid, gid int) entry {
		e.Mode, e.Uid, e.Gid, e.ModTime = mode, uid, gid, when
		return e
	}
	set := own(imagetest.File("set", "x"), 0o4755, 1000, 50)
	set.PAXRecords = map[string]string{
		"SCHILY.xattr.user.colour": "green", "SCHILY.xattr.user.overlay.opaque": "y", "SCHILY.xattr.trusted.overlay.opaque": "y",
	}
	dir, err := unpacked(t, Limits{}, imagetest.Tar(t,
		set, own(imagetest.Dir("dir"), 0o1777, 0, 0), own(imagetest.Dir("locked"), 0o500, 7, 7), own(imagetest.File("locked/a", ""), 0o000, 0, 0),
		own(imagetest.Symlink("link", "nowhere"), 0o777, 1000, 50)))
	if err != nil {
		t.Fatal(err)
	}
	root := os.Geteuid() == 0
	for name, want := range map[string]struct {
		mode     uint32
		uid, gid uint32
		others   uint32 // the mode where the owner is whoever unpacks
	}{
		"set": {0o4755, 1000, 50, 0o755}, "dir": {0o1777, 0, 0, 0o777}, "locked": {0o500, 7, 7, 0o700},
		"locked/a": {0, 0, 0, 0o600}, "link": {0o777, 1000, 50, 0o777},
	} {
		var stat unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, name), &stat); err != nil {
			t.Fatal(err)
		}
		if !root {
			want.mode, want.uid, want.gid = want.others, uint32(os.Geteuid()), uint32(os.Getegid())
		}
		if got := stat.Mode & 0o7777; got != want.mode || stat.Uid != want.uid || stat.Gid != want.gid {
			t.Errorf("%s has mode %o and belongs to %d:%d; want %o, %d:%d", name, got, stat.Uid, stat.Gid, want.mode, want.uid, want.gid)
		}
		if name != "dir" && name != "locked" && stat.Mtim.Sec != when.Unix() {
			t.Errorf("%s was changed at %d, want %d", name, stat.Mtim.Sec, when.Unix())
		}
	}
	names := make([]byte, 1024)
	n, err := unix.Listxattr(filepath.Join(dir, "set"), names)
	if got := string(names[:max(n, 0)]); err == nil && got != "user.colour\x00" {
		t.Errorf("the attributes are %q", got)
	}
}

func TestOwnersThatCannotBeAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("others than root give nothing away")
	}
	e := imagetest.File("a", "")
	e.Uid = 1 << 40
	if _, err := unpacked(t, Limits{}, imagetest.Tar(t, e)); err == nil {
		t.Error("a user of 2^40 was accepted")
	}
}

// Nothing outside is touched, nothing panics, and what is unpacked can be removed.
func FuzzUnpack(f *testing.F) {
	seed := func(entries ...entry) { f.Add(imagetest.Tar(f, entries...), imagetest.Tar(f, entries...)) }
	seed(imagetest.File("a/b", "1"), imagetest.Symlink("c", "../beside"), imagetest.Link("d", "c/file"), imagetest.File("c/.wh.file", ""))
	seed(imagetest.Symlink("a", ".."), imagetest.File("a/.wh..wh..opq", ""), imagetest.Dir("a"), imagetest.File("a/beside", ""))
	seed(special("fifo", tar.TypeFifo), special("dev", tar.TypeChar), imagetest.Dir("."), imagetest.File("fifo", "x"))
	f.Add([]byte("no tar"), []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		dir, beside := guarded(t)
		u, err := newUnpacker(dir, Limits{Bytes: 1 << 20, Entries: 1000, Path: 200}.orDefaults())
		if err != nil {
			t.Fatal(err)
		}
		defer u.close()
		_ = u.apply(bytes.NewReader(first))
		_ = u.apply(bytes.NewReader(second))
		assertUntouched(t, dir, beside)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
}
