package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/postgres/postgrestest"
)

const (
	// answersWithin is how long a call may take whose write waits for room: it is told so after ten seconds.
	answersWithin = 12 * time.Second
	// refusesWithin is how soon a database that was filled refuses a write: some still find room in its tables.
	refusesWithin = 20 * time.Second
	// largeMessage is longer than what is kept within a row, so that it needs room of its own.
	largeMessage = 4 << 10
)

func noSmallDatabase() string { return cmp.Or(noPostgres(), noDisk()) }

// A fullDatabase is replicas on a database whose disk is filled and emptied under them.
type fullDatabase struct {
	*ownersRun
	disk  string
	round int

	mu     sync.Mutex
	filled time.Time      // when the disk was; zero: it is not
	kept   int            // calls that were refused and kept nothing
	told   map[string]int // operations that were told that they wait
	late   []fault
}

// fullDatabases fills the disk of replicas' database again and again, with clients that write meanwhile, may kill the one that
// answers then, and compares what is there with what was said.
func fullDatabases(ctx context.Context, r *run) error {
	disk := filepath.Join(r.dir, "tables")
	// PostgreSQL's user has a folder on the disk, and the way there.
	if err := errors.Join(os.Mkdir(disk, 0o700), os.Chmod(r.dir, 0o711)); err != nil {
		return err
	}
	return onSmallDisk(disk, func() error {
		if err := os.Chmod(disk, 0o711); err != nil {
			return err
		}
		create := func(c *postgrestest.Cluster, ctx context.Context, database string) (string, error) {
			return c.CreateIn(ctx, database, filepath.Join(disk, "database"))
		}
		return withReplicas(ctx, r, create, func(o *ownersRun) error {
			d := &fullDatabase{ownersRun: o, disk: disk, told: map[string]int{}}
			for _, w := range o.load.writers {
				w.padding, w.heard = strings.Repeat(".", largeMessage), d.hear
			}
			defer d.print()
			return r.repeat(ctx, d.once)
		})
	})
}

func (d *fullDatabase) fault(k kind, subject, text string) {
	d.report(d.round, fault{k, subject, text})
}

// hear notes what a caller was told.
func (d *fullDatabase) hear(a answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case keptNothing(a.err):
		d.kept++
	case a.err != nil && strings.Contains(a.err.Error(), "waits to be written"):
		d.told[a.operation]++
	}
	if !d.filled.IsZero() && a.took > d.within(answersWithin) {
		d.late = append(d.late, fault{overrun, a.operation, fmt.Sprintf("%s was answered after %v while the database was full: %v", a.operation, a.took.Round(time.Millisecond), a.err)})
	}
}

// lateAnswers are the faults of calls since the last time.
func (d *fullDatabase) lateAnswers() (late []fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	late, d.late = d.late, nil
	return late
}

// refusals is how many calls were refused until now.
func (d *fullDatabase) refusals() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kept
}

// once fills the disk while clients write, looks at what replicas do then, and makes room.
func (d *fullDatabase) once(ctx context.Context, n int) error {
	d.round = n
	owner, err := d.owner(ctx)
	if err != nil {
		return err
	}
	stop := d.load.start(ctx)
	defer stop()
	pause(ctx, time.Duration(200+d.rng.IntN(400))*time.Millisecond)
	filler := filepath.Join(d.disk, "filler")
	if err := fill(filler); err != nil {
		return err
	}
	filled := time.Now() // datapoints are in memory from then on, and lost with a kill
	d.setFilled(filled)
	d.awaitRefusal(ctx)
	d.read(ctx)
	pause(ctx, answersWithin) // whoever's call is under way is told so
	kill := n%3 == 0
	if kill {
		owner.down.Store(true)
		owner.program.kill()
		pause(ctx, time.Duration(d.rng.IntN(8000))*time.Millisecond)
	}
	if err := os.Remove(filler); err != nil {
		return err
	}
	d.awaitWrites(ctx, kill)
	d.setFilled(time.Time{})
	stop()
	if kill {
		if err := d.launch(ctx, owner); err != nil {
			return err
		}
	}
	d.reportPanics(n)
	d.reportLosses()
	d.report(n, d.lateAnswers()...)
	d.report(n, d.load.check(ctx, filled)...)
	if n%10 == 0 {
		log.Printf("round %d: %d calls acknowledged, %d faults", n, d.load.acknowledged.Load(), d.failures)
	}
	return ctx.Err()
}

func (d *fullDatabase) setFilled(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.filled = at
}

// awaitRefusal waits until a call is refused: that the database has no room is known with the first write that it does not take.
func (d *fullDatabase) awaitRefusal(ctx context.Context) {
	for began, before := time.Now(), d.refusals(); d.refusals() == before; pause(ctx, 20*time.Millisecond) {
		if time.Since(began) > d.within(refusesWithin) {
			d.fault(lost, "refusal", "no write is refused on a full disk")
			return
		}
	}
}

// read reads from each replica while the database is full.
func (d *fullDatabase) read(ctx context.Context) {
	for _, f := range d.fellows {
		within, cancel := context.WithTimeout(ctx, d.within(recoverWithin))
		_, err := f.once.ECS.ListClusters(within, &ecs.ListClustersInput{})
		cancel()
		if err != nil {
			d.fault(wrongAnswer, "read", "a read fails while the database is full: "+err.Error())
		}
	}
}

// awaitWrites waits until writes are taken again; after a kill another replica has to take over first.
func (d *fullDatabase) awaitWrites(ctx context.Context, killed bool) {
	most := recoverWithin
	if killed {
		most += movesWithin
	}
	for began := time.Now(); ; pause(ctx, 50*time.Millisecond) {
		err := d.load.probe(ctx, d.load.someone())
		if err == nil {
			return
		}
		if time.Since(began) > d.within(most) {
			d.fault(lost, "recovery", fmt.Sprintf("no writes %v after there is room: %v", d.within(most), err))
			return
		}
	}
}

// reportLosses finds replicas that could not tell the database that they are alive, for want of room.
func (d *fullDatabase) reportLosses() {
	for _, f := range d.fellows {
		for _, line := range f.program.log.all() {
			if strings.Contains(line, "the database does not answer") && strings.Contains(line, "53100") {
				d.fault(moved, line, "a lease is not renewed while the database is full: "+line)
			}
		}
	}
}

func (d *fullDatabase) print() {
	d.mu.Lock()
	defer d.mu.Unlock()
	log.Printf("%d calls acknowledged, %d refused", d.load.acknowledged.Load(), d.kept)
	for _, operation := range slices.Sorted(maps.Keys(d.told)) {
		log.Printf("%s was told %d times that it waits", operation, d.told[operation])
	}
}
