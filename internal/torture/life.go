package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"
)

const (
	startsInARow = 5                // that fail, until the run is given up
	stopsWithin  = 20 * time.Second // of SIGTERM
)

// launch starts the server once, and waits until it is ready.
func (r *run) launch(ctx context.Context) (*program, error) {
	p, err := start(r.options, r.addr, r.data, r.mark)
	if err != nil {
		return nil, err
	}
	if _, err := p.ready(ctx); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// start starts the server until it is ready.
func (r *run) start(ctx context.Context, n int) (*program, error) {
	for attempt := 1; ; attempt++ {
		p, err := start(r.options, r.addr, r.data, r.mark)
		if err != nil {
			return nil, err
		}
		if r.early != nil && p.answers(ctx) {
			callEarly(ctx, r.churns, r.early)
			r.figures.early++
			r.early = nil
		}
		took, err := p.ready(ctx)
		if err == nil {
			r.figures.ready = append(r.figures.ready, took)
			return p, nil
		}
		p.kill()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.readLog(n, p, fault{badStart, fmt.Sprint("start ", r.figures.lives), err.Error()})
		r.endHalfMade(n, p)
		if attempt == startsInARow {
			return nil, err
		}
	}
}

// begin starts the server and compares what it shows with what is known. One
// that ends meanwhile is started again.
func (r *run) begin(ctx context.Context, n int) (*program, error) {
	for attempt := 1; ; attempt++ {
		p, err := r.start(ctx, n)
		if err != nil {
			return nil, err
		}
		if n == 1 {
			if err := setUp(ctx, r.regions, r.mark); err != nil {
				p.kill()
				return nil, err
			}
		}
		if err = r.check(ctx, n); err == nil {
			return p, nil
		}
		ended := p.ending()
		p.kill()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !ended || attempt == startsInARow {
			return nil, fmt.Errorf("%w; the server's log ends with %q", err, p.log.last())
		}
		r.died(n, p)
	}
}

// kill ends a life at once.
func (r *run) kill(n int, p *program) {
	if p.kill() {
		r.figures.kills++
		r.readLog(n, p, fault{})
	} else {
		r.died(n, p)
	}
	r.lookForTasks()
}

// terminate ends a life in order: no task is left.
func (r *run) terminate(n int, p *program) {
	if p.ended() {
		r.kill(n, p)
		return
	}
	after := time.Since(p.began)
	err := p.terminate()
	r.figures.stops++
	var otherwise fault
	if err != nil {
		otherwise = fault{panicked, fmt.Sprint("life ", r.figures.lives), err.Error()}
	}
	r.readLog(n, p, otherwise)
	r.lookForTasks()
	if len(r.alive) > 0 {
		r.report(n, fault{orphan, fmt.Sprint("stop ", r.figures.lives),
			fmt.Sprintf("SIGTERM %v after the start left %d tasks running", after.Round(time.Millisecond), len(r.alive))})
	}
}

// died reports a server that has ended by itself.
func (r *run) died(n int, p *program) {
	r.readLog(n, p, fault{panicked, fmt.Sprint("life ", r.figures.lives),
		fmt.Sprintf("the server ended by itself, with %v: %s", p.cmd.ProcessState, p.log.last())})
}

// readLog reports a panic that the log of a life tells of, and otherwise
// something else, if there is anything. The life is over then.
func (r *run) readLog(n int, p *program, otherwise fault) {
	if line := panics(p.log.all()); line != "" {
		r.report(n, fault{panicked, fmt.Sprint("life ", r.figures.lives), line})
	} else if otherwise.kind != "" {
		r.report(n, otherwise)
	}
	r.figures.lives++
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// lookForTasks finds which tasks run on after a life.
func (r *run) lookForTasks() {
	found, err := processes(taskMark, r.mark)
	if err != nil {
		log.Print(err)
	}
	r.alive = aliveTasks(found)
}

// endHalfMade ends the children that would keep the next start from the data
// folder.
func (r *run) endHalfMade(n int, p *program) {
	faults, err := halfMade(r.mark, p.pid())
	if err != nil || len(faults) == 0 {
		return
	}
	r.report(n, faults...)
	found, _ := processes(serverMark, r.mark)
	kill(found)
}
