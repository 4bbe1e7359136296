package history

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"flyball/internal/duration"
	"flyball/internal/fit"
	"flyball/internal/trace"
)

// A File is one of those that a history is read from.
type File struct {
	Name string
	Open func() (io.ReadCloser, error) // may be called several times
}

// Files say how files make a history.
type Files struct {
	Files   []File
	Columns map[string]string // of quantities: a series, or FILE:SERIES
	Options trace.Options
	Units   Units
	Task    fit.Task
}

// A series is one of a file.
type series struct {
	file  File
	name  trace.Name
	whole bool // the file has no others
}

func (s series) String() string {
	if s.whole {
		return s.file.Name
	}
	return s.file.Name + ":" + s.name.Column
}

// Read reads the history that files hold, and tells what had to be done.
func Read(f Files) (h fit.History, notes []string, err error) {
	all, err := f.series()
	if err != nil {
		return h, nil, err
	}
	chosen, err := f.choose(all)
	if err != nil {
		return h, nil, err
	}
	traces := map[string]trace.Trace{}
	for _, q := range Quantities() {
		s, is := chosen[q.Name]
		if !is {
			continue
		}
		t, err := f.read(s, q)
		if err != nil {
			return h, notes, fmt.Errorf("%s: %w", s.file.Name, err)
		}
		notes = append(notes, fmt.Sprintf("%s is %s.", q.About, s))
		for _, note := range t.Notes {
			notes = append(notes, fmt.Sprintf("%s: %s", s, note))
		}
		traces[q.Name] = t
	}
	if h, err = join(traces); err != nil {
		return h, notes, err
	}
	more, err := f.Units.apply(&h, f.Task, traces["latency"].Name)
	return h, append(notes, more...), err
}

// series are all that the files hold.
func (f Files) series() (all []series, err error) {
	for _, file := range f.Files {
		in, err := file.Open()
		if err != nil {
			return nil, err
		}
		names, err := trace.Names(in, f.Options)
		in.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name, err)
		}
		if len(names) == 0 {
			all = append(all, series{file, trace.Name{Title: stem(file.Name)}, true})
		}
		for _, n := range names {
			all = append(all, series{file, n, len(names) == 1})
		}
	}
	return all, nil
}

// stem is a file's name without folder and endings.
func stem(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name, _, _ = strings.Cut(name, ".")
	return name
}

// choose finds the series of each quantity: those that are asked for, and of the others those
// with a usual name.
func (f Files) choose(all []series) (map[string]series, error) {
	chosen := map[string]series{}
	var taken []series
	for _, q := range Quantities() {
		want := f.Columns[q.Name]
		if want == "" {
			continue
		}
		i := slices.IndexFunc(all, func(s series) bool {
			return strings.EqualFold(s.name.Column, want) || strings.EqualFold(s.name.Title, want) || s.String() == want || s.file.Name == want && s.whole
		})
		if i < 0 {
			return nil, fmt.Errorf("--%s-column %s: there is no such series; there are %s", q.Name, want, list(all))
		}
		chosen[q.Name] = all[i]
		taken = append(taken, all[i])
	}
	left := slices.DeleteFunc(slices.Clone(all), func(s series) bool {
		return slices.ContainsFunc(taken, func(t series) bool { return t.String() == s.String() })
	})
	for _, s := range left {
		for _, q := range Quantities() {
			if !q.names.MatchString(s.name.Title) && !q.names.MatchString(s.name.Column) {
				continue
			}
			if _, asked := f.Columns[q.Name]; asked && f.Columns[q.Name] != "" {
				break
			}
			if other, twice := chosen[q.Name]; twice {
				return nil, fmt.Errorf("both %s and %s can be the %s; say which with --%s-column", other, s, q.About, q.Name)
			}
			chosen[q.Name] = s
			break
		}
	}
	if _, there := chosen["requests"]; !there {
		return nil, fmt.Errorf("no series has a name as that of requests has; say which it is with --requests-column: %s", list(all))
	}
	return chosen, nil
}

// list names series.
func list(all []series) string {
	var names []string
	for _, s := range all[:min(len(all), 12)] {
		names = append(names, s.String())
	}
	if len(all) > 12 {
		names = append(names, fmt.Sprintf("%d more", len(all)-12))
	}
	return strings.Join(names, ", ")
}

func (f Files) read(s series, q Quantity) (trace.Trace, error) {
	in, err := s.file.Open()
	if err != nil {
		return trace.Trace{}, err
	}
	defer in.Close()
	o := f.Options
	o.Column, o.Kind, o.Assume = s.name.Column, trace.Unknown, q.kind
	if q.kind == trace.Gauges {
		o.Kind = trace.Gauges
	}
	t, err := trace.Read(in, o)
	if err != nil {
		return t, err
	}
	if q.kind == trace.Counts {
		return t.Counted()
	}
	return t, nil
}

// join puts traces beside each other, at the longest of their steps.
func join(traces map[string]trace.Trace) (h fit.History, err error) {
	from, to, timed := time.Time{}, time.Time{}, 0
	for _, t := range traces {
		h.Step = max(h.Step, t.Step)
		if !t.Start.IsZero() {
			timed++
		}
	}
	if h.Step <= 0 {
		return h, errors.New("the files do not tell how long a step is; say so with --step, such as --step 1m")
	}
	if timed > 0 && timed < len(traces) {
		return h, errors.New("some series have times and some have none; give all of them times")
	}
	for name, t := range traces {
		if t.Step == 0 {
			t.Step = h.Step
		}
		if traces[name], err = t.At(h.Step); err != nil {
			return h, err
		}
		t = traces[name]
		if from.IsZero() || t.Start.Before(from) {
			from = t.Start
		}
		if end := t.Time(len(t.Values)); end.After(to) {
			to = end
		}
	}
	steps := int((to.Sub(from) + h.Step/2) / h.Step)
	if steps > maxSteps {
		return h, fmt.Errorf("the series go from %s to %s, which are %d steps of %s; take longer ones with --step", from.Format(time.RFC3339), to.Format(time.RFC3339), steps, duration.String(h.Step))
	}
	if timed > 0 {
		h.Start = from
	}
	for _, q := range Quantities() {
		t, is := traces[q.Name]
		if !is {
			continue
		}
		values := slices.Repeat([]float64{math.NaN()}, steps)
		copy(values[min(steps, int((t.Start.Sub(from)+h.Step/2)/h.Step)):], t.Values)
		*q.of(&h) = values
	}
	return h, nil
}

// maxSteps bounds a history, which is held in memory.
const maxSteps = 10_000_000
