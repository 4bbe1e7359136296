package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/clock"
	"flyball/internal/control"
	"flyball/scaling"
)

// A disk is a State that can be full.
type disk struct {
	control.State
	kept map[scaling.ResourceID]*control.Memory
	full error
}

func (d *disk) Load(_ context.Context, ids []scaling.ResourceID) (map[scaling.ResourceID]*control.Memory, map[scaling.ResourceID]error) {
	return d.kept, nil
}

func (d *disk) Save(_ context.Context, changed map[scaling.ResourceID]control.Change) map[scaling.ResourceID]error {
	failed := map[scaling.ResourceID]error{}
	for id, m := range changed {
		if d.full != nil {
			failed[id] = d.full
			continue
		}
		d.kept[id] = m.Memory
	}
	return failed
}

func TestWhatWasDoneLastIsToldAfterARestart(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 2, 200)
	w.cfg.State = &disk{kept: map[scaling.ResourceID]*control.Memory{}}
	w.begin().run(10 * time.Second)
	if e, _ := w.host.Explain("service/shop/web", w.now); e.Last != nil || !strings.Contains(e.String(), "nothing was scaled since it is governed here") {
		t.Errorf("before anything was done:\n%s", e)
	}
	w.run(5 * time.Minute)
	w.wants(web, 4)
	for _, when := range []string{"before", "after"} {
		e, _ := w.host.Explain("service/shop/web", w.now)
		if e.Last == nil || e.Last.To != 4 || e.Last.Status != scaling.Successful {
			t.Errorf("%s the restart the last activity is %+v", when, e.Last)
		}
		w.begin().run(2 * time.Second)
	}
}

func TestOneThatCannotBeLookedAtStandsSo(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 2, 200)
	web.sick = errors.New("not authorized to perform ecs:DescribeServices")
	w.begin().run(time.Minute)
	s, why, governed := w.host.Standing("service/shop/web")
	if s != control.IsUnseen || !governed || !strings.Contains(why, "ecs:DescribeServices") {
		t.Errorf("it stands %s, since %s; governed %v", s, why, governed)
	}
	if _, looked := w.host.Explain("service/shop/web", w.now); looked {
		t.Error("what was never looked at is explained")
	}
	web.sick = nil
	w.run(6 * time.Minute)
	if s, why, _ := w.host.Standing("service/shop/web"); s != control.Well || why != "" {
		t.Errorf("once it can be looked at it stands %s, since %s", s, why)
	}
}

func TestAFullDiskIsToldOnceAndNothingIsSetUntilThereIsRoom(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 2, 90)
	d := &disk{kept: map[scaling.ResourceID]*control.Memory{}}
	w.cfg.State = d
	w.begin().run(5 * time.Minute)
	d.full = errors.New("no space left on device")
	web.load = 200
	w.run(20 * time.Minute)
	w.wants(web)
	if fmt.Sprint(w.events(control.Unkept), w.events(control.Kept), w.events(control.Found)) != "1 0 0" {
		t.Errorf("that nothing can be kept is told once:\n%s", w.log())
	}
	if s, why, _ := w.host.Standing("service/shop/web"); s != control.IsUnkept || !strings.Contains(why, "no space left") {
		t.Errorf("it stands %s, since %s", s, why)
	}
	d.full = nil
	w.run(2 * time.Minute)
	w.wants(web, 4)
	if w.events(control.Kept) != 1 {
		t.Errorf("that it can be kept again is told:\n%s", w.log())
	}
}

// A brokenDisk ends the term of its controller with each write that fails, as a Folder does.
type brokenDisk struct {
	disk
	end context.CancelCauseFunc
}

func (d *brokenDisk) Elect(ctx context.Context) (context.Context, func(), error) {
	leading, end := context.WithCancelCause(ctx)
	d.end = end
	return leading, func() { end(nil) }, nil
}

func (d *brokenDisk) Save(ctx context.Context, changed map[scaling.ResourceID]control.Change) map[scaling.ResourceID]error {
	if d.full != nil {
		d.end(d.full)
	}
	return d.disk.Save(ctx, changed)
}

func TestAControllerWhoseDiskIsFullTellsLittleOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.ReplaceAll(tracking, "min: 2", "min: 5"))
		web := w.serve("service/shop/web", 2, 90)
		full := errors.New("no space left on device")
		d := &brokenDisk{disk: disk{kept: map[scaling.ResourceID]*control.Memory{}, full: full}}
		w.cfg.State, w.cfg.Elector = d, d
		w.begin()
		run := func(d time.Duration) { // and what was told can be read afterwards
			ctx, end := context.WithTimeout(t.Context(), d)
			defer end()
			if err := w.host.Run(ctx, clock.New(time.Now(), 1)); err != nil {
				t.Error(err)
			}
		}
		run(time.Hour)
		if n := w.events(control.Elected); n > 63 {
			t.Errorf("it was elected %d times in an hour in which nothing can be kept", n)
		}
		if taken, unkept := w.events(control.Taken), w.events(control.Unkept); taken != 1 || unkept != 1 {
			t.Errorf("that it is governed is told %d times, and that nothing can be kept %d times", taken, unkept)
		}
		if !strings.Contains(w.log(), "until it is elected again: no space left on device") {
			t.Error("why a term has ended is not told")
		}
		w.wants(web)
		d.full = nil
		run(2 * time.Minute)
		w.wants(web, 5)
		if kept := w.events(control.Kept); kept != 1 {
			t.Errorf("that it can be kept again is told %d times", kept)
		}
	})
}
