package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
)

// A result is what came of a contestant.
type result struct {
	contestant

	short    time.Duration // when the load was more than the ready pods can do
	asked    float64       // millicore-hours
	unserved float64
	hours    float64 // of pods, whether ready or not

	mu      sync.Mutex
	counts  bool
	out, in int
}

// count adds a span in which there was a load, and pods.
func (r *result) count(span time.Duration, load float64, there appsv1.DeploymentStatus) {
	can := float64(there.ReadyReplicas) * podCPU
	if load > can {
		r.short += span
		r.unserved += (load - can) * span.Hours()
	}
	r.asked += load * span.Hours()
	r.hours += float64(there.Replicas) * span.Hours()
	r.mu.Lock()
	r.counts = true
	r.mu.Unlock()
}

// changed notes that the number of replicas was set.
func (r *result) changed(from, to int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.counts:
	case to > from:
		r.out++
	case to < from:
		r.in++
	}
}

func (r *result) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("| %s | %.1f min | %.2f %% | %.1f | %d (%d out, %d in) |",
		r.name, r.short.Minutes(), 100*r.unserved/r.asked, r.hours, r.out+r.in, r.out, r.in)
}

// awaitReady waits until a namespace has its first pods.
func (l *looking) awaitReady(ctx context.Context, namespace string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for int(l.of(namespace).ReadyReplicas) < n {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d pods of %s are ready: %w", l.of(namespace).ReadyReplicas, n, namespace, ctx.Err())
		case <-time.After(often):
		}
	}
	return nil
}
