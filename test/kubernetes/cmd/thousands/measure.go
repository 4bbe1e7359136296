package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"flyball/test/kubernetes/cluster"
)

// decisions are when a Deployment was decided about, by its place, and how long it took from the begin of the round until the
// change was there.
type decisions struct {
	mu    sync.Mutex
	at    map[int]time.Time
	taken int // targets that are governed
	took  []time.Duration
}

// hear reads the audit log.
func (d *decisions) hear(log io.Reader) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r struct {
			Event, Target string
			At            time.Time
			Activity      *struct{ Status string }
		}
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue // it was cut off at the end
		}
		_, name, _ := strings.Cut(r.Target, "/deployments.apps/d")
		place, err := strconv.Atoi(name)
		if err != nil {
			continue // it is about the controller
		}
		d.mu.Lock()
		switch {
		case r.Event == "taken":
			d.taken++
		case r.Event == "decided" && r.Activity != nil && r.Activity.Status == "Pending":
			d.at[place] = r.At
		}
		d.mu.Unlock()
	}
}

// match notes how long changes took.
func (d *decisions) match(ctx context.Context, changes <-chan change) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-changes:
			d.mu.Lock()
			if at, is := d.at[c.place]; is {
				d.took = append(d.took, c.at.Sub(at))
				delete(d.at, c.place)
			}
			d.mu.Unlock()
		}
	}
}

// A running is a controller that runs.
type running struct {
	*exec.Cmd
	*decisions
	listen string // where its metrics are
}

// start starts a controller, and returns when it governs all, and how long that took.
func (f *fleet) start(ctx context.Context, c *cluster.Cluster, flyball string, p plan) (*running, time.Duration, error) {
	listen, err := freeAddress()
	if err != nil {
		return nil, 0, err
	}
	log, err := os.Create(filepath.Join(filepath.Dir(c.Kubeconfig()), "flyball.log"))
	if err != nil {
		return nil, 0, err
	}
	defer log.Close()
	r := &running{exec.CommandContext(ctx, flyball, "control", "kubernetes", "--kubeconfig", c.Kubeconfig(), "--lease", "", "--listen", listen,
		"--prometheus", f.url, "--calls", strconv.Itoa(p.calls)), &decisions{at: map[int]time.Time{}}, listen}
	r.Stderr = log
	audit, err := r.StdoutPipe()
	if err != nil {
		return nil, 0, err
	}
	begin := time.Now()
	if err := r.Start(); err != nil {
		return nil, 0, err
	}
	go r.hear(audit)
	for taken := 0; taken < len(f.all); {
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			r.stop()
			return nil, 0, err
		}
		r.mu.Lock()
		taken = r.taken
		r.mu.Unlock()
		if time.Since(begin) > 10*time.Minute {
			r.stop()
			return nil, 0, fmt.Errorf("after ten minutes %d of %d targets were governed", taken, len(f.all))
		}
	}
	return r, time.Since(begin), nil
}

// stop kills it.
func (r *running) stop() {
	_ = r.Process.Kill() // it may have ended
	_ = r.Wait()
}

// measure runs the controller, and prints what it needed.
func (f *fleet) measure(ctx context.Context, c *cluster.Cluster, flyball string, p plan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first, took, err := f.start(ctx, c, flyball, p)
	if err != nil {
		return err
	}
	fmt.Printf("All were governed %.0f s after the start of a first controller, to which all are new.\n", took.Seconds())
	if err := sleep(ctx, time.Minute); err != nil {
		return err
	}
	first.stop()
	d, took, err := f.start(ctx, c, flyball, p)
	if err != nil {
		return err
	}
	defer d.stop()
	go d.match(ctx, f.scaled)
	fmt.Printf("All were governed %.0f s after the start of the next one.\n", took.Seconds())
	if err := sleep(ctx, p.warmUp); err != nil {
		return err
	}
	d.mu.Lock()
	d.took = nil
	d.mu.Unlock()
	before, err := look(d.Process.Pid, d.listen)
	if err != nil {
		return err
	}
	asked := f.asked.Load()
	if err := sleep(ctx, p.span); err != nil {
		return err
	}
	after, err := look(d.Process.Pid, d.listen)
	if err != nil {
		return err
	}
	minutes := p.span.Minutes()
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.Sort(d.took)
	fmt.Printf("| | a minute |\n| --- | ---: |\n| calls of the API server | %.0f |\n", float64(after.calls-before.calls)/minutes)
	for _, method := range []string{"GET", "PATCH", "PUT", "POST"} {
		fmt.Printf("| of these %s | %.0f |\n", method, float64(after.methods[method]-before.methods[method])/minutes)
	}
	fmt.Printf("| queries of Prometheus | %.0f |\n| changes of capacity | %.0f |\n| processor time | %.1f s |\n\n",
		float64(f.asked.Load()-asked)/minutes, float64(len(d.took))/minutes, (after.cpu-before.cpu).Seconds()/minutes)
	if n := len(d.took); n > 0 {
		fmt.Printf("From the begin of a round until a capacity was set: %.1f s for half of them, %.1f s for 99 of 100, of the wall clock.\n", d.took[n/2].Seconds(), d.took[n*99/100].Seconds())
	}
	fmt.Printf("Memory: %d MiB, %d MiB at the most.\n", after.memory>>20, after.most>>20)
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// A need is what a process has used so far.
type need struct {
	calls, memory, most int64
	methods             map[string]int64
	cpu                 time.Duration
}

// look asks the controller how many calls it has made, and the kernel what it uses.
func look(pid int, listen string) (n need, err error) {
	answer, err := http.Get("http://" + listen + "/metrics")
	if err != nil {
		return n, err
	}
	defer answer.Body.Close()
	n.methods = map[string]int64{}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "} ")
		if labels, is := strings.CutPrefix(name, "rest_client_requests_total{"); is {
			count, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return n, err
			}
			n.calls += int64(count)
			_, method, _ := strings.Cut(labels, `method="`)
			method, _, _ = strings.Cut(method, `"`)
			n.methods[method] += int64(count)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return n, err
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && (fields[0] == "VmRSS:" || fields[0] == "VmHWM:") {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return n, err
			}
			if fields[0] == "VmRSS:" {
				n.memory = kib << 10
			} else {
				n.most = kib << 10
			}
		}
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return n, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])) // proc_pid_stat(5)
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return n, err
		}
		n.cpu += time.Duration(ticks) * time.Second / 100 // a second, on all that Go runs on
	}
	return n, lines.Err()
}
