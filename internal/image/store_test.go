//go:build linux

package image

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"flyball/internal/image/imagetest"
)

// shelf is a source whose images can be changed, and that counts how often it is asked.
type shelf struct {
	images map[string]v1.Image // by repository and tag, or by digest
	asked  atomic.Int32
}

func newShelf() *shelf { return &shelf{images: map[string]v1.Image{}} }

const reference = "registry.example/app:latest"

// put puts an image where reference finds it.
func (s *shelf) put(t *testing.T, img v1.Image) string {
	t.Helper()
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	s.images[reference] = img
	s.images["registry.example/app@"+digest.String()] = img
	return digest.String()
}

func (s *shelf) Image(_ context.Context, reference string) (v1.Image, error) {
	s.asked.Add(1)
	if img := s.images[reference]; img != nil {
		return img, nil
	}
	return nil, fmt.Errorf("%s: not found", reference)
}

func open(t *testing.T, opts Options) *Store {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	opts.Log = slog.New(slog.DiscardHandler)
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// use is Use of an image that there has to be.
func use(t *testing.T, s *Store, digest string) *Image {
	t.Helper()
	img, err := s.Use(t.Context(), reference, digest)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// kept are the names in a store's directory.
func names(t *testing.T, s *Store) []string {
	t.Helper()
	entries, err := os.ReadDir(s.opts.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

func small(t *testing.T, text string) v1.Image {
	return imagetest.Image(t, v1.Config{Entrypoint: []string{"/" + text}}, imagetest.Layer(t, imagetest.File("a", text)))
}

func TestAnImageIsFetchedOnceAndKept(t *testing.T) {
	source := newShelf()
	digest := source.put(t, small(t, "one"))
	s := open(t, Options{Source: source})
	var starts errgroup.Group
	for range 20 {
		starts.Go(func() error {
			img, err := s.Use(t.Context(), reference, digest)
			if err != nil {
				return err
			}
			text, err := img.ReadFile("/a", 10)
			if string(text) != "one" || img.Config.Entrypoint[0] != "/one" {
				err = errors.Join(err, fmt.Errorf("the image has %q and the entry point %q", text, img.Config.Entrypoint))
			}
			img.Release()
			return err
		})
	}
	if err := starts.Wait(); err != nil || source.asked.Load() != 1 {
		t.Errorf("the source was asked %d times, %v", source.asked.Load(), err)
	}
	source.images = nil // as if it were down
	again := open(t, Options{Dir: s.opts.Dir, Source: source})
	if img, err := again.Hold(digest); err != nil || img.Config.Entrypoint[0] != "/one" {
		t.Errorf("in the store's next life: %v, %v", img, err)
	}
	use(t, again, digest)
}

func TestATagIsResolvedAnew(t *testing.T) {
	source := newShelf()
	s := open(t, Options{Source: source})
	if _, err := s.Resolve(t.Context(), reference); err == nil || err.Error() != "failed to resolve ref "+reference+": "+reference+": not found" {
		t.Errorf("an image that is not there: %v", err)
	}
	for _, text := range []string{"one", "two"} {
		want := source.put(t, small(t, text))
		if got, err := s.Resolve(t.Context(), reference); err != nil || got != want {
			t.Errorf("the digest is %s, %v, want %s", got, err, want)
		}
	}
}

func TestWhatNobodyUsesIsRemoved(t *testing.T) {
	for _, tt := range []struct {
		name     string
		unused   int64
		idle     time.Duration
		released []string // in their order; "one" and "two" and "three" are there
		want     []string
	}{
		{"nothing while it is in use", 1, time.Nanosecond, nil, []string{"one", "two", "three"}},
		{"nothing while there is room and time", 1 << 20, time.Hour, []string{"one", "two", "three"}, []string{"one", "two", "three"}},
		{"what has not been used for long", 1 << 20, time.Nanosecond, []string{"one", "two"}, []string{"three"}},
		{"what was used least recently", 2048, time.Hour, []string{"two", "one", "three"}, []string{"one", "three"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			source := newShelf()
			s := open(t, Options{Source: source, Unused: tt.unused, Idle: tt.idle})
			images := map[string]*Image{}
			for _, name := range []string{"one", "two", "three"} {
				layer := imagetest.Layer(t, imagetest.File("a", name+strings.Repeat("x", 1000)))
				images[name] = use(t, s, source.put(t, imagetest.Image(t, v1.Config{}, layer)))
			}
			for _, name := range tt.released {
				images[name].Release()
				s.sweeps.Wait()
			}
			var want []string
			for _, name := range tt.want {
				want = append(want, "sha256-"+images[name].Digest.Hex)
			}
			slices.Sort(want)
			if got := names(t, s); !slices.Equal(got, want) {
				t.Errorf("kept are %q, want %q", got, want)
			}
		})
	}
}

func TestAnImageThatWasRemovedIsFetchedAgain(t *testing.T) {
	source := newShelf()
	digest := source.put(t, small(t, "one"))
	s := open(t, Options{Source: source, Idle: time.Nanosecond})
	use(t, s, digest).Release()
	s.sweeps.Wait()
	if got := names(t, s); len(got) > 0 {
		t.Fatalf("kept are %q", got)
	}
	use(t, s, digest)
	if got := source.asked.Load(); got != 2 {
		t.Errorf("the source was asked %d times, want twice", got)
	}
}

func TestWhatIsNotWholeIsNoImage(t *testing.T) {
	source := newShelf()
	digest := source.put(t, small(t, "one"))
	s := open(t, Options{Source: source})
	use(t, s, digest)
	for _, dir := range []string{"partial-123/root/a", "sha256-" + strings.Repeat("0", 64) + "/root/a", "sha256-nothing"} {
		if err := os.MkdirAll(filepath.Join(s.opts.Dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, Options{Dir: s.opts.Dir, Source: source})
	want := []string{strings.Replace(digest, ":", "-", 1)}
	if got := names(t, again); !slices.Equal(got, want) {
		t.Errorf("kept are %q, want %q", got, want)
	}
}

// packed is a layer with the bytes of a file, whatever they are.
func packed(text []byte) v1.Layer { return static.NewLayer(text, types.DockerLayer) }

func gzipped(t *testing.T, text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func hashOfBytes(text []byte) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sha256.Sum256(text))}
}

// forged is an image of one layer, whose configuration says another diff id.
func forged(t *testing.T, layer v1.Layer, diffID v1.Hash) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture = Platform.OS, Platform.Architecture
	config.RootFS.DiffIDs = []v1.Hash{diffID}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

func TestLayersArePackedInAnyWay(t *testing.T) {
	text := imagetest.Tar(t, imagetest.File("a", "one"))
	var zstandard bytes.Buffer
	w, _ := zstd.NewWriter(&zstandard)
	_, _ = w.Write(text)
	w.Close()
	for name, packing := range map[string][]byte{"plain": text, "gzip": gzipped(t, text), "zstd": zstandard.Bytes(),
		"gzip in two members": append(gzipped(t, text[:700]), gzipped(t, text[700:])...)} {
		t.Run(name, func(t *testing.T) {
			source := newShelf()
			s := open(t, Options{Source: source})
			img := use(t, s, source.put(t, forged(t, packed(packing), hashOfBytes(text))))
			if got := listing(t, img.Root); !slices.Equal(got, []string{"a=one"}) {
				t.Errorf("the image has %q", got)
			}
		})
	}
}

// lying is a layer that has other bytes than it says.
type lying struct {
	v1.Layer
	text []byte
}

func (l lying) Compressed() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(l.text)), nil }

func TestImagesThatLieLeaveNothing(t *testing.T) {
	text, other := imagetest.Tar(t, imagetest.File("a", "one")), imagetest.Tar(t, imagetest.File("a", "two"))
	good := gzipped(t, text)
	withConfig := func(change func(*v1.ConfigFile)) v1.Image {
		img := small(t, "one")
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config = config.DeepCopy()
		change(config)
		if img, err = mutate.ConfigFile(img, config); err != nil {
			t.Fatal(err)
		}
		return img
	}
	for _, tt := range []struct {
		name string
		img  v1.Image
		want string
	}{
		{"the layer has another digest", forged(t, lying{packed(good), gzipped(t, other)}, hashOfBytes(other)), "the digest of a layer should be " + hashOfBytes(good).String()},
		{"the files have another digest", forged(t, packed(good), hashOfBytes(other)), "the digest of a layer should be " + hashOfBytes(other).String()},
		{"the layer is longer", forged(t, lying{packed(good), append(slices.Clone(good), 0)}, hashOfBytes(text)), "a layer is longer than"},
		{"the layer is shorter", forged(t, lying{packed(good), good[:len(good)-5]}, hashOfBytes(text)), "unexpected EOF"},
		{"the layer is nothing", forged(t, lying{packed(good), nil}, hashOfBytes(nil)), "a layer has 0 bytes"},
		{"the layer is no archive", forged(t, packed([]byte("no archive")), hashOfBytes([]byte("no archive"))), "unexpected EOF"},
		{"another machine's", withConfig(func(c *v1.ConfigFile) { c.Architecture = "s390x" }), "does not contain descriptor matching platform"},
		{"another system's", withConfig(func(c *v1.ConfigFile) { c.OS = "windows" }), "does not contain descriptor matching platform"},
		{"fewer diff ids", withConfig(func(c *v1.ConfigFile) { c.RootFS.DiffIDs = nil }), "it has 1 layers, and its configuration has digests of 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			source := newShelf()
			s := open(t, Options{Source: source})
			_, err := s.Use(t.Context(), reference, source.put(t, tt.img))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
			if got := names(t, s); len(got) > 0 {
				t.Errorf("left is %q", got)
			}
		})
	}
}

func TestAnImageThatNamesNoPlatformRuns(t *testing.T) {
	img, err := mutate.AppendLayers(empty.Image, imagetest.Layer(t, imagetest.File("a", "one")))
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "", ""
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	source := newShelf()
	use(t, open(t, Options{Source: source}), source.put(t, img))
}

// silent is a layer that never comes.
type silent struct {
	v1.Layer
	ctx context.Context
}

func (l silent) Compressed() (io.ReadCloser, error) { return io.NopCloser(l), nil }

func (l silent) Read([]byte) (int, error) {
	<-l.ctx.Done()
	return 0, l.ctx.Err()
}

// A silentSource has an image whose layer never comes.
type silentSource struct{ img v1.Image }

func (s silentSource) Image(ctx context.Context, _ string) (v1.Image, error) {
	return silentImage{s.img, ctx}, nil
}

type silentImage struct {
	v1.Image
	ctx context.Context
}

func (i silentImage) Layers() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	return []v1.Layer{silent{layers[0], i.ctx}}, err
}

func TestASourceThatFallsSilentIsGivenUp(t *testing.T) {
	img := small(t, "one")
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{Source: silentSource{img}, Quiet: 20 * time.Millisecond})
	if _, err := s.Use(t.Context(), reference, digest.String()); !errors.Is(err, errQuiet) {
		t.Errorf("the error is %v, want %v", err, errQuiet)
	}
	if got := names(t, s); len(got) > 0 {
		t.Errorf("left is %q", got)
	}
}

func TestAnotherImageThanAskedForIsRefused(t *testing.T) {
	source := newShelf()
	digest := source.put(t, small(t, "one"))
	source.images["registry.example/app@"+digest] = small(t, "two")
	s := open(t, Options{Source: source})
	if _, err := s.Use(t.Context(), reference, digest); err == nil || !strings.Contains(err.Error(), "its digest should be "+digest) {
		t.Errorf("the error is %v", err)
	}
}

func TestAnImageThatIsTooMuchLeavesNothing(t *testing.T) {
	layer := imagetest.Layer(t, imagetest.File("a", strings.Repeat("x", 100_000)))
	for want, limits := range map[string]Limits{
		"more than 100000 bytes": {Bytes: 100_000}, "more than 1 layers": {Layers: 1}, "more than 10 bytes of configuration": {Config: 10},
	} {
		source := newShelf()
		s := open(t, Options{Source: source, Limits: limits})
		_, err := s.Use(t.Context(), reference, source.put(t, imagetest.Image(t, v1.Config{}, layer, layer)))
		var limit *LimitError
		if !errors.As(err, &limit) || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
		if got := names(t, s); len(got) > 0 {
			t.Errorf("left is %q", got)
		}
	}
}

func TestAPullIsWaitedForAsLongAsOneWants(t *testing.T) {
	source := newShelf()
	digest := source.put(t, small(t, "one"))
	s := open(t, Options{Source: source})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if img, err := s.Use(ended, reference, digest); err == nil {
		img.Release() // it was fetched before it was given up
	} else if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	use(t, s, digest)
}

func TestUsersOfAnImage(t *testing.T) {
	passwd := accountsOf([]byte("root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:\n2000:x:7:8::/seven:\nhalf:x:9\n"))
	group := accountsOf([]byte("root:x:0:\napp:x:1001:\nextra:x:50:other,app\nbad:x:many:app\n"))
	for name, want := range map[string]string{
		"":            "0:0 [] /root",
		"app":         "1000:1001 [50] /home/app",
		"app:extra":   "1000:50 [] /home/app",
		"app:77":      "1000:77 [] /home/app",
		"1000":        "1000:1001 [50] /home/app",
		"2000":        "7:8 [] /seven",
		"3000":        "3000:0 [] /",
		":50":         "0:50 [] /root",
		"nobody":      "unable to find user nobody: no matching entries in passwd file",
		"app:nothing": "unable to find group nothing: no matching entries in group file",
		"half":        "the passwd file's entry of user half cannot be read",
		"-1":          "unable to find user -1: no matching entries in passwd file",
		"4294967296":  "unable to find user 4294967296: no matching entries in passwd file",
	} {
		user, err := findUser(name, passwd, group)
		got := fmt.Sprintf("%d:%d %v %s", user.UID, user.GID, user.Groups, user.Home)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("user %q is %q, want %q", name, got, want)
		}
	}
}

// An image's own files can not name files of this machine, or hold the server up.
func TestFilesOfAnImageAreItsOwn(t *testing.T) {
	source := newShelf()
	s := open(t, Options{Source: source})
	img := use(t, s, source.put(t, imagetest.Image(t, v1.Config{}, imagetest.Layer(t,
		imagetest.Symlink("etc", "/etc"), imagetest.Symlink("up", "../../../../etc/passwd"), special("fifo", '6'),
		imagetest.File("large", strings.Repeat("x", 100)), imagetest.Dir("bin"), imagetest.Symlink("sbin", "/bin"), imagetest.File("bin/a", "1")))))
	for _, name := range []string{"etc/passwd", "/etc/passwd", "up", "fifo", "large", "bin"} {
		if text, err := img.ReadFile(name, 50); err == nil {
			t.Errorf("%s has %q", name, text)
		}
	}
	if got, err := img.Path("/sbin/../sbin/a"); err != nil || got != filepath.Join(img.Root, "bin/a") {
		t.Errorf("/sbin/a is at %s, %v", got, err)
	}
}

func FuzzUsers(f *testing.F) {
	f.Add("app", []byte("app:x:1:2::/:\n"), []byte("g:x:3:app\n"))
	f.Fuzz(func(_ *testing.T, name string, passwd, group []byte) {
		_, _ = findUser(name, accountsOf(passwd), accountsOf(group))
	})
}

// An image that was half unpacked, or where an overlay was tried, may have folders that nobody but root can look into.
func TestAStartRemovesWhatWasNotUnpackedWhole(t *testing.T) {
	dir := t.TempDir()
	closed := filepath.Join(dir, partialPrefix+"1", "work", "work")
	if err := errors.Join(os.MkdirAll(filepath.Join(closed, "deeper"), 0o700), os.Chmod(closed, 0)); err != nil {
		t.Fatal(err)
	}
	open(t, Options{Dir: dir})
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
