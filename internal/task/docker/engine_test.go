package docker

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/api/types/container"

	"flyball/internal/task"
)

// An engine knows as much of Docker's API as it takes to keep containers. Where no
// real engine answers, it shows what the runtime asks for.
type engine struct {
	t        *testing.T
	creating func()        // called before a container is made
	ended    chan struct{} // closed when all containers have ended

	mu         sync.Mutex
	containers map[string]container.Summary
}

// newEngine returns an engine, and a runtime that uses it.
func newEngine(t *testing.T) (*engine, *Runtime) {
	t.Helper()
	e := &engine{t: t, creating: func() {}, ended: make(chan struct{}), containers: map[string]container.Summary{}}
	api := http.NewServeMux()
	for pattern, handle := range map[string]http.HandlerFunc{
		"/_ping": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Ostype", "linux")
			w.Header().Set("Api-Version", "1.44")
		},
		"GET /v1.44/images/{name...}": func(w http.ResponseWriter, _ *http.Request) { e.answer(w, map[string]string{"Id": "image"}) },
		"GET /v1.44/networks/{name}": func(w http.ResponseWriter, _ *http.Request) {
			e.answer(w, map[string]any{"IPAM": map[string]any{"Config": []map[string]string{{"Subnet": "172.30.0.0/16", "Gateway": "172.30.0.1"}}}})
		},
		"DELETE /v1.44/networks/{name}":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"GET /v1.44/containers/json":        e.list,
		"POST /v1.44/containers/create":     e.create,
		"POST /v1.44/containers/{id}/start": e.start,
		"POST /v1.44/containers/{id}/wait":  e.wait,
		"GET /v1.44/containers/{id}/json":   e.inspect,
		"DELETE /v1.44/containers/{id}":     e.remove,
	} {
		api.HandleFunc(pattern, handle)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(e.ended) }) // nobody waits any more
	t.Setenv("DOCKER_HOST", "tcp://"+strings.TrimPrefix(server.URL, "http://"))
	r, err := New(t.Context(), Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return e, r
}

func (e *engine) answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		e.t.Error(err)
	}
}

func (e *engine) list(w http.ResponseWriter, r *http.Request) {
	var filters struct{ Label map[string]bool }
	if err := json.Unmarshal([]byte(r.FormValue("filters")), &filters); err != nil {
		e.t.Error(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	found := []container.Summary{}
	for _, c := range e.containers {
		all := true
		for label := range filters.Label {
			name, value, _ := strings.Cut(label, "=")
			all = all && c.Labels[name] == value
		}
		if all {
			found = append(found, c)
		}
	}
	e.answer(w, found)
}

func (e *engine) create(w http.ResponseWriter, r *http.Request) {
	var config container.Config
	if err := json.NewDecoder(r.Body).Decode(&config); err != nil {
		e.t.Error(err)
	}
	e.creating()
	id := r.FormValue("name")
	e.put(container.Summary{ID: id, Labels: config.Labels, State: container.StateCreated})
	w.WriteHeader(http.StatusCreated)
	e.answer(w, map[string]string{"Id": id})
}

func (e *engine) put(c container.Summary) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.containers[c.ID] = c
}

func (e *engine) start(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.containers[r.PathValue("id")]
	c.State = container.StateRunning
	e.containers[c.ID] = c
	w.WriteHeader(http.StatusNoContent)
}

func (e *engine) wait(w http.ResponseWriter, _ *http.Request) {
	<-e.ended
	e.answer(w, container.WaitResponse{})
}

func (e *engine) inspect(w http.ResponseWriter, r *http.Request) {
	e.answer(w, map[string]any{"Id": r.PathValue("id"), "State": container.State{Running: !isClosed(e.ended)}})
}

func (e *engine) remove(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.containers, r.PathValue("id"))
	w.WriteHeader(http.StatusNoContent)
}

// names are the containers that the engine has.
func (e *engine) names() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []string
	for name := range e.containers {
		names = append(names, name)
	}
	return names
}

func TestAStartThatIsCancelledWhileAContainerIsMadeLeavesNothing(t *testing.T) {
	e, r := newEngine(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e.creating = cancel // an engine makes the container all the same
	if started, err := r.Start(ctx, spec("cancelled")); !errors.Is(err, context.Canceled) {
		t.Errorf("Start = %v, %v; want %v", started, err, context.Canceled)
	}
	if left := e.names(); len(left) > 0 {
		t.Errorf("containers %v are left", left)
	}
}

func TestAContainerThatWasMadeAndNotStartedIsRemoved(t *testing.T) {
	e, r := newEngine(t)
	s := spec("made")
	if _, err := r.create(t.Context(), s, 0, "image", ""); err != nil { // and the server is killed
		t.Fatal(err)
	}
	if recovered, err := r.Recover(t.Context()); err != nil || len(recovered) > 0 {
		t.Errorf("Recover = %v, %v; want no task", recovered, err)
	}
	if left := e.names(); len(left) > 0 {
		t.Errorf("containers %v are left", left)
	}
}

func TestOneTaskThatCannotBeTakenUpDoesNotKeepTheOthers(t *testing.T) {
	for name, harm := range map[string]func(labels map[string]string){
		"without a spec":           func(labels map[string]string) { delete(labels, labelSpec) },
		"with another task's spec": func(labels map[string]string) { labels[labelSpec] = `{"ID": "another"}` },
		"without an index":         func(labels map[string]string) { delete(labels, labelIndex) },
		"with a foreign index":     func(labels map[string]string) { labels[labelIndex] = "7" },
	} {
		t.Run(name, func(t *testing.T) {
			e, r := newEngine(t)
			for _, s := range []task.Spec{spec("bad"), spec("good")} {
				labels, err := r.labels(s, 0)
				if err != nil {
					t.Fatal(err)
				}
				if s.ID == "test-bad" {
					harm(labels)
				}
				e.put(container.Summary{ID: s.ID, Labels: labels, State: container.StateRunning})
			}
			recovered, err := r.Recover(t.Context())
			if err != nil || len(recovered) != 1 || recovered[0].ID() != "test-good" {
				t.Errorf("Recover = %v, %v; want the task that is whole", recovered, err)
			}
			if left := e.names(); len(left) != 1 || left[0] != "test-good" {
				t.Errorf("containers %v are left, want that of the task that is whole", left)
			}
		})
	}
}
