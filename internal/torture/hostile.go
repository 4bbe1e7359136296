package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// An assault is what callers do to a server that mean it no good. While it goes on, others
// have to be answered, and the server's memory has to stay within a bound.
type assault struct {
	name  string
	most  int // MiB of memory that the server may have at most
	do    func(context.Context, *victim) error
	flags []string // of the server
}

var assaults = []assault{
	{"100 bodies that unpack to 1 GiB each", 512, packedBodies, nil},
	{"1,000 bodies of 4 MiB announced", 160, announcedBodies, nil},
	{"1,000 bodies that stop half-way", 1024, halfBodies, nil},
	{"1,000 headers that trickle in", 160, slowHeaders, nil},
	{"1,000 callers that read none of their answers", 600, unreadAnswers, []string{"--runtime", "simulated"}},
	{"1,000 bodies nested 100,000 deep", 512, nestedBodies, nil},
}

// Limits of a run.
const (
	answeredWithin = 5 * time.Second  // a call of somebody else
	cutWithin      = 60 * time.Second // a connection that does not move
)

// A victim is a server under an assault.
type victim struct {
	*program
	faults []fault

	slowest, slowestLarge time.Duration // answers to others, small and large
	slowestCall           string        // with a large one
}

func (v *victim) fault(name, format string, args ...any) {
	v.faults = append(v.faults, fault{overrun, name, name + ": " + fmt.Sprintf(format, args...)})
}

// assaulted makes the assaults, each on a new server.
func assaulted(ctx context.Context, r *run) error {
	return r.repeat(ctx, func(ctx context.Context, n int) error {
		a := assaults[(n-1)%len(assaults)]
		faults, err := r.assault(ctx, a)
		r.report(n, faults...)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		return os.RemoveAll(r.data)
	})
}

// assault makes one assault.
func (r *run) assault(ctx context.Context, a assault) ([]fault, error) {
	r.flags = a.flags
	p, err := r.launch(ctx)
	if err != nil {
		return nil, err
	}
	defer p.kill()
	v := &victim{program: p}
	if err := a.do(ctx, v); err != nil {
		return v.faults, err
	}
	peak, err := v.memory("VmHWM:")
	if err != nil {
		return v.faults, err
	}
	log.Printf("%s: %d MiB at most; others were answered within %v%s", a.name, peak, v.slowest.Round(time.Millisecond), v.large())
	r.peak, r.slowest, r.slowestLarge = max(r.peak, peak), max(r.slowest, v.slowest), max(r.slowestLarge, v.slowestLarge)
	if most := int(r.memory * float64(a.most)); peak > most {
		v.fault(a.name, "the server had %d MiB, which is more than %d", peak, most)
	}
	v.answersOthers(a.name)
	if err := p.terminate(); err != nil {
		v.fault(a.name, "%v", err)
	}
	return v.faults, nil
}

// memory is a figure of the server's memory, in MiB, as in proc(5).
func (v *victim) memory(figure string) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", v.pid()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, figure); ok {
			kib, err := strconv.Atoi(strings.Fields(value)[0])
			return kib >> 10, err
		}
	}
	return 0, fmt.Errorf("no %s in the status of the server's process", figure)
}

// answersOthers makes a call of somebody who means the server no harm.
func (v *victim) answersOthers(name string) {
	began := time.Now()
	if err := v.call("ecs", "AmazonEC2ContainerServiceV20141113.ListClusters", `{}`); err != nil {
		v.fault(name, "the call of another was not answered: %v", err)
	}
	took := time.Since(began)
	v.slowest = max(v.slowest, took)
	if took > v.slow(answeredWithin) {
		v.fault(name, "the call of another took %v", took)
	}
}

// large says how long others waited for large answers, if any asked for such.
func (v *victim) large() string {
	if v.slowestLarge == 0 {
		return ""
	}
	return fmt.Sprintf(", those who read large answers within %v (%s)", v.slowestLarge.Round(time.Millisecond), v.slowestCall)
}

// fewDescriptors has a service of 40 tasks with 64 descriptors. All run, as none needs one of
// the server's, or the log says why not.
func fewDescriptors(ctx context.Context, r *run) error {
	script := filepath.Join(r.dir, "limited")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nulimit -n 64\nexec '"+r.binary+"' \"$@\"\n"), 0o700); err != nil {
		return err
	}
	r.binary = script
	return r.repeat(ctx, func(ctx context.Context, n int) error {
		p, err := r.launch(ctx)
		if err != nil {
			return err
		}
		defer p.kill()
		v := &victim{program: p}
		if err := v.runOutOfDescriptors(ctx); err != nil {
			return err
		}
		r.report(n, append(v.faults, r.leftBehind("after few descriptors")...)...)
		return os.RemoveAll(r.data)
	})
}

// runOutOfDescriptors starts tasks while idle callers hold more connections than the server
// has descriptors, and again when they have gone.
func (v *victim) runOutOfDescriptors(ctx context.Context) error {
	const name = "40 tasks with 64 descriptors"
	_, closeAll, err := v.dialAll(80, []byte("POST / HTTP/1.1\r\n"))
	if err != nil {
		return err
	}
	pause(ctx, time.Second)
	closeAll()
	running, failed, err := v.fillWithTasks(ctx, 40)
	if err != nil {
		return err
	}
	said := strings.Join(v.log.all(), "\n")
	log.Printf("%s: %d run, others say %q", name, running, failed)
	if running < 40 && !strings.Contains(failed, "file descriptors") {
		v.fault(name, "%d tasks run, and others say %q", running, failed)
	}
	if strings.Count(said, "file descriptors run short") != 1 {
		v.fault(name, "the log does not say once that descriptors run short: %s", oneLine(said))
	}
	v.answersOthers(name)
	if err := v.terminate(); err != nil {
		v.fault(name, "%v", err)
	}
	return nil
}

// leftBehind are cgroups of tasks after a stop.
func (r *run) leftBehind(name string) (faults []fault) {
	groups, err := cgroups(r.data)
	if err != nil {
		return []fault{{orphan, name, err.Error()}}
	}
	for _, id := range groups {
		faults = append(faults, fault{orphan, "cgroup " + id, name + ": the cgroup of task " + id + " is left"})
	}
	return faults
}

// adoptions is how many starts in a row have tasks of a server that was killed to take up.
const adoptions = 4

// stopsEarly stops servers while they start, and while they take up tasks of one that was
// killed.
func stopsEarly(ctx context.Context, r *run) error {
	var took time.Duration // of a start
	err := r.repeat(ctx, func(ctx context.Context, n int) (err error) {
		if (n-1)%adoptions == 0 {
			if took, err = r.leaveTasks(ctx); err != nil {
				return err
			}
		}
		after := time.Duration(r.rng.Float64() * 1.3 * float64(took))
		if n%2 == 0 {
			after = time.Duration(1+r.rng.IntN(100)) * time.Millisecond // before most is begun
		}
		return r.stopWhileStarting(ctx, n, after)
	})
	if err != nil {
		return err
	}
	p, err := r.launch(ctx)
	if err != nil {
		return fmt.Errorf("after early stops: %w", err)
	}
	defer p.kill()
	if err := p.terminate(); err != nil {
		return err
	}
	r.report(r.attempts, r.leftBehind("SIGTERM while starting")...)
	return nil
}

// stopWhileStarting starts a server and stops it after a time.
func (r *run) stopWhileStarting(ctx context.Context, n int, after time.Duration) error {
	const name = "SIGTERM while starting"
	p, err := start(r.options, r.addr, r.data, r.mark)
	if err != nil {
		return err
	}
	pause(ctx, after)
	began := time.Now()
	if err := p.terminate(); err != nil && !diedUnborn(p) {
		r.report(n, fault{overrun, fmt.Sprint(name, n), fmt.Sprintf("%s: %v", name, err)})
	}
	if stopped := time.Since(began); stopped > r.within(stopsWithin/2) {
		r.report(n, fault{overrun, fmt.Sprint(name, n), fmt.Sprintf("%s: it took %v", name, stopped)})
	}
	return nil
}

// diedUnborn reports whether a program was stopped before it could take the signal: it has
// said and done nothing yet.
func diedUnborn(p *program) bool {
	status := p.cmd.ProcessState.String()
	return strings.Contains(status, "signal: terminated") && p.out.last() == "" && p.log.last() == ""
}

// leaveTasks kills a server that runs tasks, and says how long its start took.
func (r *run) leaveTasks(ctx context.Context) (took time.Duration, err error) {
	began := time.Now()
	p, err := r.launch(ctx)
	if err != nil {
		return 0, err
	}
	defer p.kill()
	took = time.Since(began)
	v := &victim{program: p}
	_, _, err = v.fillWithTasks(ctx, 3)
	return took, err
}
