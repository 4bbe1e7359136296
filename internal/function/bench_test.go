package function

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// compiled makes a folder with the static bootstrap of testdata/echo.
func compiled(b testing.TB) string {
	b.Helper()
	dir := b.TempDir()
	build := exec.Command("go", "build", "-ldflags=-s -w", "-tags=lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), "./testdata/echo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return dir
}

func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
}

// The time of an invocation whose environment is there.
func BenchmarkWarm(b *testing.B) {
	h := newHost(b, Options{Logs: &record{}})
	fn := function(b, "")
	fn.Code, fn.Memory = compiled(b), 1769
	invoke(b, h, fn, `{}`)
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		invoke(b, h, fn, `{"voucher":1}`)
		took = append(took, time.Since(begun))
	}
	percentiles(b, took)
}

// The time of an invocation for which an environment is started.
func BenchmarkCold(b *testing.B) {
	h := newHost(b, Options{Logs: &record{}})
	fn := function(b, "")
	fn.Code, fn.Memory = compiled(b), 1769
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		invoke(b, h, fn, `{"voucher":1}`)
		took = append(took, time.Since(begun))
		b.StopTimer()
		h.Retire(fn.ARN)
		eventually(b, "the environment has ended", func() bool { return h.environments() == 0 })
		b.StartTimer()
	}
	percentiles(b, took)
}
