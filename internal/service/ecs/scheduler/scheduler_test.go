package scheduler

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// tasksOf reads tasks from a short text, one letter each, oldest first: r is a
// ready task, s one that has just started, p a pending one, u an unhealthy one,
// g one that is unhealthy within its grace period, x a stopping one, P a ready and
// protected one. The names count up: new-0, new-1.
func tasksOf(deployment, letters string) []Task {
	var tasks []Task
	for i, c := range letters {
		t := Task{
			ID:         fmt.Sprintf("%s-%d", deployment, i),
			Deployment: deployment,
			Phase:      Running,
			ReadyAt:    noon.Add(-time.Minute),
			CreatedAt:  noon.Add(time.Duration(i-100) * time.Second),
		}
		switch c {
		case 'p':
			t.Phase, t.ReadyAt = Pending, time.Time{}
		case 's':
			t.ReadyAt = noon.Add(2 * time.Second)
		case 'u':
			t.UnhealthyAt, t.ReadyAt = noon, time.Time{}
		case 'g':
			t.UnhealthyAt, t.ReadyAt = noon.Add(30*time.Second), time.Time{}
		case 'x':
			t.Phase = Stopping
		case 'P':
			t.Protected = noon.Add(time.Hour)
		}
		tasks = append(tasks, t)
	}
	return tasks
}

func TestDecide(t *testing.T) {
	tests := []struct {
		name               string
		desired, minimum   int
		maximum            int
		current, old       string
		halted, deleted    bool
		retryIn            time.Duration
		start              int
		surplus, unhealthy []string
		settled, stuck     bool
		shielded           int
		wakeIn             time.Duration
	}{
		{name: "a new service starts all its tasks", desired: 3, minimum: 100, maximum: 200, start: 3},
		{name: "starting tasks are waited for", desired: 2, minimum: 100, maximum: 200, current: "pp"},
		{name: "running tasks are watched until they are ready", desired: 2, minimum: 100, maximum: 200, current: "rs", wakeIn: 2 * time.Second},
		{name: "the desired count of ready tasks is settled", desired: 2, minimum: 100, maximum: 200, current: "rr", settled: true},
		{name: "a task that is still stopping is not settled", desired: 2, minimum: 100, maximum: 200, current: "rrx"},
		{name: "no tasks desired and none there is settled", desired: 0, minimum: 100, maximum: 200, settled: true},
		{name: "a lost task is replaced", desired: 3, minimum: 100, maximum: 200, current: "rr", start: 1},
		{name: "a task that is stopping is replaced at once", desired: 2, minimum: 100, maximum: 200, current: "rx", start: 1},
		{name: "scale-in takes the newest", desired: 1, minimum: 100, maximum: 200, current: "rrr", surplus: []string{"new-2", "new-1"}},
		{name: "scale-in takes pending tasks before ready ones", desired: 2, minimum: 100, maximum: 200, current: "prr", surplus: []string{"new-0"}},
		{name: "scale-in to zero", desired: 0, minimum: 100, maximum: 200, current: "rp", surplus: []string{"new-1", "new-0"}},
		{name: "scale-in leaves protected tasks", desired: 1, minimum: 100, maximum: 200, current: "rPP", surplus: []string{"new-0"}, shielded: 2, wakeIn: time.Hour},
		{name: "a deleted service keeps nothing", desired: 0, minimum: 100, maximum: 200, current: "PP", deleted: true, surplus: []string{"new-1", "new-0"}},
		{name: "an unhealthy task is let alone until its grace period ends", desired: 2, minimum: 100, maximum: 200, current: "rg", wakeIn: 30 * time.Second},
		{name: "an unhealthy task is stopped and replaced", desired: 2, minimum: 100, maximum: 200, current: "ru", start: 1, unhealthy: []string{"new-1"}},
		{name: "no start before the back-off has passed", desired: 2, minimum: 100, maximum: 200, current: "r", retryIn: 8 * time.Second, wakeIn: 8 * time.Second},

		{name: "100/200: all new tasks start beside the old", desired: 2, minimum: 100, maximum: 200, old: "rr", start: 2},
		{name: "100/200: old tasks stay while the new start", desired: 2, minimum: 100, maximum: 200, current: "ps", old: "rr", wakeIn: 2 * time.Second},
		{name: "100/200: one new ready lets one old go", desired: 2, minimum: 100, maximum: 200, current: "rp", old: "rr", surplus: []string{"old-1"}},
		{name: "100/200: all new ready lets all old go", desired: 2, minimum: 100, maximum: 200, current: "rr", old: "rr", surplus: []string{"old-1", "old-0"}},
		{name: "50/100: half goes first", desired: 4, minimum: 50, maximum: 100, old: "rrrr", surplus: []string{"old-3", "old-2"}, start: 2},
		{name: "50/100: the rest when the first half is ready", desired: 4, minimum: 50, maximum: 100, current: "rr", old: "rr", surplus: []string{"old-1", "old-0"}, start: 2},
		{name: "0/100: stop, then start", desired: 1, minimum: 0, maximum: 100, old: "r", surplus: []string{"old-0"}, start: 1},
		{name: "100/150 of 4: two at a time", desired: 4, minimum: 100, maximum: 150, old: "rrrr", start: 2},
		{name: "minimum is rounded up: 50 % of 3 is 2", desired: 3, minimum: 50, maximum: 100, old: "rrr", surplus: []string{"old-2"}, start: 1},
		{name: "maximum is rounded down: 150 % of 1 is 1, and 50 % of 1 is 1", desired: 1, minimum: 50, maximum: 150, old: "r", stuck: true},
		{name: "old tasks that never got ready go at once", desired: 2, minimum: 100, maximum: 200, old: "pp", surplus: []string{"old-1", "old-0"}, start: 2},
		{name: "a deployment waits for protected tasks", desired: 2, minimum: 50, maximum: 100, current: "r", old: "P", shielded: 1, wakeIn: time.Hour},
		{name: "a deployment leaves protected tasks", desired: 2, minimum: 100, maximum: 200, current: "rr", old: "PP", shielded: 2, wakeIn: time.Hour},
		{name: "scale-out during a deployment goes to the new tasks", desired: 4, minimum: 100, maximum: 200, current: "rr", old: "rr", start: 2},

		{name: "a failed deployment starts nothing", desired: 3, minimum: 100, maximum: 200, current: "p", old: "rr", halted: true},
		{name: "a failed deployment's tasks go before the old ones", desired: 2, minimum: 100, maximum: 200, current: "pr", old: "rr", halted: true, surplus: []string{"new-0", "new-1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := View{
				Desired: tt.desired, MinimumHealthy: tt.minimum, Maximum: tt.maximum,
				Primary: "new", Halted: tt.halted, Deleted: tt.deleted,
				Tasks: slices.Concat(tasksOf("new", tt.current), tasksOf("old", tt.old)),
			}
			if tt.retryIn > 0 {
				v.RetryAt = noon.Add(tt.retryIn)
			}
			got := Decide(v, noon)
			if got.Start != tt.start {
				t.Errorf("start %d, want %d", got.Start, tt.start)
			}
			if !slices.Equal(got.Surplus, tt.surplus) {
				t.Errorf("stop as surplus %v, want %v", got.Surplus, tt.surplus)
			}
			if !slices.Equal(got.Unhealthy, tt.unhealthy) {
				t.Errorf("stop as unhealthy %v, want %v", got.Unhealthy, tt.unhealthy)
			}
			if got.Settled != tt.settled || got.Stuck != tt.stuck || got.Shielded != tt.shielded {
				t.Errorf("settled %v stuck %v shielded %d, want %v %v %d",
					got.Settled, got.Stuck, got.Shielded, tt.settled, tt.stuck, tt.shielded)
			}
			if wantWake := tt.wakeIn; wantWake > 0 && !got.Wake.Equal(noon.Add(wantWake)) {
				t.Errorf("wake at %v, want in %v", got.Wake, wantWake)
			}
			if tt.wakeIn == 0 && !got.Wake.IsZero() {
				t.Errorf("wake at %v, want none", got.Wake)
			}
		})
	}
}

func anyView(t *rapid.T) View {
	v := View{
		Desired:        rapid.IntRange(0, 12).Draw(t, "desired"),
		MinimumHealthy: rapid.IntRange(0, 100).Draw(t, "minimumHealthyPercent"),
		Maximum:        rapid.IntRange(100, 300).Draw(t, "maximumPercent"),
		Primary:        "new",
		Halted:         rapid.Bool().Draw(t, "halted"),
	}
	letters := rapid.StringOfN(rapid.RuneFrom([]rune("rspuxP")), 0, 15, -1)
	v.Tasks = slices.Concat(tasksOf("new", letters.Draw(t, "new")), tasksOf("old", letters.Draw(t, "old")))
	return v
}

func TestStopsLeaveTheMinimumReady(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyView(t)
		a := Decide(v, noon)
		ready, left := 0, 0
		for _, task := range v.Tasks {
			if task.Ready(noon) {
				ready++
				if !slices.Contains(a.Surplus, task.ID) {
					left++
				}
			}
			if task.shielded(noon) && slices.Contains(a.Surplus, task.ID) {
				t.Fatalf("protected task %s is stopped", task.ID)
			}
		}
		floor := ceilPercent(v.Desired, v.MinimumHealthy)
		if left < ready && left < floor {
			t.Fatalf("%d of %d ready tasks are left, the minimum is %d", left, ready, floor)
		}
	})
}

func TestStartsStayBelowTheMaximum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyView(t)
		a := Decide(v, noon)
		active := 0
		for _, task := range v.Tasks {
			if task.Phase != Stopping && !slices.Contains(a.Surplus, task.ID) && !slices.Contains(a.Unhealthy, task.ID) {
				active++
			}
		}
		if ceiling := v.Desired * v.Maximum / 100; a.Start > 0 && active+a.Start > ceiling {
			t.Fatalf("%d tasks active and %d started, the maximum is %d", active, a.Start, ceiling)
		}
	})
}

// A service left to itself, whose tasks all become ready, gets to its desired
// count of new tasks and stays there.
func TestRolloutsComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyView(t)
		v.Halted = false
		v.Maximum = max(v.Maximum, 200) // leaves room to start beside a full service
		now := noon
		for round := range 100 {
			a := Decide(v, now)
			if a.Settled {
				return
			}
			v.Tasks = slices.DeleteFunc(v.Tasks, func(task Task) bool {
				return task.Phase == Stopping || slices.Contains(a.Surplus, task.ID) || slices.Contains(a.Unhealthy, task.ID)
			})
			for i := range v.Tasks {
				if v.Tasks[i].Phase == Pending {
					v.Tasks[i].Phase, v.Tasks[i].ReadyAt = Running, now
				}
			}
			for i := range a.Start {
				v.Tasks = append(v.Tasks, Task{ID: fmt.Sprintf("started-%d-%d", round, i), Deployment: "new", CreatedAt: now})
			}
			now = now.Add(10 * time.Minute)
		}
		t.Fatalf("not settled after 100 rounds: %+v", v)
	})
}

func TestBreakerThreshold(t *testing.T) {
	tests := []struct {
		name    string
		desired int
		t       *Threshold
		want    int
	}{
		{"at least 3", 1, nil, 3},
		{"half the desired count", 25, nil, 13},
		{"at most 200", 800, nil, 200},
		{"a count", 50, &Threshold{Count: 7}, 7},
		{"an unbounded percentage", 4, &Threshold{Percent: 25}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := BreakerThreshold(tt.desired, tt.t); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestBackOffGrowsToFiveMinutes(t *testing.T) {
	want := []time.Duration{0, 0, time.Second, 2 * time.Second, 4 * time.Second}
	for failures, d := range want {
		if got := BackOff(failures); got != d {
			t.Errorf("after %d failures: %v, want %v", failures, got, d)
		}
	}
	if got := BackOff(1000); got != 5*time.Minute {
		t.Errorf("after 1000 failures: %v, want 5m", got)
	}
}

func BenchmarkDecide(b *testing.B) {
	v := View{Desired: 100, MinimumHealthy: 100, Maximum: 200, Primary: "new"}
	v.Tasks = tasksOf("new", strings.Repeat("r", 100))
	b.ReportAllocs()
	for b.Loop() {
		Decide(v, noon)
	}
}
