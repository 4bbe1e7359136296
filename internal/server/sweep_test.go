package server

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	sweepAll   = flag.String("sweep", "", "try all wrong values, not a choice of them, in the operations that match, such as ecs.Create or .")
	sweepShown = flag.Bool("sweep.accepted", false, "list the wrong values that are accepted")
)

// one in so many wrong values is tried by default, of some hundred thousand.
const oneIn = 60

// Every member of every operation is wrong in turn. The answer is a 4xx error
// of AWS's shape or, where the value can be meant, a success; a refused call and
// a call that reads leave everything as it was.
func TestWrongInputIsRefusedAndChangesNothing(t *testing.T) {
	for service, api := range map[string]func(*Server) any{
		"ecs":                     func(s *Server) any { return s.home().ecs },
		"elasticloadbalancing":    func(s *Server) any { return s.home().elb },
		"application-autoscaling": func(s *Server) any { return s.home().autoscaling },
		"monitoring":              func(s *Server) any { return s.home().cloudwatch },
		"ec2": func(s *Server) any {
			v, err := s.home().ec2(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return v
		},
		"events":    func(s *Server) any { return s.home().events },
		"iam":       func(s *Server) any { return s.globals.find(testAccount, "aws").iam },
		"lambda":    func(s *Server) any { return s.home().lambda },
		"scheduler": func(s *Server) any { return s.home().scheduler },
		"sqs":       func(s *Server) any { return s.home().sqs },
		"sts":       func(s *Server) any { return s.globals.find(testAccount, "aws").sts },
		"ecr":       func(s *Server) any { return s.home().ecr },
		"logs":      func(s *Server) any { return s.home().logs },
	} {
		t.Run(service, func(t *testing.T) {
			t.Parallel() // worlds wait for what ECS does by itself
			s := &sweep{t: t, service: service, all: regexp.MustCompile(*sweepAll)}
			s.renew()
			inputs := operations(api(s.world.server))
			for _, op := range slices.Sorted(maps.Keys(validInputs[service])) {
				if inputs[op] == nil {
					t.Errorf("there is no operation %s", op)
				}
			}
			for _, op := range slices.Sorted(maps.Keys(inputs)) {
				if valid, ok := validInputs[service][op]; ok {
					s.try(op, inputs[op], parse(valid))
				} else {
					t.Errorf("operation %s has no valid input in the table", op)
				}
			}
			s.check()
		})
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

// A sweep tries wrong values in the operations of a service.
type sweep struct {
	t        *testing.T
	service  string
	all      *regexp.Regexp
	world    *world
	failures lockedBuffer // what servers log as errors
	still    []attempt    // those that must not have changed anything
	tried    int
}

// An attempt is one call with one wrong value.
type attempt struct {
	protocol  protocol
	operation string
	path      string
	wrong     wrong
	input     any
}

func (a attempt) String() string {
	return fmt.Sprintf("%s %s%s %s (%.100v)", a.protocol.name, a.operation, a.path, a.wrong.name, a.wrong.value)
}

// isText reports whether the value is text in the request.
func (a attempt) isText() bool {
	if a.protocol.text != nil {
		return a.protocol.text(a.operation, a.path)
	}
	return strings.HasSuffix(a.protocol.name, "Query")
}

// chosen tells whether to make an attempt, the same each time.
func (s *sweep) chosen(a attempt) bool {
	if *sweepAll != "" {
		return s.all.MatchString(s.service + "." + a.operation)
	}
	h := fnv.New32a()
	fmt.Fprintln(h, a.protocol.name, a.operation, a.path, a.wrong.name)
	return h.Sum32()%oneIn == 0
}

// try calls an operation with its valid input and with wrong ones.
func (s *sweep) try(operation string, input reflect.Type, valid any) {
	for _, p := range protocols[s.service] {
		a, err := s.world.call(p, s.service, operation, valid)
		if err != nil || (a.status == http.StatusOK) == alwaysRefused[operation] {
			s.t.Errorf("%s %s: the valid input: %d %v %.500s", p.name, operation, a.status, err, a.body)
		}
		if !reads(operation) && a.status == http.StatusOK {
			s.renew()
		}
	}
	for _, at := range places(input, valid, memberNames[s.service]) {
		for _, w := range at.wrongs() {
			for _, p := range protocols[s.service] {
				if a := (attempt{p, operation, at.path, w, nil}); s.chosen(a) {
					a.input = at.with(w.value)
					s.attempt(a)
				}
			}
		}
	}
}

func (s *sweep) attempt(a attempt) {
	s.tried++
	got, err := s.world.call(a.protocol, s.service, a.operation, a.input)
	switch {
	case err != nil:
		s.t.Errorf("%v: %v", a, err)
		s.renew()
	case got.status >= 400 || reads(a.operation):
		s.still = append(s.still, a)
	default:
		s.renew()
	}
	if got.status != http.StatusOK {
		return
	}
	if a.wrong.refused && (a.wrong.text && a.protocol.text == nil || !a.isText()) {
		s.t.Errorf("%v: was accepted", a)
	}
	if *sweepShown {
		s.t.Logf("accepted: %v", a)
	}
}

// renew replaces a world that was changed by a fresh one.
func (s *sweep) renew() {
	if s.world != nil {
		s.world.stop()
	}
	s.world = newWorld(s.t, &s.failures)
	if s.service == "ecs" {
		s.world.prepareExpress()
	}
}

func reads(operation string) bool {
	if operation == "GetSessionToken" {
		return false // it makes credentials
	}
	return operation == "FilterLogEvents" || operation == "TestMetricFilter" ||
		strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "List") || strings.HasPrefix(operation, "Get")
}

// check makes the attempts that must not change anything again, in fresh worlds,
// and compares these before and after. What a world does by itself, when a
// minute ends, is not taken for a change: it does not happen again in the search
// for the attempt.
func (s *sweep) check() {
	for some := range slices.Chunk(s.still, 2000) {
		if a, found := s.culprit(some); found {
			s.t.Errorf("%v: was refused, or only reads, and changed something", a)
		}
	}
	s.t.Logf("%d calls, of which %d were refused or read", s.tried, len(s.still))
	if text := s.failures.String(); text != "" {
		s.t.Errorf("servers logged errors: %s", text)
	}
}

// culprit finds an attempt that changes a world.
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
		if _, err := s.world.call(a.protocol, s.service, a.operation, a.input); err != nil {
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
