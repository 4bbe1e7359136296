package process

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"flyball/internal/image/imagetest"
	"flyball/internal/task"
)

// pushed pushes an image and returns its reference.
func pushed(t *testing.T, config v1.Config, layers ...v1.Layer) string {
	t.Helper()
	reference := imagetest.Registry(t) + "/app:latest"
	imagetest.Push(t, reference, imagetest.Image(t, config, layers...))
	return reference
}

// scratch has nothing but a program.
func scratch(t *testing.T) v1.Layer {
	return imagetest.Layer(t, imagetest.Program("program", imagetest.StaticProgram(t)))
}

// running is a task of one container with an image.
func running(id, image string, command ...string) task.Spec {
	return task.Spec{ID: id, Containers: []task.Container{
		{Name: "main", Image: image, Command: command, Essential: true, StopTimeout: 10 * time.Second},
	}}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may do this")
	}
}

func TestAPushedImageRuns(t *testing.T) {
	needRoot(t)
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}}, scratch(t))
	onEachHost(t, func(t *testing.T, opts Options) {
		r := newRuntime(t, opts)
		for _, id := range []string{"one", "two"} {
			started := start(t, r, running(id, reference, "pid", "host", "cwd", "serve:web"))
			awaitLine(t, started, "cwd /")
			resp, err := http.Get("http://" + net.JoinHostPort(started.Address(), "8080"))
			for err != nil {
				time.Sleep(10 * time.Millisecond)
				resp, err = http.Get("http://" + net.JoinHostPort(started.Address(), "8080"))
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if got, want := string(body), "web at "+id+"\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if log := readLogs(t, started, ""); !strings.HasPrefix(log, "pid 1\nhost "+id+"\n") {
				t.Errorf("log = %q", log)
			}
		}
	})
}
