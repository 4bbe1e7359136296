// Package elb is Elastic Load Balancing v2 of one region of an account:
// application load balancers, their listeners and rules, and target groups.
//
//	a, err := elb.New(elb.Config{Cell: c, Driver: plane, Metrics: cloudWatch})
//	go a.Run(ctx) // tells the driver what is stored, and publishes metrics
//
// It keeps what is said, and tells the driver, which is the data plane, what has
// become of it:
//
//	operation ──> rows, one change ──> once it is on disk: driver
//	driver: health changed ──> Config.HealthChanged
//	driver: counts ──> metrics, each minute
//
// Package rules says what it accepts, and package fault how it refuses.
package elb

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"flyball/internal/balancer"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/state"
	"flyball/metric"
)

// Config is what the service needs of its surroundings. Only Cell must be set.
type Config struct {
	Cell   *cell.Cell
	Driver balancer.Driver // nil: nothing listens
	// Addresses are where load balancers listen. Nil has 127.0.0.1 alone.
	Addresses Addresses
	// Domain ends the DNS names of load balancers. Without it the name of one is its
	// address.
	Domain  string
	Metrics Recorder // nil takes none
	// Network knows subnets and security groups. Nil knows none.
	Network Network
	// StrictNetwork refuses VPCs, subnets and security groups that Network does not know.
	StrictNetwork bool
	// Instance is the address of an instance that is a target. One that it does not
	// know, or without it any, is taken for this machine.
	Instance func(id string) (netip.Addr, bool)
	// Now is the time by which targets drain; nil is the wall clock, in whose time connections live.
	Now func() time.Time
	// HealthChanged, if set, is told of target groups of which a target's health has
	// changed. It must not wait for long.
	HealthChanged func(groupARN string)
}

// Addresses gives out the addresses at which load balancers listen.
type Addresses interface {
	// Take finds an address that nobody has; the same name prefers the same one.
	Take(name string) netip.Addr
	// Keep takes an address that was given out in an earlier life.
	Keep(netip.Addr)
	Release(netip.Addr)
}

// A Recorder takes datapoints; CloudWatch is one.
type Recorder interface {
	Record([]metric.Sample)
}

// A Network knows what load balancers are attached to; EC2 is one. A call whose context
// comes from a change is part of it.
type Network interface {
	// SubnetVPC is the VPC and the availability zone of a subnet.
	SubnetVPC(ctx context.Context, id string) (vpc, zone string, ok bool)
	// GroupVPC is the VPC of a security group.
	GroupVPC(ctx context.Context, id string) (vpc string, ok bool)
	// DefaultGroup is the security group that a VPC has by itself. Each VPC has one.
	DefaultGroup(ctx context.Context, vpc string) (id string, ok bool)
}

// An API serves the operations of Elastic Load Balancing in a cell. Its methods may
// be called concurrently.
type API struct {
	cfg       Config
	cell      *cell.Cell
	log       *slog.Logger
	balancers *state.Table[loadBalancer] // all by ARN
	groups    *state.Table[targetGroup]
	listeners *state.Table[listener]
	rules     *state.Table[rule]
	plane     *plane
	newPeriod *clock.Signal // a load balancer may want its metrics sooner
}

// New returns the service with what the cell's state has of it. Nothing listens
// until Run is called.
func New(cfg Config) (*API, error) {
	a := &API{cfg: cfg, cell: cfg.Cell, log: cfg.Cell.Log, newPeriod: cfg.Cell.Clock.Signal()}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.cfg.Addresses == nil {
		a.cfg.Addresses = onlyLoopback{}
	}
	if a.cfg.Now == nil {
		a.cfg.Now = time.Now
	}
	if a.cfg.Network == nil {
		a.cfg.Network = noNetwork{}
	}
	if err := a.load(); err != nil {
		return nil, err
	}
	for _, b := range a.balancers.Rows("") {
		for _, ip := range append(b.others(), b.Address) {
			a.cfg.Addresses.Keep(ip)
		}
	}
	a.plane = &plane{api: a, driver: cfg.Driver, trouble: map[string]string{}, moved: map[string]bool{}}
	return a, nil
}

func (a *API) load() (err error) {
	if a.balancers, err = state.NewTable[loadBalancer](a.cell.State, kindBalancer); err != nil {
		return err
	}
	if a.groups, err = state.NewTable[targetGroup](a.cell.State, kindGroup); err != nil {
		return err
	}
	if a.listeners, err = state.NewTable[listener](a.cell.State, kindListener); err != nil {
		return err
	}
	a.rules, err = state.NewTable[rule](a.cell.State, kindRule)
	return err
}

// Run tells the driver what is stored, and publishes metrics until ctx ends; then
// it stops the driver and returns nil.
func (a *API) Run(ctx context.Context) error {
	a.plane.setAll()
	a.metricsLoop(ctx)
	if a.cfg.Driver == nil {
		return nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRequests)
	defer cancel()
	return a.cfg.Driver.Close(last)
}

// lastRequests is how long requests that are under way may go on when the server
// stops.
const lastRequests = 2 * time.Second

// HealthChanged is what the driver calls when the health of a group's targets has
// changed.
func (a *API) HealthChanged(groupARN string) {
	if a.cfg.HealthChanged != nil {
		a.cfg.HealthChanged(groupARN)
	}
}

// read returns what a function finds that only reads rows.
func read[T any](ctx context.Context, a *API, f func() (T, error)) (found T, err error) {
	a.cell.State.View(ctx, func() { found, err = f() })
	return found, err
}

// write changes rows, all or none.
func (a *API) write(ctx context.Context, f func(context.Context, *state.Tx) error) error {
	return a.cell.State.Change(ctx, f)
}

// onlyLoopback is for whoever has no addresses to give out.
type onlyLoopback struct{}

func (onlyLoopback) Take(string) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }
func (onlyLoopback) Keep(netip.Addr)        {}
func (onlyLoopback) Release(netip.Addr)     {}
