package sim

import (
	"time"

	"flyball/autoscaler"
	"flyball/scaling"
)

// A controller lets an autoscaler that is not AWS's decide in a run: it measures between
// two of its decisions, and sets what it says.
type controller struct {
	run        *run
	autoscaler autoscaler.Autoscaler
	interval   int64
	next       int64 // when it is asked; never: there is none
	window     window
	waiting    float64 // seconds that requests have waited, of all of them
	queued     float64 // that waited when time passed last
	held       string  // why the last decision held
}

func newController(r *run) controller {
	c := controller{run: r, next: never}
	if begin := r.scenario.Autoscaler; begin != nil {
		c.autoscaler = begin()
		c.interval = max(int64(c.autoscaler.Interval()), int64(time.Second))
		c.next = r.now + c.interval
	}
	return c
}

// add adds what became of requests with some tasks.
func (c *controller) add(f *flow, running, serving float64) {
	r := c.run
	c.window.add(f, &r.queue.station, running, serving)
	queued := r.queue.waitingNow(serving, r.rate)
	c.waiting += (c.queued + queued) / 2 * f.seconds
	c.queued = queued
}

// step asks the autoscaler when its time has come.
func (c *controller) step() {
	r := c.run
	if c.next > r.now {
		return
	}
	seen := c.see()
	d := c.autoscaler.Decide(seen)
	c.window, c.waiting = window{}, 0
	c.next = r.now + c.interval
	to := min(max(d.Replicas, seen.Min), seen.Max)
	if d.Held != c.held && d.Held != "" && r.score.scored() {
		r.score.reason(d.Held).Held++
	}
	c.held = d.Held
	if to == seen.Desired {
		return
	}
	r.tasks.set(r.now, to)
	r.score.scaled(d.By, scaling.Capacity(seen.Desired), scaling.Capacity(to))
	c.tell(d, seen, to)
	r.host.noticeTasks()
}

// see gathers what the autoscaler sees.
func (c *controller) see() autoscaler.Seen {
	r, w, s := c.run, &c.window, &c.run.scenario.Service
	seconds := float64(c.interval) / 1e9
	bounds := r.host.governor.Bounds
	return autoscaler.Seen{
		At: moment(r.now), Desired: r.tasks.desired, Running: r.tasks.running(), Ready: r.tasks.serving(),
		Min: int(bounds.Min()), Max: int(bounds.Max()),
		Serving: w.serving / seconds, Requests: w.arrived / seconds,
		Concurrency: (w.inHand + c.waiting) / seconds,
		CPU:         w.served * s.CPU.Seconds() / seconds,
		Memory:      (s.MemoryAtRest*w.running + s.MemoryPerRequest*w.inHand) / seconds,
		Queue:       r.queue.waitingNow(float64(r.tasks.serving()), r.rate),
		VCPU:        s.VCPU, MiB: s.Memory,
	}
}

// tell tells an observer of what was set.
func (c *controller) tell(d autoscaler.Decision, seen autoscaler.Seen, to int) {
	tell := c.run.scenario.Observer.Activity
	if tell == nil {
		return
	}
	tell(scaling.Activity{
		ID: c.run.host.newID(), Kind: scaling.Services, Description: d.By, Cause: d.By, Status: scaling.Successful, Details: d.Reason,
		From: scaling.Capacity(seen.Desired), To: scaling.Capacity(to), Start: seen.At, End: seen.At,
	})
}
