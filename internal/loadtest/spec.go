package loadtest

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"flyball/internal/duration"
	"flyball/internal/load"
)

// Bounds of one test, and of all together: they run in the server's own process.
const (
	MostUsers    = 1000
	MostRate     = 2000 // requests or messages in a real second
	MostDuration = 6 * time.Hour
	MostAtOnce   = 4
)

// A Kind is what a test can be put on.
type Kind string

// The kinds.
const (
	Service      Kind = "service"
	LoadBalancer Kind = "load-balancer"
	Queue        Kind = "queue"
)

// patterns are the courses that a load can take: to its level and there, up and down again, a fifth
// of it with all of it in the middle, up in five steps, and that of a trace.
var patterns = []string{"steady", "wave", "spike", "steps", "trace"}

// mostOfShape is how many levels a trace has at most.
const mostOfShape = 1000

// A Spec says what load is put on what. Its times are on the server's clock.
type Spec struct {
	Kind     Kind          `json:"kind"`
	Name     string        `json:"name"`           // CLUSTER/SERVICE, or the name of another
	Path     string        `json:"path,omitempty"` // and query, of requests
	Pattern  string        `json:"pattern"`
	Open     bool          `json:"open"`  // Level is requests a second, not users
	Level    float64       `json:"level"` // at most
	Ramp     time.Duration `json:"ramp"`
	Duration time.Duration `json:"duration"`        // the ramp included
	Shape    []float64     `json:"shape,omitempty"` // of a trace: shares of the level, at equal steps of the duration
}

// Workshop is the load of 50 users for 20 minutes, who come within 5.
func Workshop() Spec {
	return Spec{Kind: Service, Path: "/", Pattern: "steady", Level: 50, Ramp: 5 * time.Minute, Duration: 20 * time.Minute}
}

// A BadSpec is the error of a Spec that cannot be carried out.
type BadSpec struct {
	Field string // that is wrong
	Text  string
}

func (e *BadSpec) Error() string { return e.Text }

// ParseSpec reads a Spec of texts, by the names that its fields have in JSON; "unit" is users or rate.
func ParseSpec(value func(name string) string) (Spec, error) {
	text := func(name string) string { return strings.TrimSpace(value(name)) }
	s := Spec{
		Kind: Kind(text("kind")), Name: text("name"), Path: text("path"), Pattern: text("pattern"), Open: text("unit") == "rate",
	}
	var err error
	if s.Level, err = strconv.ParseFloat(text("level"), 64); err != nil {
		return s, &BadSpec{"level", fmt.Sprintf("The level %q is no number: give users, or requests a second, such as 50.", text("level"))}
	}
	for _, d := range []struct {
		name string
		to   *time.Duration
	}{{"ramp", &s.Ramp}, {"duration", &s.Duration}} {
		if *d.to, err = time.ParseDuration(text(d.name)); err != nil {
			return s, &BadSpec{d.name, fmt.Sprintf("The %s %q is no time: write one such as 5m or 90s.", d.name, text(d.name))}
		}
	}
	if s.Pattern == "trace" {
		s.Ramp = 0 // it has its own
		for one := range strings.SplitSeq(text("shape"), ",") {
			share, err := strconv.ParseFloat(strings.TrimSpace(one), 64)
			if err != nil {
				return s, &BadSpec{"shape", "A trace is at least two shares of the level, from 0 to 1, such as 0.2, 1, 0.4."}
			}
			s.Shape = append(s.Shape, share)
		}
	}
	if s.Kind == Queue {
		s.Open, s.Path = true, ""
	} else if s.Path == "" {
		s.Path = "/"
	}
	return s, s.check()
}

// check finds what is no load, or more than a server puts on anything by itself.
func (s Spec) check() error {
	bad := func(field, format string, args ...any) error { return &BadSpec{field, fmt.Sprintf(format, args...)} }
	most, unit := float64(MostUsers), "users"
	if s.Open {
		most, unit = MostRate, "a second"
	}
	path, err := url.ParseRequestURI(s.Path)
	switch {
	case !slices.Contains([]Kind{Service, LoadBalancer, Queue}, s.Kind):
		return bad("kind", "A load is put on a service, a load balancer or a queue, not on %q.", s.Kind)
	case s.Name == "" || s.Kind == Service && strings.Count(s.Name, "/") != 1:
		return bad("name", "Name what the load is put on: a service as CLUSTER/SERVICE, a load balancer or a queue by its name.")
	case s.Kind != Queue && (err != nil || path.Host != "" || !strings.HasPrefix(s.Path, "/")):
		return bad("path", "The path %q is none: it begins with /.", s.Path)
	case !slices.Contains(patterns, s.Pattern):
		return bad("pattern", "There is no pattern %q; there are %s.", s.Pattern, strings.Join(patterns, ", "))
	case !(s.Level > 0 && s.Level <= most) || !s.Open && s.Level != math.Trunc(s.Level):
		return bad("level", "A load test has up to %v %s, and at least one; flyball load, which runs elsewhere, has as many as you like.", most, unit)
	case s.Duration <= 0 || s.Duration > MostDuration:
		return bad("duration", "A load test takes more than no time, and up to %d hours: write a duration such as 20m.", int(MostDuration.Hours()))
	case s.Pattern == "trace" && (len(s.Shape) < 2 || len(s.Shape) > mostOfShape || slices.ContainsFunc(s.Shape, func(v float64) bool { return !(v >= 0 && v <= 1) })):
		return bad("shape", "A trace is two to %d shares of the level, from 0 to 1, such as 0.2, 1, 0.4.", mostOfShape)
	case s.Ramp < 0 || s.Ramp > s.Duration:
		return bad("ramp", "The ramp is part of the duration: it is %s at most. Write a shorter one, or a longer duration.", duration.String(s.Duration))
	}
	return nil
}

// Schedule is its level over time.
func (s Spec) Schedule() load.Schedule {
	hold := s.Duration - s.Ramp
	switch s.Pattern {
	case "wave":
		return load.Schedule{{For: s.Duration / 2, To: s.Level}, {For: s.Duration / 2, To: 0}}
	case "spike":
		low := s.Level / 5
		return load.Schedule{{For: s.Ramp, To: low}, {For: hold * 2 / 5, To: low}, {To: s.Level}, {For: hold / 5, To: s.Level}, {To: low}, {For: hold * 2 / 5, To: low}}
	case "steps":
		var steps load.Schedule
		for i := range 5 {
			steps = append(steps, load.Constant(s.Level*float64(i+1)/5, s.Duration/5)...)
		}
		return steps
	case "trace":
		stages := load.Schedule{{To: s.Level * s.Shape[0]}}
		each := s.Duration / time.Duration(len(s.Shape)-1)
		for _, share := range s.Shape[1:] {
			stages = append(stages, load.Stage{For: each, To: s.Level * share})
		}
		return stages
	}
	return load.Ramp(s.Level, s.Ramp, hold, 0)
}
