package server

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/service/ec2"
	"flyball/internal/state"
	"flyball/internal/wire"
)

// kindCell notes which cells there are, for the next start; by scope.
var kindCell = state.Kind{Name: "server.cell", Version: 1}

// mostCells bounds how many regions and accounts a server serves at a time. Each
// costs some memory, and any client can name new ones.
const mostCells = 100

// cells are the regions of accounts that the server serves. One is opened when the
// first call for it comes.
type cells struct {
	open  func(account, region string) (*services, error)
	admit func() error // says whether another may be opened

	mu     sync.Mutex
	opened map[string]*services // by scope
	start  func(*services)      // runs the loops of a cell; nil before the server runs
}

// of is the cell of a call. It is opened if it is not open yet, unless there are too
// many.
func (c *cells) of(account, region string) (*services, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened[cell.Scope(account, region)] != nil {
		return c.locked(account, region)
	}
	if err := c.admit(); err != nil {
		return nil, err
	}
	if len(c.opened) >= mostCells {
		return nil, &smithy.GenericAPIError{
			Code: "LimitExceededException", Fault: smithy.FaultClient,
			Message: fmt.Sprintf("The server has been asked for %d regions and accounts already, which is the most that it serves.", mostCells),
		}
	}
	return c.locked(account, region)
}

// restore opens a cell, if it is not open yet, however many there are: a server must
// start with those that it had, and with another default one.
func (c *cells) restore(account, region string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.locked(account, region)
	return err
}

// locked opens a cell, if it is not open yet, under the lock.
func (c *cells) locked(account, region string) (*services, error) {
	scope := cell.Scope(account, region)
	if v := c.opened[scope]; v != nil {
		return v, nil
	}
	v, err := c.open(account, region)
	if err != nil {
		return nil, fmt.Errorf("open region %s of account %s: %w", region, account, err)
	}
	if c.start != nil {
		v.adoptNothing()
		c.start(v)
	}
	c.opened[scope] = v
	return v, nil
}

// find is a cell that is open, or nil.
func (c *cells) find(account, region string) *services {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened[cell.Scope(account, region)]
}

// all are the open cells, by scope.
func (c *cells) all() []*services {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*services
	for _, scope := range slices.Sorted(maps.Keys(c.opened)) {
		all = append(all, c.opened[scope])
	}
	return all
}

// run starts the loops of the open cells, and of those that open later.
func (c *cells) run(start func(*services)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start = start
	for _, scope := range slices.Sorted(maps.Keys(c.opened)) {
		start(c.opened[scope])
	}
}

// openCells opens the default cell, and those that earlier lives of the server had.
// Global services wait for their first call: nothing in them acts by itself.
func (s *Server) openCells() error {
	s.cells = &cells{open: s.openCell, admit: s.disk.Check, opened: map[string]*services{}}
	s.globals = &globals{open: s.openGlobal, opened: map[string]*global{}, known: map[string]bool{}}
	if err := s.cells.restore(s.cfg.Account, s.cfg.Region); err != nil {
		return err
	}
	var scopes []string
	err := state.Load(s.state, kindCell, func(scope string, _ *struct{}) error {
		scopes = append(scopes, scope)
		return nil
	})
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		account, region, _ := strings.Cut(strings.TrimSuffix(scope, "/"), "/")
		if cell.IsGlobal(region) {
			s.globals.known[scope] = true
			continue
		}
		if err := s.cells.restore(account, region); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) openCell(account, region string) (*services, error) {
	scope := cell.Scope(account, region)
	v, err := s.openServices(&cell.Cell{
		Account: account, Region: region, Clock: s.clock, State: s.state.Scope(scope), Disk: s.disk, Events: &s.events,
		// Names of resources mean nothing without their cell.
		Log: s.cfg.Log.With("account", account, "region", region),
	})
	if err != nil {
		return nil, err
	}
	s.telemetry.Cell(account, region)
	s.state.Later(func(tx *state.Tx) { tx.Put(kindCell, scope, struct{}{}) })
	if s.opened.Load() {
		s.noteFolders()
	}
	return v, nil
}

// inCell finds a service by the scope of a call.
func inCell[T any](s *Server, of func(*services) T) func(context.Context, wire.Scope) (T, error) {
	return func(_ context.Context, scope wire.Scope) (service T, err error) {
		v, err := s.cells.of(scope.Account, scope.Region)
		if err != nil {
			return service, err
		}
		return of(v), nil
	}
}

// ec2In finds EC2 by the scope of a call.
func (s *Server) ec2In(ctx context.Context, scope wire.Scope) (*ec2.API, error) {
	v, err := s.cells.of(scope.Account, scope.Region)
	if err != nil {
		return nil, err
	}
	return v.ec2(ctx)
}

// cellOf is the cell that a request to one of our own paths is about: that of the
// call, unless it names another. A user sees nothing of other accounts. Reading opens
// none.
func (s *Server) cellOf(r *http.Request, call wire.Call) (*services, error) {
	account := cmp.Or(r.FormValue("account"), call.Scope.Account)
	region := cmp.Or(r.FormValue("region"), call.Scope.Region)
	if v := s.cells.find(account, region); v != nil && s.mayLook(call, account) {
		return v, nil
	}
	return nil, &smithy.GenericAPIError{
		Code: "ValidationError", Fault: smithy.FaultClient,
		Message: fmt.Sprintf("There is nothing in region %s of account %s.", region, account),
	}
}

// mayLook reports whether a call may see what is in an account: a user sees nothing of others.
func (s *Server) mayLook(call wire.Call, account string) bool {
	return call.Principal == nil || call.Principal.Account == account || s.cfg.Administrator.has(call.Scope.AccessKey)
}

// serveRegions tells the regions of an account that calls have come for.
func (s *Server) serveRegions(w http.ResponseWriter, r *http.Request, call wire.Call) {
	account := cmp.Or(r.FormValue("account"), call.Scope.Account)
	regions := []string{}
	for _, v := range s.cells.all() {
		if v.cell.Account == account && s.mayLook(call, account) {
			regions = append(regions, v.cell.Region)
		}
	}
	writeJSON(w, regions)
}

// cellPath begins the paths at which the tasks of a cell find their metadata.
const cellPath = "/ecs/cells/"

// metadata serves the tasks of each cell under a path of its own.
func (s *Server) metadata() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(cellPath+"{account}/{region}/", func(w http.ResponseWriter, r *http.Request) {
		account, region := r.PathValue("account"), r.PathValue("region")
		v := s.cells.find(account, region)
		if v == nil {
			http.NotFound(w, r)
			return
		}
		prefix := cellPath + strings.TrimSuffix(cell.Scope(account, region), "/")
		http.StripPrefix(prefix, v.ecs.Metadata()).ServeHTTP(w, r)
	})
	// Tasks from before there were cells.
	mux.Handle("/ecs/", s.home().ecs.Metadata())
	return mux
}

// home is the default cell.
func (s *Server) home() *services { return s.cells.find(s.cfg.Account, s.cfg.Region) }
