package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/jackc/pgx/v5"

	"flyball/internal/client"
	"flyball/internal/postgres/postgrestest"
)

const (
	replicas = 3
	// movesWithin is how long after the end of an owner another one has to answer.
	movesWithin = 10 * time.Second
	// timesApart is by how much the time of an answer may differ from the database's.
	timesApart = 2 * time.Second
)

// replicaKey is the administrator's.
var replicaKey = aws.Credentials{AccessKeyID: "AKIATORTUREREPLICA01", SecretAccessKey: "known-to-all-replicas"}

func noPostgres() string {
	if _, err := postgrestest.Programs(); err != nil {
		return err.Error()
	}
	return ""
}

// A fellow is one of the replicas.
type fellow struct {
	addr, inner string
	data, shift string // the folder, and the file that says by how much its clock is wrong
	url         string // of the database, by way of the proxy
	proxy       *postgrestest.Proxy
	program     *program
	down        atomic.Bool // or cut off, or suspended: nobody calls it
	once        *client.Client
}

// An ownersRun is a run with replicas.
type ownersRun struct {
	*run
	cluster *postgrestest.Cluster
	url     string // of the database
	auth    string // the administrator's file
	fellows []*fellow
	load    *sharedLoad
	took    map[string][]time.Duration // from an end until another one answers, by its kind
	refused int                        // ends of servers whose writes were refused
}

// killsOfOwners has three replicas be called, and does something to the one that answers.
func killsOfOwners(ctx context.Context, r *run) error {
	return withReplicas(ctx, r, (*postgrestest.Cluster).Create, func(o *ownersRun) error {
		defer o.print()
		return r.repeat(ctx, o.round)
	})
}

// withReplicas starts three replicas on a database that is made for them.
func withReplicas(ctx context.Context, r *run, create func(c *postgrestest.Cluster, ctx context.Context, database string) (url string, err error), do func(*ownersRun) error) error {
	o := &ownersRun{run: r, took: map[string][]time.Duration{}, auth: filepath.Join(r.dir, "admin.ini")}
	var err error
	if o.cluster, err = postgrestest.Start(ctx, true); err != nil {
		return err
	}
	defer o.end()
	if o.url, err = create(o.cluster, ctx, "flyball"); err != nil {
		return err
	}
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", replicaKey.AccessKeyID, replicaKey.SecretAccessKey)
	if err := os.WriteFile(o.auth, []byte(text), 0o600); err != nil {
		return err
	}
	for i := range replicas {
		f, err := o.newFellow(i)
		if err != nil {
			return err
		}
		o.fellows = append(o.fellows, f)
		if err := o.launch(ctx, f); err != nil {
			return err
		}
	}
	o.load = newSharedLoad(o.fellows, r.newRand)
	if err := o.load.setUp(ctx); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	return do(o)
}

func (o *ownersRun) newFellow(i int) (f *fellow, err error) {
	f = &fellow{data: filepath.Join(o.dir, fmt.Sprint("replica-", i)), shift: filepath.Join(o.dir, fmt.Sprint("shift-", i))}
	if f.addr, err = freeAddress(o.rng); err != nil {
		return nil, err
	}
	if f.inner, err = freeAddress(o.rng); err != nil {
		return nil, err
	}
	if f.proxy, err = o.cluster.NewProxy(); err != nil {
		return nil, err
	}
	f.url = o.cluster.URLThrough(f.proxy.Address(), "flyball")
	f.once = newOnceAs("http://"+f.addr, "us-east-1", replicaKey)
	return f, os.WriteFile(f.shift, []byte("0s"), 0o600)
}

// launch starts a replica, and waits until it answers.
func (o *ownersRun) launch(ctx context.Context, f *fellow) (err error) {
	options := o.options
	options.runtime, options.speed = "simulated", 1
	options.flags = []string{"--auth", o.auth, "--store", f.url, "--replica-addr", f.inner, "--wall-shift", f.shift}
	if f.program, err = start(options, f.addr, f.data, o.mark); err != nil {
		return err
	}
	if _, err := f.program.ready(ctx); err != nil {
		return err
	}
	f.down.Store(false)
	return nil
}

// owner is the replica that has the lease.
func (o *ownersRun) owner(ctx context.Context) (*fellow, error) {
	conn, err := pgx.Connect(ctx, o.url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	for began := time.Now(); time.Since(began) < o.within(2*movesWithin); pause(ctx, 20*time.Millisecond) {
		var address string
		err := conn.QueryRow(ctx, `SELECT r.address FROM flyball.lease l JOIN flyball.replica r ON r.id = l.holder`).Scan(&address)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return nil, err
		}
		if i := slices.IndexFunc(o.fellows, func(f *fellow) bool { return f.inner == address }); i >= 0 {
			return o.fellows[i], nil
		}
	}
	return nil, errors.New("no replica has the lease")
}

// An end is something that is done to an owner.
type end struct {
	name  string
	do    func(ctx context.Context, o *ownersRun, f *fellow) error
	after func(ctx context.Context, o *ownersRun, f *fellow) error
	stays bool // the owner is called meanwhile
}

// The ends, as often as they are listed.
var ends = []end{
	killed, killed, killed, killed, killed, killed, stopped, suspended, cutOff, crash, wrongClock,
}

var (
	killed = end{name: "killed", do: func(_ context.Context, _ *ownersRun, f *fellow) error {
		f.program.kill()
		return nil
	}, after: func(ctx context.Context, o *ownersRun, f *fellow) error {
		return o.launch(ctx, f)
	}}
	stopped = end{name: "stopped", do: func(_ context.Context, _ *ownersRun, f *fellow) error {
		return f.program.cmd.Process.Signal(syscall.SIGTERM)
	}, after: func(ctx context.Context, o *ownersRun, f *fellow) error {
		if err := f.program.stops(); err != nil {
			o.report(o.attempts+1, fault{panicked, fmt.Sprint("stop ", o.attempts), err.Error()})
		}
		return o.launch(ctx, f)
	}}
	suspended = end{name: "suspended", do: func(_ context.Context, _ *ownersRun, f *fellow) error {
		return f.program.cmd.Process.Signal(syscall.SIGSTOP)
	}, after: func(ctx context.Context, o *ownersRun, f *fellow) error {
		return errors.Join(f.program.cmd.Process.Signal(syscall.SIGCONT), o.isBack(ctx, f))
	}}
	cutOff = end{name: "cut off", do: func(_ context.Context, _ *ownersRun, f *fellow) error {
		f.proxy.Cut()
		return nil
	}, after: func(ctx context.Context, o *ownersRun, f *fellow) error {
		f.proxy.Heal()
		return o.isBack(ctx, f)
	}}
	crash = end{name: "database crashed", do: func(ctx context.Context, o *ownersRun, _ *fellow) error {
		return errors.Join(o.cluster.Stop(ctx, "immediate"), o.cluster.StartAgain(ctx))
	}, stays: true}
	wrongClock = end{name: "clock set", do: func(_ context.Context, o *ownersRun, f *fellow) error {
		return os.WriteFile(f.shift, fmt.Append(nil, time.Duration(o.rng.IntN(16)-8)*time.Hour), 0o600)
	}, stays: true}
)

// isBack waits until a replica forwards again, and its server of before has ended.
func (o *ownersRun) isBack(ctx context.Context, f *fellow) error {
	f.down.Store(false)
	for began := time.Now(); ; pause(ctx, 50*time.Millisecond) {
		err := o.load.probe(ctx, f)
		if err == nil {
			break
		}
		if time.Since(began) > o.within(3*movesWithin) {
			o.report(o.attempts+1, fault{moved, fmt.Sprint("back ", o.attempts), "a replica that is back does not answer: " + err.Error()})
			return nil
		}
	}
	if refusals := strings.Count(strings.Join(f.program.log.all(), "\n"), "writes no more"); refusals > 0 {
		o.refused++
	}
	return nil
}

// round does something to the owner while all are called.
func (o *ownersRun) round(ctx context.Context, n int) error {
	f, err := o.owner(ctx)
	if err != nil {
		return err
	}
	what := ends[(n-1)%len(ends)]
	stop := o.load.start(ctx)
	pause(ctx, time.Duration(200+o.rng.IntN(400))*time.Millisecond)
	f.down.Store(!what.stays)
	began := time.Now()
	if err := what.do(ctx, o, f); err != nil {
		stop()
		return err
	}
	if what.name == crash.name {
		began = time.Now() // nobody answers before it has started again
	}
	o.await(ctx, n, what.name, began)
	pause(ctx, 200*time.Millisecond)
	stop()
	if what.after != nil {
		if err := what.after(ctx, o, f); err != nil {
			return err
		}
	}
	o.reportPanics(n)
	o.report(n, o.load.check(ctx, began)...)
	o.report(n, o.tellsTime(ctx)...)
	if n%10 == 0 {
		log.Printf("round %d: %d calls acknowledged, %d faults", n, o.load.acknowledged.Load(), o.failures)
	}
	return ctx.Err()
}

func (o *ownersRun) reportPanics(n int) {
	for _, f := range o.fellows {
		if line := panics(f.program.log.all()); line != "" {
			o.report(n, fault{panicked, line, line})
		}
	}
}

// await waits until a call is answered that began after an end.
func (o *ownersRun) await(ctx context.Context, n int, name string, began time.Time) {
	for ctx.Err() == nil {
		if o.load.probe(ctx, o.load.someone()) == nil {
			break
		}
		pause(ctx, 20*time.Millisecond)
		if time.Since(began) > o.within(6*movesWithin) {
			break
		}
	}
	took := time.Since(began)
	o.took[name] = append(o.took[name], took)
	if took > o.within(movesWithin) {
		o.report(n, fault{moved, fmt.Sprint("round ", n), fmt.Sprintf("after an owner was %s it took %v until another one answered", name, took.Round(time.Millisecond))})
	}
}

// tellsTime finds a replica whose answers tell another time than this machine's, which is the database's.
func (o *ownersRun) tellsTime(ctx context.Context) (faults []fault) {
	for _, f := range o.fellows {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.addr+"/console/api/clock", nil)
		if err != nil {
			continue
		}
		resp, err := http.DefaultClient.Do(req) // refused, and with the time
		if err != nil {
			continue
		}
		resp.Body.Close()
		told, err := time.Parse(time.RFC3339Nano, resp.Header.Get(client.NowHeader))
		if err == nil && time.Since(told).Abs() > o.within(timesApart) {
			faults = append(faults, fault{wrongTime, f.addr, fmt.Sprintf("the replicas tell %v, and it is %v", told, time.Now().UTC())})
		}
	}
	return faults
}

// print tells how long it took.
func (o *ownersRun) print() {
	var told []string
	for name, took := range o.took {
		slices.Sort(took)
		told = append(told, fmt.Sprintf("%s %d times: answered again after %v (median), %v at most",
			name, len(took), took[len(took)/2].Round(10*time.Millisecond), took[len(took)-1].Round(10*time.Millisecond)))
	}
	slices.Sort(told)
	for _, line := range told {
		log.Print(line)
	}
	log.Printf("%d calls acknowledged; %d servers ended with a write that was refused", o.load.acknowledged.Load(), o.refused)
}

// end ends all replicas and the database.
func (o *ownersRun) end() {
	for _, f := range o.fellows {
		if f.program != nil {
			f.program.kill()
		}
		f.proxy.Close()
	}
	if err := o.cluster.Close(); err != nil {
		log.Print(err)
	}
}

// pick is one of some.
func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }
