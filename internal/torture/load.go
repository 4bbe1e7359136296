package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// load has all clients call a server, and ends its life while they do. With
// early, each of the services with tasks has one by then, and the next start is
// called at its first moment.
func (r *run) load(ctx context.Context, p *program, early bool, end func()) {
	calling, stop := context.WithCancel(ctx)
	defer stop()
	var clients sync.WaitGroup
	for i := range writers {
		trees, rng := r.trees[i*treesPerWriter:(i+1)*treesPerWriter], r.newRand()
		clients.Go(func() { write(calling, trees, rng) })
	}
	seen := make([]map[int]sighting, readers)
	for i := range seen {
		seen[i] = map[int]sighting{}
		rng := r.newRand()
		clients.Go(func() { read(calling, r.regions, rng, seen[i]) })
	}
	breaching, churning := r.newRand(), r.newRand()
	clients.Go(func() { breach(calling, r.regions[0].once, breaching) })

	length := time.Duration(20+r.rng.IntN(300)) * time.Millisecond
	if early {
		r.early = r.startTasks(calling)
	} else {
		clients.Go(func() { r.churn(calling, churning) })
	}
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.done:
	case <-ctx.Done():
	}
	end()
	stop()
	clients.Wait()
	for _, of := range seen {
		for _, s := range of {
			r.remember(s)
		}
	}
}

// remember keeps what a reader was shown last.
func (r *run) remember(s sighting) {
	r.sightings = append(r.sightings, s)
	for id, t := range s.tasks {
		if t.rank() >= r.tasks[id].rank() {
			r.tasks[id] = t
		}
	}
}

// write makes calls on trees, until one is cut off.
func write(ctx context.Context, trees []*tree, rng *rand.Rand) {
	for ctx.Err() == nil {
		if t := trees[rng.IntN(len(trees))]; !t.step(ctx, t.home.once) {
			return
		}
	}
}

// read repeats listings and keeps the last of each.
func read(ctx context.Context, regions []*region, rng *rand.Rand, seen map[int]sighting) {
	for ctx.Err() == nil {
		i := rng.IntN(len(watched) * len(regions))
		w, l, in := newWorld(), watched[i%len(watched)], regions[i/len(watched)]
		if l.read(w, ctx, in.client) != nil {
			return
		}
		seen[i] = sighting{world: w, kinds: l.kinds, in: in}
	}
}

// churn has the services with tasks change, at a pace that two processors bear.
func (r *run) churn(ctx context.Context, rng *rand.Rand) {
	for ctx.Err() == nil {
		if s := r.churns[rng.IntN(len(r.churns))]; !s.step(ctx, s.home.once) {
			return
		}
		pause(ctx, time.Duration(10+rng.IntN(40))*time.Millisecond)
	}
}

// startTasks gives each of the services with tasks a running one, and returns
// them, or nil if a service does not come to have one.
func (r *run) startTasks(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	tasks := make([]string, len(r.churns))
	for i, s := range r.churns {
		if tasks[i] = s.startTask(ctx, s.home.once); tasks[i] == "" {
			return nil
		}
	}
	return tasks
}
