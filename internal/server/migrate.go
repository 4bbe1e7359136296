package server

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"flyball/internal/cell"
	"flyball/internal/state"
	"flyball/internal/store"
)

// The layouts of a data folder.
const (
	unscoped = 0 // keys name no cell
	whole    = 1 // keys begin with their cell's scope, and what one call changes is one write
)

// kindLayout says which layout the folder has; one document.
var kindLayout = state.Kind{Name: "server.layout", Version: 1}

const layoutKey = "layout"

// migrate brings the folder of an earlier release to today's layout, and returns
// the one that it had. All of it is one write.
func (s *Server) migrate() (before int, err error) {
	layout, err := state.Get[int](s.state, kindLayout, layoutKey)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return 0, err
	case *layout > whole:
		return 0, fmt.Errorf("the data folder has layout %d, and this flyball knows layouts up to %d; use the release that wrote it, or a later one", *layout, whole)
	default:
		return *layout, nil
	}
	if scoped, err := s.hasCells(); scoped || err != nil {
		// A repair has moved the document of the layout aside.
		s.state.Later(func(tx *state.Tx) { tx.Put(kindLayout, layoutKey, whole) })
		return whole, err
	}
	account, region, err := s.writtenFor()
	if err != nil {
		return 0, err
	}
	if account == "" {
		s.state.Later(func(tx *state.Tx) { tx.Put(kindLayout, layoutKey, whole) })
		return whole, nil // there is nothing in it
	}
	s.cfg.Log.Info("the data folder is brought to today's layout", "region", region, "account", account)
	scope := cell.Scope(account, region)
	b := new(store.Batch).
		Put(kindLayout.Name, layoutKey, kindLayout.Encode(whole)).
		Put(kindCell.Name, scope, kindCell.Encode(struct{}{}))
	return unscoped, s.store.Rescope(scope, "server.", b)
}

// hasCells tells whether the folder knows of cells, as those of the layout before do not.
func (s *Server) hasCells() (has bool, err error) {
	err = s.store.Scan(kindCell.Name, store.Range{}, func(string, []byte) bool { has = true; return false })
	return has, err
}

// named finds a region and an account in an ARN.
var named = regexp.MustCompile(`arn:aws:[a-z-]+:([a-z0-9-]+):([0-9]{12}):`)

// writtenFor is the account and the region that a folder without cells was written
// for, as the ARNs in it say: the flags may be others today. Both are empty if the
// folder is.
func (s *Server) writtenFor() (account, region string, err error) {
	for _, kind := range []string{"ecs.cluster", "ecs.taskdefinition", "autoscaling.target", "cloudwatch.alarm", "ecs.setting", "cloudwatch.dashboard", "tsdb.series"} {
		err := s.store.Scan(kind, store.Range{}, func(_ string, value []byte) bool {
			account, region = s.cfg.Account, s.cfg.Region
			if m := named.FindSubmatch(value); m != nil {
				region, account = string(m[1]), string(m[2])
			}
			return false
		})
		if err != nil || account != "" {
			return account, region, err
		}
	}
	return "", "", nil
}

// mend completes what a release left half-written that was killed between the
// writes of one call.
func (s *Server) mend(ctx context.Context) error {
	for _, v := range s.cells.all() {
		if err := v.autoscaling.Mend(ctx); err != nil {
			return fmt.Errorf("mend the data folder: %w", err)
		}
	}
	return nil
}
