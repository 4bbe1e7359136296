package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// Options are those of the command line.
type options struct {
	rounds          int
	bound           time.Duration // begin no round after it
	slow, memory    float64       // how many times as much as usual the server may take
	seed            uint64
	binary, runtime string
	speed           float64
	flags           []string // more of `flyball serve`
}

// within is how long something may take that usually takes a given time at most.
func (o options) within(usual time.Duration) time.Duration {
	return time.Duration(o.slow * float64(usual))
}

// How much is going on at a time.
const (
	writers        = 4
	treesPerWriter = 3
	churns         = 3
	readers        = 2
)

// How often the server is given the time to come to rest, and how much.
const (
	settleEvery  = 10 // rounds
	settleWithin = 20 * time.Second
)

// A run is all rounds of a torment, with one data folder.
type run struct {
	options
	*tally
	dir, data  string // data is below dir
	mark, addr string
	rng        *rand.Rand
	until      time.Time
	regions    []*region

	trees  []*tree
	churns []*churn
	fixed  facts // of the services that no call changes
	made   int   // trees, until now

	// What is known of the last life.
	tasks     map[string]task // as they were seen last
	alive     map[string]bool // tasks that have a process after the end
	sightings []sighting
	early     []string // the churns' tasks, for calls at the first moment of the next; nil: no such calls

	figures figures
}

// newRun makes a folder and finds an address for a server.
func newRun(name string, o options) (*run, error) {
	r := &run{
		options: o, tally: newTally(), mark: fmt.Sprintf("%d-%d-%s", os.Getpid(), o.seed, name),
		rng: rand.New(rand.NewPCG(o.seed, 0)), until: time.Now().Add(o.bound),
	}
	var err error
	if r.binary, err = filepath.Abs(o.binary); err != nil {
		return nil, err
	}
	if r.addr, err = freeAddress(r.rng); err != nil {
		return nil, err
	}
	r.dir, err = os.MkdirTemp("", "flyball-torture-")
	r.data = filepath.Join(r.dir, "data")
	return r, err
}

// repeat does all rounds for which there is time.
func (r *run) repeat(ctx context.Context, round func(ctx context.Context, n int) error) error {
	for n := 1; n <= r.rounds; n++ {
		if time.Now().After(r.until) {
			log.Printf("the time is over after %d rounds", r.attempts)
			break
		}
		if err := round(ctx, n); err != nil {
			return fmt.Errorf("round %d: %w", n, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r.attempts++
	}
	return nil
}

// kills has clients write and read, and kills the server:
//
//	start ──> read all that the server shows, compare it with what it acknowledged
//	      ──> load: clients that write, readers that remember what they are shown
//	      ──> kill -9, or SIGTERM ──> start
//
// Each writer has things of its own and makes one call at a time, so that it
// knows what must be there after a restart: all that was acknowledged, and of the
// call that was cut off all or nothing.
func kills(ctx context.Context, r *run) error {
	r.regions = newRegions("http://" + r.addr)
	for i := range writers * treesPerWriter {
		r.trees = append(r.trees, r.newTree(r.regionOf(i)))
	}
	for i := range churns {
		home := r.regionOf(i)
		s := newChurn(fmt.Sprint(home.prefix, "churn-", i), r.newRand())
		s.home, s.deploys = home, i%2 == 1
		r.churns = append(r.churns, s)
	}
	defer r.figures.print(os.Stderr)
	if err := r.repeat(ctx, r.round); err != nil {
		return err
	}
	return r.last(ctx, r.attempts+1)
}

func (r *run) newRand() *rand.Rand { return rand.New(rand.NewPCG(r.seed, r.rng.Uint64())) }

// regionOf has a third of the trees and of the churns in the second region.
func (r *run) regionOf(i int) *region {
	if i%3 == 2 {
		return r.regions[1]
	}
	return r.regions[0]
}

func (r *run) newTree(home *region) *tree {
	r.made++
	t := newTree(fmt.Sprint(home.prefix, "tree-", r.made), r.newRand())
	t.home = home
	return t
}

// round is one life of the server.
func (r *run) round(ctx context.Context, n int) error {
	if n > 1 && r.early == nil && r.rng.IntN(7) == 0 {
		return r.stopEarly(ctx, n)
	}
	p, err := r.begin(ctx, n)
	if err != nil {
		return err
	}
	if n%settleEvery == 0 {
		log.Printf("round %d: %d calls acknowledged, %d cut off, %d faults", n, r.figures.acknowledged, r.figures.cutOff, r.failures)
		if err := r.settle(ctx, n, p); err != nil && !p.ending() {
			p.kill()
			return err
		}
	}
	end, early := r.kill, r.rng.IntN(6) == 0
	if !early && r.rng.IntN(10) == 0 {
		end = r.terminate
	}
	r.load(ctx, p, early, func() { end(n, p) })
	return ctx.Err()
}

// stopEarly is a life that is asked to stop just after it has become ready.
func (r *run) stopEarly(ctx context.Context, n int) error {
	p, err := r.start(ctx, n)
	if err != nil {
		return err
	}
	pause(ctx, time.Duration(r.rng.IntN(100))*time.Millisecond)
	r.terminate(n, p)
	return ctx.Err()
}

// last starts the server once more, waits until all is at rest, and stops it.
func (r *run) last(ctx context.Context, n int) error {
	p, err := r.begin(ctx, n)
	if err != nil {
		return err
	}
	if err := r.settle(ctx, n, p); err != nil {
		p.kill()
		return err
	}
	r.terminate(n, p)
	groups, err := cgroups(r.data)
	for _, id := range groups {
		r.report(n, fault{orphan, "cgroup " + id, "the cgroup of task " + id + " is left after SIGTERM"})
	}
	return err
}

// report counts faults and tells of those that are new.
func (r *run) report(n int, faults ...fault) {
	for _, f := range r.add(n, faults) {
		log.Printf("round %d: %s: %s", n, f.kind, oneLine(f.text))
	}
}

// cleanUp takes away all that the run has made, whatever it left running.
func (r *run) cleanUp() {
	for _, variable := range []string{serverMark, taskMark} {
		for range 50 {
			found, err := processes(variable, r.mark)
			if err != nil || len(found) == 0 {
				break
			}
			kill(found)
			pause(context.Background(), 20*time.Millisecond)
		}
	}
	folders, _ := filepath.Glob(filepath.Join(r.dir, "*")) // the pattern is sound; replicas have one each
	for _, data := range folders {
		removeCgroups(data)
		removeBridge(data)
	}
	if err := os.RemoveAll(r.dir); err != nil {
		log.Print(err)
	}
}
