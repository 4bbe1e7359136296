package server

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	sweepAll   = flag.Bool("sweep", false, "try every wrong value in every member, not a choice of them")
	sweepShown = flag.Bool("sweep.accepted", false, "list the wrong values that are accepted")
)

// Every member of every operation is wrong in turn. The answer is a 4xx error
// of AWS's shape or, where the value can be meant, a success; a refused call and
// a call that reads leave everything as it was.
func TestWrongInputIsRefusedAndChangesNothing(t *testing.T) {
	s := &sweep{t: t}
	for name, api := range map[string]any{
		"ecs":                     newWorld(t, &s.failures).server.ecs,
		"application-autoscaling": newWorld(t, &s.failures).server.autoscaling,
		"monitoring":              newWorld(t, &s.failures).server.cloudwatch,
	} {
		inputs := operations(api)
		for _, op := range slices.Sorted(maps.Keys(validInputs[name])) {
			if inputs[op] == nil {
				t.Errorf("%s has no operation %s", name, op)
			}
		}
		for _, op := range slices.Sorted(maps.Keys(inputs)) {
			valid, ok := validInputs[name][op]
			if !ok {
				t.Errorf("%s.%s has no valid input in the table", name, op)
				continue
			}
			t.Run(name+"."+op, func(t *testing.T) {
				s := &sweep{t: t, service: name, operation: op}
				s.run(inputs[op], parse(valid))
			})
		}
	}
}

// operations finds the inputs of an API's operations.
func operations(api any) map[string]reflect.Type {
	inputs := map[string]reflect.Type{}
	t := reflect.TypeOf(api)
	for i := range t.NumMethod() {
		m := t.Method(i)
		if m.Type.IsVariadic() && m.Type.NumIn() == 4 && m.Type.In(1) == reflect.TypeFor[context.Context]() &&
			strings.HasSuffix(m.Type.In(2).String(), "."+m.Name+"Input") {
			inputs[m.Name] = m.Type.In(2).Elem()
		}
	}
	return inputs
}

// A sweep tries wrong values in one operation.
type sweep struct {
	t                  *testing.T
	service, operation string
	failures           lockedBuffer // what servers log as errors
	world              *world
	still              []attempt // attempts that must not have changed anything
	tried              int
}

// An attempt is one call with one wrong value.
type attempt struct {
	protocol protocol
	path     string
	wrong    wrong
	input    any
}

func (a attempt) String() string {
	v := fmt.Sprintf("%.100v", a.wrong.value)
	return fmt.Sprintf("%s %s %s (%s)", a.protocol.name, a.path, a.wrong.name, v)
}

func (s *sweep) run(input reflect.Type, valid any) {
	s.world = newWorld(s.t, &s.failures)
	for _, p := range protocols[s.service] {
		s.tryValid(p, valid)
	}
	name := sameName
	if s.service == "ecs" {
		name = lowerFirst
	}
	for i, at := range places(input, valid, name) {
		for j, w := range at.wrongs() {
			for k, p := range protocols[s.service] {
				if *sweepAll || s.chosen(at.path, w.name, i+j+k) {
					s.try(attempt{p, at.path, w, at.with(w.value)})
				}
			}
		}
	}
	if a, found := s.culprit(s.still); found {
		s.t.Errorf("was refused, or only reads, and changed something: %v", a)
	}
	s.world.stop()
	if text := s.failures.String(); text != "" {
		s.t.Errorf("the server logged: %s", text)
	}
}

// chosen picks one in so many, the same each time.
func (s *sweep) chosen(path, wrong string, _ int) bool {
	h := fnv.New32a()
	fmt.Fprint(h, s.operation, path, wrong)
	return h.Sum32()%40 == 0
}

func (s *sweep) tryValid(p protocol, valid any) {
	a, err := s.world.call(p, s.service, s.operation, valid)
	if err != nil || (a.status == 200) == alwaysRefused[s.operation] {
		s.t.Fatalf("%s: the valid input: %d %v %.500s", p.name, a.status, err, a.body)
	}
	s.renew()
}

func (s *sweep) renew() {
	s.world.stop()
	s.world = newWorld(s.t, &s.failures)
}

func (s *sweep) try(a attempt) {
	s.tried++
	got, err := s.world.call(a.protocol, s.service, s.operation, a.input)
	switch {
	case err != nil:
		s.t.Errorf("%v: %v", a, err)
		s.renew()
	case got.status >= 400 || s.reads():
		s.still = append(s.still, a)
	default:
		s.renew()
	}
	if got.status == 200 {
		if a.wrong.refused && (a.wrong.text || a.protocol.name != "awsQuery") {
			s.t.Errorf("%v: was accepted", a)
		}
		if *sweepShown {
			s.t.Logf("accepted: %v", a)
		}
	}
}

func (s *sweep) reads() bool {
	return strings.HasPrefix(s.operation, "Describe") || strings.HasPrefix(s.operation, "List") || strings.HasPrefix(s.operation, "Get")
}

// culprit finds an attempt that changes the world.
func (s *sweep) culprit(attempts []attempt) (attempt, bool) {
	if len(attempts) == 0 || s.unchangedBy(attempts) {
		return attempt{}, false
	}
	if len(attempts) == 1 {
		return attempts[0], true
	}
	half := len(attempts) / 2
	if a, found := s.culprit(attempts[:half]); found {
		return a, true
	}
	return s.culprit(attempts[half:])
}

func (s *sweep) unchangedBy(attempts []attempt) bool {
	s.renew()
	before := s.world.digest()
	for _, a := range attempts {
		if _, err := s.world.call(a.protocol, s.service, s.operation, a.input); err != nil {
			s.t.Errorf("%v: %v", a, err)
		}
	}
	return s.world.digest() == before
}

// A lockedBuffer is written by one goroutine at a time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
