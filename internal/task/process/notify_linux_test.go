package process

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"flyball/internal/task"
)

// A program that writes as fast as it can takes not much more of the disk than is kept of
// its log, at any time.
func TestALogIsCutWhileItIsWritten(t *testing.T) {
	const kept, most = 1 << 20, 64 << 20
	opts := options(t)
	opts.LogBytes = kept
	r := newRuntime(t, opts)
	running := start(t, r, script("task", "head -c 1000000000 /dev/zero; echo; echo done"))
	path := filepath.Join(opts.Dir, "tasks", "task", "main.log")
	var peak int64
	for ended := false; !ended; {
		select {
		case <-running.Done():
			ended = true
		case <-time.After(time.Millisecond):
		}
		var info syscall.Stat_t
		if err := syscall.Stat(path, &info); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		peak = max(peak, info.Blocks*512)
	}
	t.Logf("at most %d MiB were on disk", peak>>20)
	if peak > most {
		t.Errorf("%d MiB were on disk, of which 1 is kept", peak>>20)
	}
}

// One whose lines are all wanted waits, before it has written much more than may be unread.
func TestAContainerIsHeldUpWhileItWrites(t *testing.T) {
	const unread, most = 1 << 20, 64 << 20
	r := newRuntime(t, options(t))
	running := start(t, r, script("task", "echo ready; sleep 0.3; exec cat /dev/zero")).(*Task)
	awaitLine(t, running, "ready")
	log, err := running.Logs(t.Context(), "", task.LogOptions{Follow: true, Behind: unread, Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	time.Sleep(time.Second) // in which it would write hundreds of MiB
	info, err := os.Stat(running.containers[0].logPath())
	if err != nil || info.Size() > most {
		t.Errorf("%d MiB are unread, %v", info.Size()>>20, err)
	}
}
