// Package standalone is `flyball control` as a program: a control.Host with documents of files, a
// data folder, an audit log and a port that tells how it stands.
package standalone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"flyball/internal/clock"
	"flyball/internal/control"
	"flyball/internal/policydoc"
	"flyball/scaling"
)

// Config says what is scaled, and how.
type Config struct {
	Paths     []string // files, and folders of files
	Documents policydoc.Options
	Data      string // folder of what is remembered; "": nothing is
	Audit     string // file of the audit log; "": audit.jsonl in Data, or none
	DryRun    bool
	PauseFile string // as long as it is there nothing is done; "": pause in Data, or none
	Limits    scaling.Limits
	Listen    string  // address of the port that tells how it stands; "": none
	Budget    float64 // of calls of CloudWatch, US dollars a day; 0: whatever it costs
	AWS       func(context.Context) (aws.Config, error)
	Cluster   Cluster
	TokenFile string // with the bearer token of custom resources; "": none
	Look      time.Duration
	Log       *slog.Logger
	// Ready is told once where it listens, when this controller acts, or waits for another one that does:
	// until then it may find that it cannot keep what it has to remember.
	Ready func(address string)
}

// A Cluster says which cluster of Kubernetes is meant; "" is what kubectl takes.
type Cluster struct{ File, Context string }

const (
	// looksForChanges is how often files are looked at.
	looksForChanges = 2 * time.Second
	// comparedAfter is how often a dry run is compared with what there was.
	comparedAfter = 24 * time.Hour
)

// A program is what runs.
type program struct {
	Config
	clock     *clock.Clock
	world     *world
	host      *control.Host
	documents *control.Documents
	audit     *audit
	tellReady func() // may be called again

	mu     sync.Mutex
	leads  bool
	failed error // why the documents could not be read last
}

// Run scales until ctx ends.
func Run(ctx context.Context, cfg Config) error {
	p := &program{Config: cfg, clock: clock.New(time.Now(), 1), tellReady: func() {}}
	if p.Data != "" {
		if err := os.MkdirAll(p.Data, 0o700); err != nil {
			return fmt.Errorf("make the data folder: %w; --data names another", err)
		}
		if p.Audit == "" {
			p.Audit = filepath.Join(p.Data, "audit.jsonl")
		}
		if p.PauseFile == "" {
			p.PauseFile = filepath.Join(p.Data, "pause")
		}
	}
	config, err := cfg.AWS(ctx)
	if err != nil {
		return err
	}
	p.world = newWorld(cfg, config)
	if p.audit, err = openAudit(p.Audit, p.Log); err != nil {
		return err
	}
	defer p.audit.close()
	hosting := control.Config{
		Capacity: p.world, State: control.Forgetful{}, Tell: p.tell, Log: p.Log, DryRun: p.DryRun, Paused: p.paused, Look: p.Look,
	}
	if p.Data != "" {
		folder := &control.Folder{Path: p.Data, DryRun: p.DryRun, Waiting: func() {
			p.Log.Warn("another controller has the data folder: this one waits until it ends", "folder", p.Data)
			p.tellReady()
		}}
		hosting.State, hosting.Elector = folder, folder
	}
	p.host = control.New(hosting)
	p.documents = &control.Documents{Paths: p.Paths, Options: p.Documents, Compile: p.world.compile, Tell: p.tell}
	return p.run(ctx)
}

// run runs what a program consists of, until one of them fails or ctx ends.
func (p *program) run(ctx context.Context) error {
	if _, err := p.documents.Look(p.host, p.clock.Now()); err != nil {
		return fmt.Errorf("read the policies: %w", err)
	}
	all, ctx := errgroup.WithContext(ctx)
	if p.Listen != "" {
		listener, err := net.Listen("tcp", p.Listen)
		if err != nil {
			return fmt.Errorf("listen for scrapes: %w; --listen chooses another address", err)
		}
		server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 10 * time.Second}
		all.Go(func() error {
			<-ctx.Done()
			return server.Close()
		})
		all.Go(func() error {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		if p.Ready != nil {
			p.tellReady = sync.OnceFunc(func() { p.Ready("http://" + listener.Addr().String()) })
		}
	}
	all.Go(func() error { return p.host.Run(ctx, p.clock) })
	all.Go(func() error {
		p.watchDocuments(ctx)
		return nil
	})
	if p.DryRun && p.Audit != "" {
		all.Go(func() error {
			p.compareDaily(ctx)
			return nil
		})
	}
	if err := all.Wait(); err != nil && ctx.Err() == nil {
		return err
	} else if cause := context.Cause(ctx); err != nil && !errors.Is(cause, context.Canceled) {
		return err
	}
	return nil
}

// watchDocuments governs by what files have become.
func (p *program) watchDocuments(ctx context.Context) {
	ticker := time.NewTicker(looksForChanges)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		_, err := p.documents.Look(p.host, p.clock.Now())
		p.mu.Lock()
		if err != nil && p.failed == nil {
			p.Log.Error("the policies cannot be read: those that were read last hold", "error", err)
		}
		p.failed = err
		p.mu.Unlock()
	}
}

// paused says why nothing is to be done, by the file of pauses.
func (p *program) paused() string {
	if p.PauseFile == "" {
		return ""
	}
	text, err := os.ReadFile(p.PauseFile)
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	why := fmt.Sprintf("the file %s is there", p.PauseFile)
	if first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n"); err == nil && first != "" {
		why += ": " + first
	}
	return why
}

// tell writes a record into the audit log, and into the log for people.
func (p *program) tell(r control.Record) {
	p.audit.write(r)
	switch r.Event {
	case control.Elected:
		p.setLeads(true)
		p.tellReady()
	case control.Unelected:
		p.setLeads(false)
	}
	level := slog.LevelInfo
	attributes := []any{"event", string(r.Event)}
	if r.Target != "" {
		attributes = append(attributes, "target", string(r.Target))
	}
	switch r.Event {
	case control.Refused, control.Blind, control.Unseen, control.Unkept, control.Missing, control.Held:
		level = slog.LevelWarn
	case control.Compared:
		level = slog.LevelDebug
	}
	what := r.Reason
	if a := r.Activity; a != nil {
		what = a.Description
		attributes = append(attributes, "status", string(a.Status), "cause", a.Cause)
		if a.Details != "" {
			attributes = append(attributes, "details", a.Details)
		}
		if len(a.NotScaled) > 0 {
			level = slog.LevelDebug
		} else if a.Status == scaling.Failed {
			level = slog.LevelWarn
		}
	}
	if r.DryRun {
		attributes = append(attributes, "dryRun", true)
	}
	p.Log.Log(context.Background(), level, what, attributes...)
}

func (p *program) setLeads(leads bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leads = leads
}

// compareDaily tells each day what a dry run would have done.
func (p *program) compareDaily(ctx context.Context) {
	for from := p.clock.Now(); p.clock.SleepUntil(ctx, from.Add(comparedAfter)) == nil; from = from.Add(comparedAfter) {
		report, err := control.CompareFile(p.Audit, from, p.clock.Now())
		if err != nil {
			p.Log.Error("the dry run cannot be compared", "error", err)
			continue
		}
		p.tell(control.Record{At: p.clock.Now(), Event: control.Reported, DryRun: true, Reason: report.String()})
	}
}
