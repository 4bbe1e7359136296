package server

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/service/iam"
	"flyball/internal/service/sts"
	"flyball/internal/state"
	"flyball/internal/wire"
)

// global are the services that an account has once for all regions of a partition.
type global struct {
	iam *iam.API
	sts *sts.API
}

// globals are the accounts whose global services the server has. They are opened
// when the first call comes, also those that earlier lives of the server had.
type globals struct {
	open func(account, partition string) (*global, error)

	mu     sync.Mutex
	opened map[string]*global // by scope
	known  map[string]bool    // scopes with rows of an earlier life, opened or not
}

// of opens the global services of an account, if they are not open yet.
func (g *globals) of(account, partition string) (*global, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	scope := cell.Scope(account, cell.Global(partition))
	if v := g.opened[scope]; v != nil {
		return v, nil
	}
	if !g.known[scope] && len(g.known) >= mostCells {
		return nil, &smithy.GenericAPIError{
			Code: "LimitExceededException", Fault: smithy.FaultClient,
			Message: fmt.Sprintf("The server has resources of %d accounts already, which is the most that it serves.", mostCells),
		}
	}
	v, err := g.open(account, partition)
	if err != nil {
		return nil, fmt.Errorf("open the global services of account %s: %w", account, err)
	}
	g.opened[scope], g.known[scope] = v, true
	return v, nil
}

// find are the global services of an account that has any, or nil.
func (g *globals) find(account, partition string) *global {
	g.mu.Lock()
	known := g.known[cell.Scope(account, cell.Global(partition))]
	g.mu.Unlock()
	if !known {
		return nil
	}
	v, err := g.of(account, partition)
	if err != nil {
		return nil
	}
	return v
}

// openGlobal loads the global services of an account.
func (s *Server) openGlobal(account, partition string) (*global, error) {
	region := cell.Global(partition)
	scope := cell.Scope(account, region)
	c := &cell.Cell{
		Account: account, Region: region, Clock: s.clock, State: s.state.Scope(scope), Events: &s.events, Log: s.cfg.Log,
	}
	v := new(global)
	var err error
	if v.iam, err = iam.New(iam.Config{Cell: c}); err != nil {
		return nil, err
	}
	v.sts, err = sts.New(sts.Config{
		Cell: c,
		IAM:  v.iam,
		Account: func(account string) (*sts.API, bool) {
			if other := s.globals.find(account, partition); other != nil {
				return other.sts, true
			}
			return nil, false
		},
		Trust:     trust{&s.judge, s.clock},
		AccountOf: s.accountOf,
	})
	if err != nil {
		return nil, err
	}
	s.state.Later(func(tx *state.Tx) { tx.Put(kindCell, scope, struct{}{}) })
	return v, nil
}

// inGlobal finds a global service by the scope of a call.
func inGlobal[T any](s *Server, of func(*global, wire.Scope) T) func(context.Context, wire.Scope) (T, error) {
	return func(_ context.Context, scope wire.Scope) (service T, err error) {
		v, err := s.globals.of(scope.Account, cell.Partition(scope.Region))
		if err != nil {
			return service, err
		}
		return of(v, scope), nil
	}
}
