// Package lambda is AWS Lambda in one region of one account: functions, their versions and
// aliases, and what is invoked of them. Their code is files of a code.Store; they run in
// the environments of a function.Host.
package lambda

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"flyball/internal/cell"
	"flyball/internal/deliver"
	"flyball/internal/service/lambda/code"
	"flyball/internal/state"
	"flyball/internal/tally"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell *cell.Cell
	Code *code.Store // the code of the cell's functions
	// Folders lets functions have their code in folders of this machine, as it is when
	// they start.
	Folders bool
	// Account finds the service of another account in the region, whose functions may be
	// named by their ARNs; nil finds none.
	Account func(account string) *API
	// Roles are the execution roles of the account; nil takes every role as a name.
	Roles Roles
	// Runner runs functions; Deliveries brings events to them, and what became of those to
	// their destinations: by Route, which hands an invocation to whoever an ARN names, or, on
	// event buses, by PutEvent.
	Runner     Runner
	Deliveries Deliveries
	Route      func(ctx context.Context, to string, message any) error
	PutEvent   func(context.Context, deliver.Invocation, types.PutEventsRequestEntry) error
	// Provisioner keeps environments started; nil keeps none.
	Provisioner Provisioner
	// Deleted, if set, is told of each version and alias that is being deleted, as part of
	// that change: what scales its provisioned concurrency goes with it.
	Deleted func(ctx context.Context, function, qualifier string) error
	// Queues are those of SQS that event source mappings take messages from. MayPoll tells
	// which operation of SQS the role of a function does not allow on a queue, that it needs
	// for that; nil judges nothing.
	Queues  Queues
	MayPoll func(ctx context.Context, role, function, queue string) (denied string, err error)
	// Logs takes what functions write; nil keeps nothing.
	Logs Logs
	// Metrics takes what functions measure; nil keeps none.
	Metrics tally.Recorder
	// Endpoint is where the code of functions is for who asks within the server.
	Endpoint string
}

// An API serves the operations of Lambda. Its methods may be called concurrently.
type API struct {
	cfg  Config
	cell *cell.Cell
	mark []byte // signs the URLs of code

	limiter limiter
	meter   meter
	wallet  wallet

	functions  *state.Table[functionRow] // by name
	versions   *state.Table[version]     // by versionKey
	aliases    *state.Table[alias]       // by key of their names
	policies   *state.Table[policy]      // by key of the qualifier, which may be empty
	asyncs     *state.Table[asyncConfig] // by key of the qualifier, $LATEST for none
	mappings   *state.Table[mapping]     // by UUID
	provisions *state.Table[provisioned] // by key of the qualifier

	feeds feeds
	kept  provisions
}

// A functionRow is what all its versions and aliases have in common.
type functionRow struct {
	Name     string
	Created  time.Time
	Tags     map[string]string
	Reserved *int32 // concurrency that is kept for it; nil: it shares what is left
	Last     int    // the number of the version that was published last, also when it is deleted
}

var (
	kindFunction = state.Kind{Name: "lambda.function", Version: 1}
	kindVersion  = state.Kind{Name: "lambda.version", Version: 1}
	kindAlias    = state.Kind{Name: "lambda.alias", Version: 1}
	kindPolicy   = state.Kind{Name: "lambda.policy", Version: 1}
	kindAsync    = state.Kind{Name: "lambda.async", Version: 1}
)

// New returns the service with what the cell remembers.
func New(cfg Config) (a *API, err error) {
	a = &API{cfg: cfg, cell: cfg.Cell, mark: make([]byte, 32)}
	_, _ = rand.Read(a.mark) // it never fails
	a.limiter.running, a.meter = map[string]underway{}, newMeter(a.cell.Clock, cfg.Metrics)
	if a.functions, err = state.NewTable[functionRow](a.cell.State, kindFunction); err != nil {
		return nil, err
	}
	if a.versions, err = state.NewTable[version](a.cell.State, kindVersion); err != nil {
		return nil, err
	}
	if a.aliases, err = state.NewTable[alias](a.cell.State, kindAlias); err != nil {
		return nil, err
	}
	if a.policies, err = state.NewTable[policy](a.cell.State, kindPolicy); err != nil {
		return nil, err
	}
	if a.asyncs, err = state.NewTable[asyncConfig](a.cell.State, kindAsync); err != nil {
		return nil, err
	}
	if a.provisions, err = state.NewTable[provisioned](a.cell.State, kindProvisioned); err != nil {
		return nil, err
	}
	if a.mappings, err = state.NewTable[mapping](a.cell.State, kindMapping); err != nil {
		return nil, err
	}
	a.openAsync()
	return a, cfg.Code.Sweep(a.isUsed)
}

// Run provisions environments, carries out event source mappings and publishes metrics until ctx ends.
func (a *API) Run(ctx context.Context) error {
	a.provisionEverything()
	var loops sync.WaitGroup
	loops.Go(func() { a.runMappings(ctx) })
	a.cell.Clock.Go(ctx, &loops, a.meter.Run)
	a.cell.Clock.Idle(ctx, loops.Wait)
	return nil
}

// isUsed tells whether a version has the code with a digest.
func (a *API) isUsed(digest string) (used bool) {
	a.cell.State.View(context.Background(), func() {
		for _, k := range a.versions.Keys("") {
			v, _ := a.versions.Get(k)
			used = used || v.Code.Digest == digest
		}
	})
	return used
}

// sweep removes the code of what was deleted or replaced.
func (a *API) sweep() {
	if err := a.cfg.Code.Sweep(a.isUsed); err != nil {
		a.cell.Log.Warn("code that no function has any more could not be removed", "reason", err)
	}
}
