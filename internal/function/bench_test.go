package function

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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

// The memory that an idle environment takes in the server.
func BenchmarkMemory(b *testing.B) {
	const environments = 100
	h := newHost(b, Options{})
	fn := function(b, "")
	fn.Code = compiled(b)
	invoke(b, h, fn, `{}`)
	for b.Loop() {
		before := inUse()
		h.Provision(fn, environments)
		eventually(b, "the environments are available", func() bool { return h.Provisioning(fn.ARN).Available == environments })
		b.ReportMetric(float64(inUse()-before)/environments/1024, "KiB/environment")
		h.Retire(fn.ARN)
		eventually(b, "the environments have ended", func() bool { return h.environments() == 0 })
	}
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers have let go of
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
