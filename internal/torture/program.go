package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// readyWithin is how long a start may take.
const readyWithin = 20 * time.Second

// A program is one life of the server.
type program struct {
	cmd   *exec.Cmd
	addr  string
	began time.Time
	slow  func(time.Duration) time.Duration // how long it may take, as in options.within
	out   *lines
	log   *lines
	done  chan struct{} // closed when it has ended
}

// start starts a server with its state in a folder. It does not wait until it is
// ready.
func start(o options, addr, data, mark string) (*program, error) {
	p := &program{addr: addr, began: time.Now(), slow: o.within, out: newLines(), log: newLines(), done: make(chan struct{})}
	p.cmd = exec.Command(o.binary, "serve", "--addr", addr, "--data", data, "--runtime", o.runtime,
		"--speed", fmt.Sprint(o.speed), "--log-level", "warn")
	p.cmd.Args = append(p.cmd.Args, o.flags...)
	p.cmd.Env = append(os.Environ(), serverMark+"="+mark)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.log
	// A child that the kill caught half made keeps the pipes open.
	p.cmd.WaitDelay = time.Second
	// An interrupt of the terminal is for us: we stop it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // the state tells how it ended
		close(p.done)
	}()
	return p, nil
}

func (p *program) pid() int { return p.cmd.Process.Pid }

// answers waits until connections are accepted, which is some time before the
// server says that it is ready.
func (p *program) answers(ctx context.Context) bool {
	for ctx.Err() == nil && !p.ended() {
		conn, err := net.DialTimeout("tcp", p.addr, time.Second)
		if err == nil {
			conn.Close()
			return true
		}
		pause(ctx, time.Millisecond)
	}
	return false
}

// ready waits for the line that says so, and returns how long it took.
func (p *program) ready(ctx context.Context) (time.Duration, error) {
	timeout := time.NewTimer(p.slow(readyWithin))
	defer timeout.Stop()
	select {
	case <-p.out.first:
		return time.Since(p.began), nil
	case <-p.done:
		return 0, fmt.Errorf("the start ended with %v: %s", p.cmd.ProcessState, p.log.last())
	case <-timeout.C:
		return 0, fmt.Errorf("the server was not ready after %v: %s", p.slow(readyWithin), p.log.last())
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// ended reports whether the server has ended.
func (p *program) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ending reports whether the server has ended, or is about to: a connection
// breaks some time before the process is gone, and its pipes after it.
func (p *program) ending() bool {
	select {
	case <-p.done:
		return true
	case <-time.After(3 * p.cmd.WaitDelay):
		return false
	}
}

// kill ends the server at once. It reports whether it was still running.
func (p *program) kill() bool {
	running := !p.ended() && p.cmd.Process.Kill() == nil
	<-p.done
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return running && ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// terminate asks the server to stop and waits until it has.
func (p *program) terminate() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.stops()
}

// stops waits until a server has stopped that was asked to. A second signal would end it at once.
func (p *program) stops() error {
	select {
	case <-p.done:
	case <-time.After(p.slow(stopsWithin)):
		p.kill()
		return fmt.Errorf("it did not stop within %v of SIGTERM", p.slow(stopsWithin))
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("after SIGTERM it ended with %v: %s", p.cmd.ProcessState, p.log.last())
	}
	return nil
}

// freeAddress finds a port that is the same in each life. It is below those that
// the system gives to outgoing connections: a client that calls while the server
// is down could otherwise be connected with itself.
func freeAddress(rng *rand.Rand) (string, error) {
	var last error
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rng.IntN(12000)))
		if err != nil {
			last = err
			continue
		}
		return l.Addr().String(), l.Close()
	}
	return "", last
}

// pause waits, or not as long if ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// alarming are the words of a log that tells of a panic.
var alarming = []string{"panic", "fatal error", "close of closed channel", "concurrent map", "DATA RACE"}

// panics returns the first line of a log that tells of one, "" if there is none.
func panics(log []string) string {
	for _, line := range log {
		for _, words := range alarming {
			if strings.Contains(line, words) {
				return line
			}
		}
	}
	return ""
}

// Lines keep what a program has written.
type lines struct {
	first chan struct{} // closed when there is a whole line

	mu   sync.Mutex
	text bytes.Buffer
}

func newLines() *lines { return &lines{first: make(chan struct{})} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	had := bytes.IndexByte(l.text.Bytes(), '\n') >= 0
	l.text.Write(b)
	if !had && bytes.IndexByte(b, '\n') >= 0 {
		close(l.first)
	}
	return len(b), nil
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.text.String()), "\n")
}

// last is the last line.
func (l *lines) last() string {
	all := l.all()
	return all[len(all)-1]
}
