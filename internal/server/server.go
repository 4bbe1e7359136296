// Package server puts the pieces of `flyball serve` together: state, clock,
// runtime, the AWS services and the listener. It is the only package that knows
// all the others.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/authority"
	"flyball/internal/clock"
	"flyball/internal/datafolder"
	"flyball/internal/deliver"
	"flyball/internal/descriptors"
	"flyball/internal/disk"
	"flyball/internal/event"
	"flyball/internal/loadtest"
	"flyball/internal/loopback"
	"flyball/internal/permission"
	"flyball/internal/session"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/internal/task"
	"flyball/internal/telemetry"
	"flyball/internal/tuning"
	"flyball/internal/wire"
)

// A Config says what to serve. All fields but Tasks, Images, Kubernetes, TaskNetwork, TaskRange, Wall,
// Hosts, LBDomain, StrictNetwork, FeedAWSNamespaces, Roles, Administrator, AllowOtherUsers, ListenAnywhere,
// Certificate, Store, Release, ReplicaAddr and Advertise must be set.
type Config struct {
	Addr    string            // address to listen on, HOST:PORT; port 0 takes a free one
	Data    string            // folder of the durable state; empty keeps nothing
	Runtime string            // auto, process, docker, kubernetes or simulated
	Tasks   task.Runtime      // runs the tasks in place of Runtime, where it is set
	Images  map[string]string // with the process runtime: the command of an image
	// With the kubernetes runtime, where its cluster is and what it has.
	Kubernetes Kubernetes
	// With the process runtime, the network of tasks: auto, namespace or loopback.
	TaskNetwork string
	TaskRange   netip.Prefix  // has room for the network of the tasks' namespaces
	Speed       float64       // virtual seconds in a real one
	Wall        clock.Wall    // the wall clock; nil: this machine's
	Clock       string        // ClockAuto, which is the zero value's meaning, too, ClockWall or ClockManual
	Start       time.Time     // of a manual clock in its first life; zero: the minute that it is
	TaskStart   time.Duration // of a simulated task, on the server's clock
	TaskStop    time.Duration
	Account     string   // of calls whose access key names none; 12 digits
	Region      string   // of calls whose signature names none
	Hosts       []string // Host names to accept beside the loopback ones
	// LBDomain ends the DNS names of load balancers, which lead to this server at the
	// port of Addr. Without it their names are their own addresses.
	LBDomain string
	// StrictNetwork refuses VPCs, subnets and security groups that EC2 does not know.
	StrictNetwork bool
	// FeedAWSNamespaces has PutMetricData take metrics of namespaces that begin with AWS/.
	FeedAWSNamespaces bool
	Log               *slog.Logger
	// Roles says how the roles of scalable targets are taken: RolesJudged, which is the
	// zero value's meaning, too, or RolesTaken.
	Roles string
	// Administrator holds the only access key that is let in beside those of IAM and
	// STS. Without one every key that the server does not know is an administrator's, if the
	// user who started the server, or root, calls with it.
	Administrator *Administrator
	// AllowOtherUsers lets in any key from programs of other users of this machine, too.
	AllowOtherUsers bool
	// ListenAnywhere lets in any key from whoever reaches Addr, but for tasks. It is for
	// containers alone, where what is published decides who that is.
	ListenAnywhere bool
	// Certificate, if there is one, has the server speak TLS at Addr.
	Certificate *tls.Certificate
	// Store is the URL of the PostgreSQL database that replicas share; see OpenReplica. Without
	// one the state is in Data.
	Store   string
	Release string // of this program, for whoever looks at the replicas
	// ReplicaAddr is where a replica listens to other replicas, at loopback if it is empty, and
	// Advertise where they reach it, if that is another address.
	ReplicaAddr, Advertise string
}

// Where the clock of a folder begins that may be ahead of the wall clock.
const (
	ClockAuto = "auto" // where it was: time does not go back under what is stored
	ClockWall = "wall" // at the wall clock: its lead is given up
	// ClockManual has it stand still, where it was, or at Config.Start, until Advance moves it.
	ClockManual = "manual"
)

// How the roles are taken that scalable targets are registered with.
const (
	RolesJudged = "enforce" // by what they allow
	RolesTaken  = "aws"     // as AWS takes them for services of ECS: as a name
)

// A ConfigError is the error of a Config that nothing can be served with.
type ConfigError struct{ error }

// Unwrap returns what is wrong with it.
func (e ConfigError) Unwrap() error { return e.error }

// A Server is one running `flyball serve`.
type Server struct {
	cfg     Config
	uid     int // whose programs it is
	dir     folder
	clock   *clock.Clock
	ahead   clockNote
	disk    *disk.Disk // of the data folder
	store   database
	tenancy *tenancy // what a replica has lent it; nil: it is a server by itself
	state   *state.State
	runtime task.Runtime
	reserve *descriptors.Reserve

	cells   *cells
	globals *globals
	events  event.Stream
	router  deliver.Router
	running chan struct{} // closed when the loops have begun
	// opened is when calls and loops change the state, and no start does.
	opened atomic.Bool
	// operations are those that schedules may call by name.
	operations *wire.Operations
	judge      permission.Judge
	strays     []task.Task // tasks of the runtime that no service knows

	telemetry *telemetry.Telemetry
	functions *functions
	registry  imageRegistry
	addresses loopback.Addresses // of load balancers
	authority *authority.Authority
	sessions  *session.Sessions // of the console
	loadTests *loadtest.Tests
	searches  *tuning.Searches // of the console

	listeners    []net.Listener
	host         string         // the address of the first listener
	bridge       string         // the address on the tasks' own network that the server listens on, if it does
	taskNetwork  netip.Prefix   // of tasks that are containers; zero where nobody has to be told from them
	published    netip.AddrPort // where the machine has the first listener's port, if the server is in a container
	hostEndpoint string         // where programs of this machine find the server in plain HTTP
	taskEndpoint string         // where tasks find it
	connections  *descriptors.Connections
	calls        calls
	http         *http.Server
}

// Open loads the state, takes up the tasks of an earlier life and listens.
// Calls are answered once Run is called.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, ConfigError{err}
	}
	return openWith(ctx, cfg, nil)
}

// openWith is Open, for a replica with what that has lent.
func openWith(ctx context.Context, cfg Config, t *tenancy) (_ *Server, err error) {
	log := newClockedLog(cfg.Log)
	cfg.Log = slog.New(log)
	s := &Server{cfg: cfg, uid: os.Geteuid(), tenancy: t, running: make(chan struct{})}
	defer func() {
		if err != nil {
			s.release()
		}
	}()
	if s.reserve, err = descriptors.New(cfg.Log); err != nil {
		return nil, err
	}
	opened, err := s.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer opened()
	defer context.AfterFunc(ctx, s.store.GiveUp)() // who is not to begin any more does not wait for what is not there
	if doubt := s.store.Doubt(); doubt != nil {
		cfg.Log.Error("the state is read all the same", "error", doubt)
	}
	s.state = state.New(s.store)
	s.state.Admit(s.takes)
	s.authority, s.addresses.Log = authority.New(s.state), cfg.Log
	if err := s.openClock(); err != nil {
		return nil, err
	}
	log.clock.Store(s.clock)
	before, err := s.migrate()
	if err != nil {
		return nil, err
	}
	if err := s.tellGoneFolders(); err != nil {
		return nil, err
	}
	s.openTelemetry()
	s.connect()
	if err := s.listen(); err != nil {
		return nil, err
	}
	if err := s.openRuntime(ctx); err != nil {
		return nil, err
	}
	if err := s.openFunctions(); err != nil {
		return nil, err
	}
	if err := s.openRegistry(); err != nil {
		return nil, err
	}
	if err := s.openCells(); err != nil {
		return nil, err
	}
	if err := s.store.Sound(); err != nil {
		return nil, err
	}
	if err := s.adopt(ctx); err != nil {
		return nil, err
	}
	if before < datafolder.LayoutWhole {
		if err := s.mend(ctx); err != nil {
			return nil, err
		}
	}
	s.openLoadTests()
	handler, err := s.handler()
	if err != nil {
		return nil, err
	}
	s.connections = s.reserve.Connections()
	s.http = &http.Server{
		Handler:           s.calls.counted(handler),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       s.withListener,
		ConnContext:       withConnection,
		ConnState:         s.connections.Note,
		TLSConfig:         s.cfg.tls(),
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	s.noteFolders()
	s.opened.Store(true)
	return s, nil
}

// takes refuses changes while the disk or the database takes no writes, but for those of the start: a server
// that was killed on a full disk begins again.
func (s *Server) takes(bytes int) error {
	if !s.opened.Load() {
		return nil
	}
	return s.disk.CheckFor(int64(bytes))
}

// URL is where the server listens.
func (s *Server) URL() string {
	scheme := "http://"
	if s.cfg.Certificate != nil {
		scheme = "https://"
	}
	return scheme + s.listeners[0].Addr().String()
}

// PublicURL is where programs of this machine find the server: in a container, where its port
// is published.
func (s *Server) PublicURL() string {
	scheme, _, _ := strings.Cut(s.URL(), "//")
	if s.published.IsValid() {
		return scheme + "//" + s.nearHost()
	}
	return s.URL()
}

// Clock is the server's clock.
func (s *Server) Clock() *clock.Clock { return s.clock }

// Run answers calls and keeps the loops going until ctx ends; then it stops
// every task it started, writes what is in memory and returns nil. It returns
// an error when the server cannot go on.
func (s *Server) Run(ctx context.Context) error {
	defer s.release()
	group, loops := errgroup.WithContext(ctx)
	// What the start used and left is given back: most servers are idle from here on.
	group.Go(func() error {
		debug.FreeOSMemory()
		if err := releaseProgram(); err != nil {
			s.cfg.Log.Debug("memory of the start is kept", "reason", err)
		}
		return nil
	})
	s.cells.run(func(v *services) { group.Go(s.clock.Counted(loops, v.run)) })
	close(s.running)
	for _, l := range s.listeners {
		if s.tenancy.lent(l) {
			continue // the replica serves it
		}
		group.Go(func() error {
			if err := s.serve(l); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve: %w", err)
			}
			return nil
		})
	}
	group.Go(func() error {
		<-loops.Done()
		// Follow-mode log readers never end by themselves: what is not done
		// after a moment is cut off, and ends before that which it reads is closed.
		grace, cancel := context.WithTimeout(context.WithoutCancel(loops), 2*time.Second)
		defer cancel()
		var err error
		if s.http.Shutdown(grace) != nil {
			err = s.http.Close()
		}
		s.calls.drain(goodbye)
		return err
	})
	group.Go(func() error {
		select {
		case <-loops.Done():
			return nil
		case err := <-s.store.Failed():
			if errors.Is(err, store.ErrFenced) {
				return err
			}
			return fmt.Errorf("the state could not be written; mend the disk, and start again: %w", err)
		}
	})
	group.Go(func() error { s.disk.Run(loops); return nil })
	group.Go(func() error { <-loops.Done(); s.store.GiveUp(); return nil })
	group.Go(func() error { s.stopStrays(loops); return nil })
	group.Go(func() error { <-loops.Done(); s.functions.close(); return nil })
	group.Go(func() error { <-loops.Done(); s.loadTests.Close(); return nil })
	group.Go(func() error { <-loops.Done(); s.searches.Close(); return nil })
	group.Go(func() error { <-loops.Done(); s.endManual(); return nil })
	group.Go(func() error { return s.sweepRegistry(loops) })
	group.Go(func() error { return s.keepClock(loops) })
	return group.Wait()
}

// Close releases a server that was opened and not run.
func (s *Server) Close() { s.release() }

// release gives back everything that Open took, in the reverse order.
func (s *Server) release() {
	for _, l := range s.listeners {
		if !s.tenancy.lent(l) {
			l.Close()
		}
	}
	if s.functions != nil {
		s.functions.close()
	}
	if s.runtime != nil {
		if s.dir.temp {
			// Nobody will ask for the logs of what has stopped.
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			if err := clearTasks(ctx, s.runtime); err != nil {
				s.cfg.Log.Warn("stopped tasks could not be removed", "reason", err)
			}
			cancel()
		}
		if err := s.runtime.Close(); err != nil {
			s.cfg.Log.Warn("the task runtime could not be closed", "reason", err)
		}
	}
	if s.cells != nil {
		for _, v := range s.cells.all() {
			if err := v.deliveries.Close(); err != nil {
				s.cfg.Log.Error("the deliveries to targets could not be written", "error", err)
			}
			if err := v.sqs.Close(); err != nil {
				s.cfg.Log.Error("the messages of queues could not be written", "error", err)
			}
			if err := v.datapoints.Flush(); err != nil {
				s.cfg.Log.Error("the last datapoints could not be written", "error", err)
			}
			if err := v.logs.Close(); err != nil {
				s.cfg.Log.Error("the log events could not be closed", "error", err)
			}
		}
	}
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			s.cfg.Log.Error("the state could not be closed", "error", err)
		}
	}
	if err := s.disk.Close(); err != nil {
		s.cfg.Log.Warn("the reserve could not be closed", "reason", err)
	}
	if s.tenancy == nil {
		s.dir.release()
	}
	s.reserve.Close()
}

func (c Config) check() error {
	if !(c.Speed > 0) || c.Speed > 100_000 {
		return fmt.Errorf("speed %v: give a number above 0 and at most 100000", c.Speed)
	}
	if len(c.Account) != 12 || !madeOf(c.Account, digits) {
		return fmt.Errorf("account %q: an AWS account id has 12 digits", c.Account)
	}
	if c.Region == "" || !madeOf(c.Region, digits+"abcdefghijklmnopqrstuvwxyz-") {
		return fmt.Errorf("region %q: give a name such as us-east-1", c.Region)
	}
	if d := c.LBDomain; !madeOf(d, digits+"abcdefghijklmnopqrstuvwxyz-.") || strings.Trim(d, ".") != d {
		return fmt.Errorf("load balancer domain %q: give a name in lower case such as %s", d, cmp.Or(strings.ToLower(hostIn(d)), "lb.example.com"))
	}
	if err := c.checkHosts(); err != nil {
		return err
	}
	if err := c.checkClock(); err != nil {
		return err
	}
	if c.Roles != "" && c.Roles != RolesJudged && c.Roles != RolesTaken {
		return fmt.Errorf("roles %q: give %s or %s", c.Roles, RolesJudged, RolesTaken)
	}
	if !slices.Contains([]string{"auto", "process", "docker", "kubernetes", "simulated"}, c.Runtime) && c.Tasks == nil {
		return fmt.Errorf("runtime %q: give auto, process, docker, kubernetes or simulated", c.Runtime)
	}
	if err := c.checkKubernetes(); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "auto", "namespace", "loopback"}, c.TaskNetwork) {
		return fmt.Errorf("task network %q: give auto, namespace or loopback", c.TaskNetwork)
	}
	return c.checkAddr()
}

const digits = "0123456789"

// madeOf says whether a text has no other characters.
func madeOf(s, characters string) bool { return strings.Trim(s, characters) == "" }

// checkAddr refuses an address that other machines can reach where keys need not be
// known: the server starts programs for whoever it lets in.
func (c Config) checkAddr() error {
	host, err := addressOf("address", c.Addr)
	if err != nil {
		return err
	}
	if isLoopback(host) || c.Administrator != nil {
		return nil
	}
	return c.openAddress(surroundings())
}

func (c Config) checkClock() error {
	switch c.Clock {
	case "", ClockAuto, ClockWall:
		if !c.Start.IsZero() {
			return fmt.Errorf("a start at %s is for clock %s; give that, or leave the start out", c.Start.Format(time.RFC3339), ClockManual)
		}
	case ClockManual:
		if c.Speed != 1 {
			return fmt.Errorf("speed %v is for a clock that runs by itself, and a %s one does not; give one of the two", c.Speed, ClockManual)
		}
	default:
		return fmt.Errorf("clock %q: give %s, %s or %s", c.Clock, ClockAuto, ClockWall, ClockManual)
	}
	if c.TaskStart < 0 || c.TaskStop < 0 {
		return fmt.Errorf("delays %v and %v: a simulated task takes no negative time to start or stop", c.TaskStart, c.TaskStop)
	}
	return nil
}
