package server

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"flyball/internal/cell"
	"flyball/internal/datafolder"
	"flyball/internal/store"
)

// migrate brings the folder of an earlier release to today's layout, and returns
// the one that it had. All of it is one write.
func (s *Server) migrate() (before int, err error) {
	before, err = datafolder.ReadLayout(s.state)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return 0, err
	case before == datafolder.Layout:
		return before, nil
	default:
		return before, s.noteLayout()
	}
	if scoped, err := s.hasCells(); scoped || err != nil {
		// A repair has moved the document of the layout aside.
		return datafolder.Layout, errors.Join(err, s.noteLayout())
	}
	account, region, err := s.writtenFor()
	if err != nil {
		return 0, err
	}
	if account == "" {
		return datafolder.Layout, s.noteLayout() // there is nothing in it
	}
	s.cfg.Log.Info("the data folder is brought to today's layout", "region", region, "account", account)
	scope := cell.Scope(account, region)
	b := datafolder.NoteLayout(new(store.Batch)).Put(kindCell.Name, scope, kindCell.Encode(struct{}{}))
	unscoped, ok := s.store.(interface {
		Rescope(prefix, kept string, b *store.Batch) error
	})
	if !ok {
		return 0, errors.New("documents of a release before there were cells are in the database, and only a data folder ever had them")
	}
	return datafolder.LayoutUnscoped, unscoped.Rescope(scope, "server.", b)
}

// noteLayout notes today's layout before anything is written in it: an earlier release then
// refuses the folder by the layout's number.
func (s *Server) noteLayout() error {
	commit := s.store.Write(datafolder.NoteLayout(new(store.Batch)))
	s.store.Flush()
	return commit.Wait()
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
