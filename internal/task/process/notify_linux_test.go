package process

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"flyball/internal/task"
)

// onceWritten are options with which only what a program writes has anybody look at its log.
func onceWritten(t *testing.T) Options {
	t.Helper()
	opts := options(t)
	opts.looks = time.Hour
	return opts
}

// awaitTrue waits for what is bound to come true.
func awaitTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// A program that writes much more than is kept of its log has it cut while it runs.
func TestALogIsCutWhileItIsWritten(t *testing.T) {
	const kept, written = 1 << 20, 200 << 20
	opts := onceWritten(t)
	opts.LogBytes = kept
	running := start(t, newRuntime(t, opts), script("task", "head -c 209715200 /dev/zero; exec sleep 1000")).(*Task)
	var peak int64
	awaitTrue(t, "the end of what is written, and its cut", func() bool {
		var log syscall.Stat_t
		if err := syscall.Stat(running.containers[0].logPath(), &log); err != nil {
			t.Fatal(err)
		}
		peak = max(peak, log.Blocks*512)
		return log.Size == written && log.Blocks*512 <= kept+2*logBlock
	})
	t.Logf("at most %d MiB were on disk", peak>>20)
}

// One whose lines are all wanted is held up when it has written more than may be unread.
func TestAContainerIsHeldUpWhileItWrites(t *testing.T) {
	const unread = 1 << 20
	begin := filepath.Join(t.TempDir(), "begin")
	running := start(t, newRuntime(t, onceWritten(t)), script("task", "while [ ! -e "+begin+" ]; do sleep 0.01; done; exec cat /dev/zero")).(*Task)
	log, err := running.Logs(t.Context(), "", task.LogOptions{Follow: true, Behind: unread, Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := os.WriteFile(begin, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := running.containers[0]
	awaitTrue(t, "it to be held up", func() bool {
		c.pace.mu.Lock()
		defer c.pace.mu.Unlock()
		return c.pace.held
	})
	size := func() int64 {
		info, err := os.Stat(c.logPath())
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	awaitTrue(t, "it to write no more", func() bool {
		time.Sleep(20 * time.Millisecond) // in which it would write some MiB
		now := size()
		defer func() { before = now }()
		return now == before
	})
	t.Logf("%d MiB are unread", before>>20)
	if before <= unread {
		t.Errorf("it is held up with %d bytes unread, of which %d may be", before, unread)
	}
}
