package server

import (
	"fmt"
	"time"

	"flyball/internal/lead"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/internal/tsdb"
)

// giveUpLead has the folder's times go back to a wall clock that its clock is ahead of. All is
// changed by the last of its writes, or is to be given up again.
func (s *Server) giveUpLead(given lead.Lead) error {
	if err := s.cutDatapoints(given.Now); err != nil {
		return err
	}
	kinds, err := s.store.Kinds()
	if err != nil {
		return err
	}
	var batch store.Batch
	changed := 0
	for _, kind := range kinds {
		err := s.store.Scan(kind, store.Range{}, func(key string, text []byte) bool {
			to, ok := given.Document(kind, key, text)
			if !ok {
				return true
			}
			changed++
			if to.Key != key || to.Text == nil {
				batch.Delete(kind, key)
			}
			if to.Text != nil {
				batch.Put(kind, to.Key, append([]byte(nil), to.Text...)) // a scan's values end with it
			}
			return true
		})
		if err != nil {
			return fmt.Errorf("give up the clock's lead: %w", err)
		}
	}
	batch.Put(kindClock.Name, clockKey, kindClock.Encode(given.Now))
	if err := s.store.Write(&batch).Wait(); err != nil {
		return fmt.Errorf("give up the clock's lead: %w", err)
	}
	s.cfg.Log.Info("the lead of the server's clock is given up: what happened in it has happened now, what was to come comes after as long as it would have; "+
		"datapoints, alarm history and forecasts of times to come are removed",
		"lead", given.By.Round(time.Second), "now", given.Now, "documents", changed)
	return nil
}

// cutDatapoints removes the datapoints of times to come, in all cells.
func (s *Server) cutDatapoints(now time.Time) error {
	var scopes []string
	err := state.Load(s.state, kindCell, func(scope string, _ *struct{}) error {
		scopes = append(scopes, scope)
		return nil
	})
	for _, scope := range scopes {
		if err == nil {
			err = tsdb.Cut(store.Scoped(s.store, scope), now)
		}
	}
	return err
}
