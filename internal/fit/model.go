package fit

import (
	"fmt"
	"math"
	"time"
)

// A Unit is what a value is measured in.
type Unit int

// The units.
const (
	Seconds Unit = iota
	Number
	MiB
	Whole // a number without decimals
)

// A Value of a model, with the bounds in which the true one lies in 95 of 100 cases if the service
// is what the model says. Low and High are NaN where the history is too short for bounds, and High
// is infinite where there is none above.
type Value struct {
	Name          string // as a flag of flyball simulate
	About         string // what it is
	Unit          Unit
	At, Low, High float64
}

// A Missing value is one that the history does not tell.
type Missing struct{ Name, About, Why string }

// A Model is what a history tells of a service.
type Model struct {
	Service  string // its name; "" if it has none
	Workers  bool
	From, To time.Time // of the history; zero if that is not known
	Step     time.Duration
	Steps    int // in which requests and tasks are known
	Task     Task
	Values   []Value
	Missing  []Missing
	Notes    []string // what was done, and what does not fit the model, in full sentences
}

// Value is the value of a name.
func (m Model) Value(name string) (Value, bool) {
	for _, v := range m.Values {
		if v.Name == name {
			return v, true
		}
	}
	return Value{}, false
}

// Names of values, which are those of the flags of flyball simulate.
const (
	CPUPerRequest    = "cpu-per-request"
	WaitPerRequest   = "wait-per-request"
	Variation        = "variation"
	Concurrency      = "concurrency"
	MemoryAtRest     = "memory-at-rest"
	MemoryPerRequest = "memory-per-request"
	Start            = "start"
	StartSpread      = "start-spread"
	HealthCheck      = "health-check"
	Drain            = "drain"
)

// about says what values are.
var about = map[string]string{
	CPUPerRequest:    "processor time of a request",
	WaitPerRequest:   "waiting of a request for others",
	Variation:        "variation of a request's time",
	Concurrency:      "requests in hand of a task",
	MemoryAtRest:     "memory of a task at rest",
	MemoryPerRequest: "memory of a request in hand",
	Start:            "start of a task",
	StartSpread:      "deviation of a task's start",
	HealthCheck:      "time until a task gets requests",
	Drain:            "life of a task that is stopped",
}

// of is a value of the model with an interval.
func (m *Model) add(name string, u Unit, v interval) {
	m.Values = append(m.Values, Value{Name: name, About: about[name], Unit: u, At: v.at, Low: v.low, High: v.high})
}

func (m *Model) miss(name, format string, args ...any) {
	m.Missing = append(m.Missing, Missing{name, about[name], fmt.Sprintf(format, args...)})
}

func (m *Model) note(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

// known is whether a number is one.
func known(v float64) bool { return !math.IsNaN(v) }
