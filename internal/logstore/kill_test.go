package logstore

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// killed names the folder in the environment of a process that is to be killed.
const killed = "FLYBALL_LOGSTORE_KILLED"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killed); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeUntilKilled puts events from several goroutines, compacts beside that, and prints
// each message once it is acknowledged.
func writeUntilKilled(dir string) error {
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	go s.Run(context.Background())
	time.AfterFunc(time.Minute, func() { os.Exit(1) }) // on a disk that is slow or full there are never enough
	var writers sync.WaitGroup
	var out sync.Mutex
	for stream := range uint32(4) {
		writers.Go(func() {
			for i := 0; ; i++ {
				if i%50 == 49 {
					s.mu.Lock()
					full := s.active != nil && !s.committing
					if full {
						s.active.closed, s.active = true, nil
					}
					s.mu.Unlock()
					s.wake()
				}
				message := fmt.Sprintf("%d-%d-%d", os.Getpid(), stream, i)
				if s.Append(1, stream+1, 1, []Event{{int64(i), message}, {int64(i + 1), message + "+"}}) != nil {
					return
				}
				out.Lock()
				fmt.Println(message)
				out.Unlock()
			}
		})
	}
	writers.Wait()
	return nil
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for range 8 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), killed+"="+dir)
		child.Stderr = os.Stderr
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for n := 0; lines.Scan(); n++ {
			acknowledged[lines.Text()] = true
			if n == 300 {
				time.AfterFunc(time.Duration(len(acknowledged)%7)*time.Millisecond, func() { child.Process.Kill() })
			}
		}
		child.Wait()
		if child.ProcessState.ExitCode() == 1 {
			t.Fatalf("in a minute it has written %d events, and was not killed", len(acknowledged))
		}
		s := open(t, dir)
		p, err := s.Read(t.Context(), Query{Group: 1, To: Key{Time: math.MaxInt64}, Events: math.MaxInt})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		for _, e := range p.Entries {
			seen[e.Message]++
		}
		for message := range acknowledged {
			if seen[message] != 1 || seen[message+"+"] != 1 {
				t.Fatalf("%s is there %d and %d times", message, seen[message], seen[message+"+"])
			}
		}
		for message, n := range seen {
			if n != 1 {
				t.Fatalf("%s is there %d times", message, n)
			}
		}
		s.Close()
	}
	t.Logf("%d acknowledged", len(acknowledged))
}

func TestAWriteThatFailsIsToldAndTheNextSucceeds(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, 1, 1, "a")
	s.active.file.Close()
	if err := s.Append(1, 1, 1, []Event{{5, "lost"}}); err == nil {
		t.Error("a write to a file that is closed succeeded")
	}
	put(t, s, 1, 1, "b")
	s.Close()
	s = open(t, dir)
	defer s.Close()
	if got := messages(t, s, 1); len(got) != 2 {
		t.Errorf("got %q", got)
	}
}
