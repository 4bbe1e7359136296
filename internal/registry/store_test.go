package registry_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/registry"
)

// openStore opens a store in a folder of the test.
func openStore(t *testing.T, dir string) *registry.Store {
	t.Helper()
	s, err := registry.OpenStore(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begin begins an upload with some content.
func begin(t *testing.T, s *registry.Store, content string) *registry.Upload {
	t.Helper()
	u, err := s.Begin("shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Append(registry.Anywhere, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	return u
}

// files are the files below a folder, by their paths in it.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all = append(all, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestContentIsKeptByItsDigest(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	u := begin(t, s, "some")
	if size, err := u.Append(4, strings.NewReader(" content")); size != 12 || err != nil {
		t.Fatal(size, err)
	}
	d := registry.DigestOf([]byte("some content"))
	release, err := u.Finish(d)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if got, err := openStore(t, dir).Read(d); string(got) != "some content" || err != nil {
		t.Errorf("after a restart: %q, %v", got, err)
	}
	sum := strings.TrimPrefix(string(d), "sha256:")
	if got := files(t, dir); len(got) != 1 || got[0] != "blobs/sha256/"+sum[:2]+"/"+sum {
		t.Errorf("the folder has %v", got)
	}
}

func TestADigestThatLiesIsRefusedAndTheUploadGoesOn(t *testing.T) {
	s := openStore(t, t.TempDir())
	u := begin(t, s, "some")
	if _, err := u.Finish(registry.DigestOf([]byte("other"))); !errors.Is(err, registry.ErrMismatch) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Open(registry.DigestOf([]byte("other"))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if release, err := u.Finish(registry.DigestOf([]byte("some"))); err != nil {
		t.Error(err)
	} else {
		release()
	}
}

func TestPartsFollowOnEachOther(t *testing.T) {
	s := openStore(t, t.TempDir())
	u := begin(t, s, "some")
	for _, at := range []int64{0, 3, 5} {
		if size, err := u.Append(at, strings.NewReader("x")); size != 4 || !errors.Is(err, registry.ErrGap) {
			t.Errorf("a part at %d: %d, %v", at, size, err)
		}
	}
}

func TestWhatCameBeforeAReaderFailedStays(t *testing.T) {
	s := openStore(t, t.TempDir())
	u := begin(t, s, "some")
	broken := io.MultiReader(strings.NewReader(" con"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if size, err := u.Append(4, broken); size != 8 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(size, err)
	}
	if _, err := u.Append(8, strings.NewReader("tent")); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Finish(registry.DigestOf([]byte("some content"))); err != nil {
		t.Error(err)
	}
}

func TestAnUploadHasOneWriterAtATime(t *testing.T) {
	s := openStore(t, t.TempDir())
	u := begin(t, s, "")
	slow, end := io.Pipe()
	var appending errgroup.Group
	appending.Go(func() error { _, err := u.Append(registry.Anywhere, slow); return err })
	if _, err := end.Write([]byte("x")); err != nil { // the other one writes now
		t.Fatal(err)
	}
	if _, err := u.Append(registry.Anywhere, strings.NewReader("y")); !errors.Is(err, registry.ErrBusy) {
		t.Errorf("append: %v", err)
	}
	if _, err := u.Finish(registry.DigestOf([]byte("x"))); !errors.Is(err, registry.ErrBusy) {
		t.Errorf("finish: %v", err)
	}
	end.Close()
	if err := appending.Wait(); err != nil {
		t.Error(err)
	}
}

func TestOnlyItsOwnerFindsAnUpload(t *testing.T) {
	s := openStore(t, t.TempDir())
	u := begin(t, s, "some")
	if found, err := s.Upload("shop", u.ID); found != u || err != nil {
		t.Errorf("got %v, %v", found, err)
	}
	for _, other := range [][2]string{{"other", u.ID}, {"shop", "../" + u.ID}, {"shop", ""}} {
		if _, err := s.Upload(other[0], other[1]); !errors.Is(err, registry.ErrUpload) {
			t.Errorf("%v: got %v", other, err)
		}
	}
	u.Cancel()
	if _, err := s.Upload("shop", u.ID); !errors.Is(err, registry.ErrUpload) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := u.Append(registry.Anywhere, strings.NewReader("x")); !errors.Is(err, registry.ErrUpload) {
		t.Errorf("append after the end: %v", err)
	}
}

func TestUploadsAreBounded(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	for range 1000 {
		begin(t, s, "")
	}
	if _, err := s.Begin("shop"); !errors.Is(err, registry.ErrUploads) {
		t.Errorf("got %v", err)
	}
	if got := len(files(t, dir)); got != 1000 {
		t.Errorf("there are %d files", got)
	}
}

func TestASweepRemovesWhatNobodyNames(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	named, release, err := s.Put([]byte("named"))
	if err != nil {
		t.Fatal(err)
	}
	release()
	pinned, unpin, err := s.Put([]byte("pinned"))
	if err != nil {
		t.Fatal(err)
	}
	if _, again, err := s.Put([]byte("pinned")); err != nil {
		t.Fatal(err)
	} else {
		again() // the other pin stays
	}
	_, release, err = s.Put([]byte("neither"))
	if err != nil {
		t.Fatal(err)
	}
	release()
	sweep := func() {
		t.Helper()
		if err := s.Sweep(func(d registry.Digest) bool { return d == named }, time.Hour); err != nil {
			t.Error(err)
		}
	}
	sweep()
	if got := files(t, dir); len(got) != 3 {
		t.Errorf("after one sweep there are %v", got)
	}
	sweep()
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("there are %v", got)
	}
	unpin()
	sweep()
	sweep()
	if _, err := s.Open(pinned); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what nobody names any more: %v", err)
	}
	if _, ok := s.Pin(pinned); ok {
		t.Error("what is gone was pinned")
	}
	if got, err := s.Read(named); string(got) != "named" || err != nil {
		t.Errorf("what is named: %q, %v", got, err)
	}
}

func TestASweepEndsUploadsThatNobodyContinues(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	u := begin(t, s, "some")
	sweep := func(patience time.Duration) {
		t.Helper()
		if err := s.Sweep(func(registry.Digest) bool { return false }, patience); err != nil {
			t.Error(err)
		}
	}
	sweep(time.Hour)
	if _, err := s.Upload("shop", u.ID); err != nil {
		t.Error(err)
	}
	sweep(-time.Hour)
	if _, err := s.Upload("shop", u.ID); !errors.Is(err, registry.ErrUpload) {
		t.Errorf("got %v", err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("there are %v", got)
	}
}

func TestUploadsOfAnEarlierLifeAreRemoved(t *testing.T) {
	dir := t.TempDir()
	u := begin(t, openStore(t, dir), "half of it") // and then the server is killed
	s := openStore(t, dir)
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("there are %v", got)
	}
	if _, err := s.Upload("shop", u.ID); !errors.Is(err, registry.ErrUpload) {
		t.Errorf("got %v", err)
	}
}

// Writers, readers and sweeps at the same time: content that is named is there.
func TestASweepSparesWhatIsBeingPushed(t *testing.T) {
	s := openStore(t, t.TempDir())
	content := [][]byte{[]byte("a"), []byte("b"), []byte("c")}
	var work errgroup.Group
	stop := make(chan struct{})
	var sweeping errgroup.Group
	sweeping.Go(func() error {
		for {
			select {
			case <-stop:
				return nil
			default:
				if err := s.Sweep(func(registry.Digest) bool { return false }, time.Hour); err != nil {
					return err
				}
			}
		}
	})
	for _, c := range content {
		work.Go(func() error {
			for range 50 {
				d, release, err := s.Put(c)
				if err != nil {
					return err
				}
				got, err := s.Read(d)
				release()
				if err != nil || !bytes.Equal(got, c) {
					return errors.Join(err, os.ErrNotExist)
				}
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		t.Error(err)
	}
	close(stop)
	if err := sweeping.Wait(); err != nil {
		t.Error(err)
	}
}
