package process

import (
	"fmt"
	"os"
	"testing"
	"time"

	"flyball/internal/task"
)

// A container whose log is to be read whole waits for the reader, and none of its lines
// is lost, though it writes more than is kept otherwise.
func TestAContainerIsHeldUpByAReaderThatWantsAll(t *testing.T) {
	const most, limit, lines = 1 << 20, 1 << 20, 400_000
	opts := options(t)
	opts.LogBytes = limit
	r := newRuntime(t, opts)
	running := start(t, r, script("held", fmt.Sprintf("exec seq -w %d", lines))).(*Task)
	log, err := running.Logs(t.Context(), "", task.LogOptions{Follow: true, Behind: most, Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for i := 1; i <= lines; i++ {
		line, err := log.Next(t.Context())
		if want := fmt.Sprintf("%06d", i); err != nil || string(line.Text) != want || line.Lost {
			t.Fatalf("line %d is %q, %v, lost %v", i, line.Text, err, line.Lost)
		}
	}
	await(t, "the end of the task", running.Done())
}

func TestAPaceHoldsUpFromTheMostToItsHalf(t *testing.T) {
	path := t.TempDir() + "/main.log"
	var held []bool
	p := pace{hold: func(up bool) { held = append(held, up) }}
	if got := p.bound(path, 10); got != 10 {
		t.Errorf("without a reader %d bytes are kept, want 10", got)
	}
	p.begin(0, 100)
	if err := os.WriteFile(path, make([]byte, 101), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := p.bound(path, 10); got != 101 {
		t.Errorf("%d bytes are kept, want all that is unread", got)
	}
	p.at(50, 101)
	p.at(51, 101)
	p.at(51, 151)
	p.at(51, 152)
	p.end()
	if want := []bool{false, true, false, true, false}; fmt.Sprint(held) != fmt.Sprint(want) {
		t.Errorf("held up: %v, want %v", held, want)
	}
}

func TestAContainerThatIsHeldUpCanBeStopped(t *testing.T) {
	r := newRuntime(t, options(t))
	spec := script("stopped", "exec yes")
	spec.Containers[0].StopTimeout = time.Minute
	running := start(t, r, spec).(*Task)
	log, err := running.Logs(t.Context(), "", task.LogOptions{Follow: true, Behind: 1 << 16, Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := running.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := running.Exits()[0].Code; got != 143 {
		t.Errorf("exit code %d, want 143: it was killed, and not asked to end", got)
	}
}
