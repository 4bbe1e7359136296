package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// An assault is what callers do to a server that mean it no good. While it goes on, others
// have to be answered, and the server's memory has to stay within a bound.
type assault struct {
	name string
	most int // MiB of memory that the server may have at most
	do   func(context.Context, *victim) error
}

var assaults = []assault{
	{"1,000 bodies of 4 MiB announced", 160, announcedBodies},
	{"1,000 bodies that stop half-way", 1024, halfBodies},
	{"1,000 headers that trickle in", 160, slowHeaders},
	{"300 answers of 1 MiB that nobody reads", 1024, unreadAnswers},
	{"100 bodies that unpack to 1 GiB each", 512, packedBodies},
	{"1,000 bodies nested 100,000 deep", 512, nestedBodies},
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
}

func (v *victim) fault(name, format string, args ...any) {
	v.faults = append(v.faults, fault{overrun, name, name + ": " + fmt.Sprintf(format, args...)})
}

// tortureHostile makes all assaults, has tasks started with few descriptors, and stops
// servers early.
func tortureHostile(ctx context.Context, o options) (*tally, error) {
	r, err := newHostile(o)
	if err != nil {
		return nil, err
	}
	defer r.cleanUp(r.dir)
	for i, a := range assaults {
		faults, err := r.assault(ctx, a)
		if err != nil {
			return r.tally, fmt.Errorf("%s: %w", a.name, err)
		}
		r.report(i+1, faults...)
	}
	for _, torment := range []func(context.Context) ([]fault, error){r.fewDescriptors, r.stopsEarly} {
		faults, err := torment(ctx)
		if err != nil {
			return r.tally, err
		}
		r.report(len(assaults)+1, faults...)
	}
	return r.tally, nil
}

// hostile is a run of assaults, each on a server of its own.
type hostile struct {
	*run
	dir string
}

func newHostile(o options) (*hostile, error) {
	dir, err := os.MkdirTemp("", "torture-hostile-")
	if err != nil {
		return nil, err
	}
	r := &run{options: o, tally: newTally(), mark: fmt.Sprintf("%d-%d", os.Getpid(), o.seed), rng: rand.New(rand.NewPCG(o.seed, 0)), data: filepath.Join(dir, "data")}
	if r.addr, err = freeAddress(r.rng); err != nil {
		return nil, err
	}
	return &hostile{r, dir}, nil
}

// assault makes one assault on a new server.
func (r *hostile) assault(ctx context.Context, a assault) ([]fault, error) {
	p, err := start(r.options, r.addr, r.data, r.mark)
	if err != nil {
		return nil, err
	}
	defer p.kill()
	if _, err := p.ready(ctx); err != nil {
		return nil, err
	}
	v := &victim{program: p}
	if err := a.do(ctx, v); err != nil {
		return nil, err
	}
	peak, err := v.memory("VmHWM:")
	if err != nil {
		return nil, err
	}
	log.Printf("%s: %d MiB at most", a.name, peak)
	if peak > a.most {
		v.fault(a.name, "the server had %d MiB, which is more than %d", peak, a.most)
	}
	v.answersOthers(a.name)
	if err := p.terminate(stopsWithin); err != nil {
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
	if err := call(v.addr, "ecs", "AmazonEC2ContainerServiceV20141113.ListClusters", `{}`); err != nil {
		v.fault(name, "the call of another was not answered: %v", err)
	} else if took := time.Since(began); took > answeredWithin {
		v.fault(name, "the call of another took %v", took)
	}
}

// fewDescriptors has a service of 40 tasks with 64 descriptors.
func (r *hostile) fewDescriptors(ctx context.Context) ([]fault, error) {
	const name = "40 tasks with 64 descriptors"
	script := filepath.Join(r.dir, "limited")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nulimit -n 64\nexec '"+r.binary+"' \"$@\"\n"), 0o700); err != nil {
		return nil, err
	}
	limited := r.options
	limited.binary = script
	p, err := start(limited, r.addr, r.data, r.mark)
	if err != nil {
		return nil, err
	}
	defer p.kill()
	if _, err := p.ready(ctx); err != nil {
		return nil, err
	}
	v := &victim{program: p}
	running, failed, err := v.fillWithTasks(ctx, r.addr, 40)
	if err != nil {
		return nil, err
	}
	log.Printf("%s: %d run, others say %q", name, running, failed)
	if running == 0 || running == 40 || !strings.Contains(failed, "file descriptors") {
		v.fault(name, "%d tasks run, and others say %q", running, failed)
	}
	v.answersOthers(name)
	if said := strings.Join(p.log.all(), "\n"); strings.Count(said, "file descriptors run short") != 1 {
		v.fault(name, "the log does not say once that descriptors run short: %s", oneLine(said))
	}
	if err := p.terminate(stopsWithin); err != nil {
		v.fault(name, "%v", err)
	}
	return append(v.faults, r.leftBehind(name)...), nil
}

// leftBehind are cgroups of tasks after a stop.
func (r *hostile) leftBehind(name string) (faults []fault) {
	groups, err := cgroups(r.data)
	if err != nil {
		return []fault{{orphan, name, err.Error()}}
	}
	for _, id := range groups {
		faults = append(faults, fault{orphan, "cgroup " + id, name + ": the cgroup of task " + id + " is left"})
	}
	return faults
}

// earlyStops is how often a server is stopped while it starts.
const earlyStops = 24

// stopsEarly stops servers while they start, and while they take up tasks of one that was
// killed.
func (r *hostile) stopsEarly(ctx context.Context) (faults []fault, err error) {
	const name = "SIGTERM while starting"
	took := time.Second
	for i := range earlyStops {
		if i%4 == 0 {
			if took, err = r.leaveTasks(ctx); err != nil {
				return faults, err
			}
		}
		p, err := start(r.options, r.addr, r.data, r.mark)
		if err != nil {
			return faults, err
		}
		pause(ctx, time.Duration(r.rng.Float64()*1.3*float64(took)))
		began := time.Now()
		err = p.terminate(stopsWithin)
		if err != nil && !diedUnborn(p) {
			faults = append(faults, fault{overrun, fmt.Sprint(name, i), fmt.Sprintf("%s: %v", name, err)})
		}
		if stopped := time.Since(began); stopped > stopsWithin/2 {
			faults = append(faults, fault{overrun, fmt.Sprint(name, i), fmt.Sprintf("%s: it took %v", name, stopped)})
		}
	}
	p, err := start(r.options, r.addr, r.data, r.mark)
	if err != nil {
		return faults, err
	}
	defer p.kill()
	if _, err := p.ready(ctx); err != nil {
		return append(faults, fault{badStart, name, "after early stops: " + err.Error()}), nil
	}
	if err := p.terminate(stopsWithin); err != nil {
		faults = append(faults, fault{overrun, name, err.Error()})
	}
	return append(faults, r.leftBehind(name)...), nil
}

// diedUnborn reports whether a program was stopped before it could take the signal: it has
// said and done nothing yet.
func diedUnborn(p *program) bool {
	status := p.cmd.ProcessState.String()
	return strings.Contains(status, "signal: terminated") && p.out.last() == "" && p.log.last() == ""
}

// leaveTasks kills a server that runs tasks, and says how long its start took.
func (r *hostile) leaveTasks(ctx context.Context) (time.Duration, error) {
	p, err := start(r.options, r.addr, r.data, r.mark)
	if err != nil {
		return 0, err
	}
	defer p.kill()
	took, err := p.ready(ctx)
	if err != nil {
		return 0, err
	}
	v := &victim{program: p}
	_, _, err = v.fillWithTasks(ctx, r.addr, 3)
	return took, err
}
