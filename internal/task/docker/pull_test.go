package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/moby/client"

	"flyball/internal/task"
)

// A hub is a registry that asks for a password.
type hub struct {
	*testing.T
	host string
}

func newHub(t *testing.T) *hub {
	t.Helper()
	content := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "AWS" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="hub"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		content.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return &hub{t, strings.TrimPrefix(server.URL, "http://")}
}

// login is the hub's for images of 1.dkr.ecr.us-east-1.amazonaws.com.
func (h *hub) login(_ context.Context, image string) (pull, user, password string, ok bool) {
	path, ok := strings.CutPrefix(image, "1.dkr.ecr.us-east-1.amazonaws.com/")
	return h.host + "/" + path, "AWS", "secret", ok
}

// push pushes an image with the program of testdata, which says COLOUR, and returns its
// digest.
func (h *hub) push(tag, colour string) string {
	h.Helper()
	path, err := program()
	if err != nil {
		h.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return rootOf(path) })
	if err != nil {
		h.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		h.Fatal(err)
	}
	if img, err = mutate.Config(img, v1.Config{Entrypoint: []string{"/flyball"}, Cmd: []string{"wait"}, Env: []string{"COLOUR=" + colour}}); err != nil {
		h.Fatal(err)
	}
	if img, err = mutate.ConfigFile(img, platform(img)); err != nil {
		h.Fatal(err)
	}
	ref, err := name.ParseReference(h.host + "/" + tag)
	if err != nil {
		h.Fatal(err)
	}
	if err := remote.Write(ref, img, remote.WithAuth(&authn.Basic{Username: "AWS", Password: "secret"})); err != nil {
		h.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		h.Fatal(err)
	}
	return digest.String()
}

func platform(img v1.Image) *v1.ConfigFile {
	config, err := img.ConfigFile()
	if err != nil {
		panic(err) // it was made here
	}
	config.OS, config.Architecture = "linux", "amd64"
	return config
}

// rootOf is a root file system with a program.
func rootOf(path string) (io.ReadCloser, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	if err := w.WriteHeader(&tar.Header{Name: "flyball", Mode: 0o755, Size: int64(len(content))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	return io.NopCloser(&text), w.Close()
}

// newHubRuntime is a runtime that pulls from a hub. The images are gone when the test ends.
func newHubRuntime(t *testing.T) (*hub, *Runtime) {
	t.Helper()
	r := newRuntime(t)
	h := newHub(t)
	r.images.pulled.login = h.login
	t.Cleanup(func() {
		for range 2 { // the first notes what it sees
			if err := r.images.pulled.sweep(context.Background(), time.Now().Add(24*time.Hour)); err != nil {
				t.Error(err)
			}
			clear(r.images.pulled.used)
		}
	})
	return h, r
}

const ecrName = "1.dkr.ecr.us-east-1.amazonaws.com/shop/app:latest"

func TestAnImageIsPulledByTheDigestThatItsTagHad(t *testing.T) {
	h, r := newHubRuntime(t)
	red := h.push("shop/app:latest", "red")
	if got, err := r.Pull(t.Context(), ecrName, ""); err != nil || got != red {
		t.Fatalf("the tag stands for %s, %v; want %s", got, err, red)
	}
	blue := h.push("shop/app:latest", "blue")
	for digest, colour := range map[string]string{red: "red", blue: "blue", "": "blue"} {
		s := spec(fmt.Sprintf("pulled-%s-%d", colour, len(digest)), "wait")
		s.Containers[0].Image, s.Containers[0].Digest = ecrName, digest
		running := start(t, r, s)
		if got := awaitLine(t, running, "", "ready"); got != "ready "+colour {
			t.Errorf("%q runs as %q, want %s", digest, got, colour)
		}
	}
}

func TestWhyAnImageCannotBePulledIsToldInTheWordsOfTheEngine(t *testing.T) {
	h, r := newHubRuntime(t)
	h.push("shop/app:latest", "red")
	for image, want := range map[string]string{
		"1.dkr.ecr.us-east-1.amazonaws.com/shop/app:none": "manifest unknown",
		h.host + "/shop/app:latest":                       "no basic auth credentials",
		"NOT/an/image":                                    "repository name must be lowercase",
	} {
		_, err := r.Pull(t.Context(), image, "")
		if !errors.Is(err, task.ErrNoImage) || !strings.HasPrefix(err.Error(), "CannotPullContainerError: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", image, err, want)
		}
	}
}

func TestImagesOfThisMachineAreRunAsTheyAre(t *testing.T) {
	_, r := newHubRuntime(t)
	if digest, err := r.Pull(t.Context(), image, ""); err != nil || digest != "" {
		t.Errorf("it has the digest %q, %v", digest, err)
	}
}

func TestAnImageThatWasPulledIsRemovedWhenNoContainerHasIt(t *testing.T) {
	h, r := newHubRuntime(t)
	h.push("shop/app:latest", "green")
	s := spec("swept", "exit", "0")
	s.Containers[0].Image = ecrName
	stopped := start(t, r, s)
	await(t, "the end of the task", stopped.Done())
	id, err := r.images.ensure(t.Context(), ecrName, "")
	if err != nil {
		t.Fatal(err)
	}
	has := func() bool {
		_, err := r.engine.ImageInspect(t.Context(), id)
		if err != nil && !errdefs.IsNotFound(err) {
			t.Fatal(err)
		}
		return err == nil
	}
	sweep := func(in time.Duration) {
		t.Helper()
		if err := r.images.pulled.sweep(t.Context(), time.Now().Add(in)); err != nil {
			t.Fatal(err)
		}
	}
	sweep(2 * keptUnused)
	if !has() {
		t.Fatal("it is removed while a container has it")
	}
	if err := stopped.Remove(); err != nil {
		t.Fatal(err)
	}
	sweep(2*keptUnused + time.Minute)
	if !has() {
		t.Fatal("it is removed at once")
	}
	sweep(4 * keptUnused)
	if has() {
		t.Error("it is still there")
	}
}

func TestAnImageThatSomebodyHasNamedStays(t *testing.T) {
	h, r := newHubRuntime(t)
	h.push("shop/app:latest", "yellow")
	id, err := r.images.ensure(t.Context(), ecrName, "")
	if err != nil {
		t.Fatal(err)
	}
	const mine = "flyball-test/mine:latest"
	if _, err := r.engine.ImageTag(t.Context(), client.ImageTagOptions{Source: id, Target: mine}); err != nil {
		t.Fatal(err)
	}
	if err := r.images.pulled.sweep(t.Context(), time.Now().Add(2*keptUnused)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.engine.ImageInspect(t.Context(), mine); err != nil {
		t.Errorf("the image is gone: %v", err)
	}
	if _, err := r.engine.ImageRemove(t.Context(), mine, client.ImageRemoveOptions{}); err != nil {
		t.Error(err)
	}
}
