package process

import (
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"flyball/internal/image/imagetest"
	"flyball/internal/task"
)

// The time from the wish for a task to its web server's first answer, with an image
// that is kept, and some of it for the image's copy where there is no overlay.
func BenchmarkStartOfAnImage(b *testing.B) {
	big := []imagetest.Entry{}
	for i := range 2000 {
		big = append(big, imagetest.File(nameOf(i), string(make([]byte, 50_000))))
	}
	reference := pushed(b, v1.Config{Entrypoint: []string{"/program"}}, scratch(b), imagetest.Layer(b, big...))
	for _, how := range rootings[:2] {
		b.Run(how.String(), func(b *testing.B) {
			r, err := New(Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			if err := how.try(scratchIn(r.dir)); err != nil {
				b.Skip("this machine does not permit it:", err)
			}
			r.programs.roots = &roots{func() rooting { return how }}
			spec := running("task", reference, "serve:web")
			if spec.Containers[0].Digest, err = r.Pull(b.Context(), reference, ""); err != nil {
				b.Fatal(err)
			}
			startOnce(b, r, spec) // which fetches it
			var took []time.Duration
			for b.Loop() {
				took = append(took, startOnce(b, r, spec))
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
		})
	}
}

// The same of a program of this machine, among the others and in namespaces of its own.
func BenchmarkStartOfAProgram(b *testing.B) {
	for name, never := range map[string]bool{"plain": true, "namespaces": false} {
		b.Run(name, func(b *testing.B) {
			r, err := New(Options{Dir: b.TempDir(), Args: []string{"workload"}, NoSpaces: never, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			spec := builtin("task", "web")
			spec.Containers[0].Env = []string{"PORT=8080"}
			startOnce(b, r, spec) // which finds out what this machine permits
			var took []time.Duration
			for b.Loop() {
				took = append(took, startOnce(b, r, spec))
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
		})
	}
}

func nameOf(i int) string { return "files/" + string(rune('a'+i%26)) + "/" + time.Duration(i).String() }

// startOnce starts a task and ends it.
func startOnce(b *testing.B, r *Runtime, spec task.Spec) time.Duration {
	b.Helper()
	begin := time.Now()
	started, err := r.Start(b.Context(), spec)
	if err != nil {
		b.Fatal(err)
	}
	for {
		conn, err := net.Dial("tcp", net.JoinHostPort(started.Address(), "8080"))
		if err == nil {
			conn.Close()
			break
		}
		time.Sleep(time.Millisecond)
	}
	took := time.Since(begin)
	if err := started.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := started.Remove(); err != nil {
		b.Fatal(err)
	}
	return took
}
