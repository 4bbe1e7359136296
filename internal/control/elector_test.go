package control_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/clock"
	"flyball/internal/control"
)

// A brief elector ends each term at once, as a folder does that nothing can be written to.
type brief struct{ terms int }

func (b *brief) Elect(ctx context.Context) (context.Context, func(), error) {
	if b.terms++; b.terms > 100 {
		return nil, nil, errors.New("elected again and again")
	}
	leading, resign := context.WithCancel(ctx)
	resign()
	return leading, resign, nil
}

func TestAControllerThatLosesItsPlaceAtOnceWaitsBeforeItTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, elector := newWorld(t, ""), &brief{}
		w.cfg.Elector = elector
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := control.New(w.cfg).Run(ctx, clock.New(time.Now(), 1)); err != nil {
			t.Fatal(err)
		}
		if elector.terms < 2 || elector.terms > 7 {
			t.Errorf("elected %d times in a minute", elector.terms)
		}
	})
}
