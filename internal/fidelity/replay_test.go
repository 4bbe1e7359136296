package fidelity_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"flyball/internal/fidelity"
	"flyball/sim"
)

// recorded is a run of two hours and a quarter at 60 times the speed, on a machine of two cores that had more
// to do, as `go run ./internal/bench -only fidelity -record FILE` writes it.
func recorded(t *testing.T) fidelity.Record {
	t.Helper()
	file, err := os.Open("testdata/run.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := fidelity.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestALiveRunIsFoundAgainByItsOwnMetrics(t *testing.T) {
	r := recorded(t)
	again, err := r.Replay()
	if err != nil {
		t.Fatal(err)
	}
	a := r.Compare(again)
	if a.Activities < 10 || a.Alarms < 10 {
		t.Fatalf("the record has %d activities and %d changes of alarms: too few to tell anything", a.Activities, a.Alarms)
	}
	if a.Found != a.Activities || a.Others > 0 {
		t.Errorf("of %d activities %d are found, and %d others", a.Activities, a.Found, a.Others)
	}
	if a.States != a.Alarms {
		t.Errorf("of %d changes of alarms %d are found", a.Alarms, a.States)
	}
	if a.Same != a.Minutes {
		t.Errorf("of %d minutes %d have the same desired count", a.Minutes, a.Same)
	}
}

// What requests took differed from minute to minute, since the machine had more to do. Known by what they took,
// the run is within a task for 97 % of its minutes; known by how many came, for 94 %.
func TestALiveRunIsPredictedByWhatArrived(t *testing.T) {
	r := recorded(t)
	model := r.Model(0.125, 64)
	for _, predict := range []struct {
		by    string
		run   func(sim.Service) (fidelity.Rerun, error)
		least int
	}{{"work", r.PredictWork, 97}, {"requests", r.Predict, 94}} {
		predicted, err := predict.run(model)
		if err != nil {
			t.Fatal(err)
		}
		if a := r.Compare(predicted); a.Within*100 < a.Minutes*predict.least {
			t.Errorf("by %s, %d of %d minutes are within a task; want %d %%", predict.by, a.Within, a.Minutes, predict.least)
		}
	}
}

// Of metrics that say something else, something else is made.
func TestARerunThatDiffersIsTold(t *testing.T) {
	r := recorded(t)
	for i := range r.Minutes {
		if r.Minutes[i].CPU != nil {
			half := *r.Minutes[i].CPU / 2
			r.Minutes[i].CPU = &half
		}
	}
	again, err := r.Replay()
	if err != nil {
		t.Fatal(err)
	}
	if a := r.Compare(again); a.Found*2 > a.Activities || a.Same == a.Minutes {
		t.Errorf("with half of the CPU, %d of %d activities are found, and %d of %d minutes are the same", a.Found, a.Activities, a.Same, a.Minutes)
	}
}

func TestRecordsThatAreNone(t *testing.T) {
	for text, says := range map[string]string{
		"":                                 "EOF",
		`{"policy": 1}`:                    `unknown field "policy"`,
		`{"from": "2026-11-26T14:05:00Z"}`: "0 minutes",
		`{"from": "2026-11-26T14:05:01Z", "minutes": [{"cpu": 1, "measured": 1, "requests": 1}]}`: "from a full minute on",
	} {
		if _, err := fidelity.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want %s", text, err, says)
		}
	}
}

func TestARecordIsReadAsItIsWritten(t *testing.T) {
	cpu := 41.5
	want := fidelity.Record{
		Policies: "service: a/b\nmin: 1\nmax: 2\n", From: time.Date(2026, 11, 26, 14, 5, 0, 0, time.UTC), Initial: 1, Lag: time.Second,
		Minutes: []fidelity.Minute{{CPU: &cpu, Measured: 1, Requests: 20.5}, {}},
	}
	var b strings.Builder
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := fidelity.Read(strings.NewReader(b.String()))
	if err != nil || *got.Minutes[0].CPU != cpu || got.Minutes[1].CPU != nil || !got.From.Equal(want.From) || got.Lag != want.Lag || got.Policies != want.Policies {
		t.Errorf("%+v, %v", got, err)
	}
}
