package server

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"flyball/internal/service/autoscaling"
	"flyball/internal/service/cloudwatch"
	"flyball/internal/service/ec2"
	"flyball/internal/service/ecr"
	"flyball/internal/service/ecs"
	"flyball/internal/service/elb"
	"flyball/internal/service/events"
	"flyball/internal/service/iam"
	"flyball/internal/service/lambda"
	"flyball/internal/service/logs"
	"flyball/internal/service/scheduler"
	"flyball/internal/service/sqs"
	"flyball/internal/service/sts"
	"flyball/internal/variant"
)

var (
	variantsAll = flag.String("variants", "", "try all variants, not a choice of them, of the operations that match, such as ecs.Create or .")
	variantsMax = flag.Int("variants.failures", 40, "how many wrong answers of a service to tell")
)

// one in so many variants is tried by default.
const oneIn = 150

// served are the inputs of the operations of each service, by their names.
var served = map[string]map[string]reflect.Type{
	"application-autoscaling": operations[*autoscaling.API](),
	"ec2":                     operations[*ec2.API](),
	"ecr":                     operations[*ecr.API](),
	"ecs":                     operations[*ecs.API](),
	"elasticloadbalancing":    operations[*elb.API](),
	"events":                  operations[*events.API](),
	"iam":                     operations[*iam.API](),
	"lambda":                  operations[*lambda.API](),
	"logs":                    operations[*logs.API](),
	"monitoring":              operations[*cloudwatch.API](),
	"scheduler":               operations[*scheduler.API](),
	"sqs":                     operations[*sqs.API](),
	"sts":                     operations[*sts.API](),
}

// models are what the wire's tables say of the services.
var models = loadModels()

func loadModels() map[string]*variant.Model {
	all := map[string]*variant.Model{}
	for service := range served {
		m, err := variant.Load(os.DirFS("../wire/model"), service)
		if err != nil {
			panic(err)
		}
		all[service] = m
	}
	return all
}

// Every operation is called in every way that its model allows and in many that it does
// not. Each call is answered as the model says, never by a fault of the server; a call
// that is refused and a call that reads leave everything as it was.
func TestVariantsAreAnsweredAsTheModelSays(t *testing.T) {
	all := regexp.MustCompile(*variantsAll)
	var mu sync.Mutex
	var table []string
	t.Run("services", func(t *testing.T) {
		for service, inputs := range served {
			t.Run(service, func(t *testing.T) {
				if !slices.ContainsFunc(slices.Collect(maps.Keys(validInputs[service])), func(name string) bool { return all.MatchString(service + "." + name) }) {
					return
				}
				t.Parallel() // worlds wait for what ECS does by itself
				v := &trial{t: t, service: service, model: models[service], all: all, scores: map[string]*score{}}
				v.renew()
				v.operations(inputs)
				v.check()
				mu.Lock()
				defer mu.Unlock()
				for _, p := range v.model.Protocols() {
					s := v.scores[p.Name]
					table = append(table, fmt.Sprintf("%-24s %-11s %8d %8.2f %%", service, p.Name, s.calls, 100*float64(s.right)/float64(s.calls)))
				}
			})
		}
	})
	slices.Sort(table)
	t.Logf("calls and the share answered right:\n%s", strings.Join(table, "\n"))
}

// operations finds the operations of an API.
func operations[T any]() map[string]reflect.Type {
	inputs := map[string]reflect.Type{}
	for m := range reflect.TypeFor[T]().Methods() {
		if m.Type.IsVariadic() && m.Type.NumIn() == 4 && m.Type.In(1) == reflect.TypeFor[context.Context]() &&
			strings.HasSuffix(m.Type.In(2).String(), "."+m.Name+"Input") {
			inputs[m.Name] = m.Type.In(2).Elem()
		}
	}
	return inputs
}

// A trial tries variants in the operations of a service.
type trial struct {
	t        *testing.T
	service  string
	model    *variant.Model
	all      *regexp.Regexp
	world    *world
	changed  int               // calls that may have changed the world
	failures lockedBuffer      // what servers log as errors
	still    []attempt         // those that must not have changed anything
	scores   map[string]*score // by protocol
	wrong    int
}

// A score is how many calls were made, and how many were answered right.
type score struct{ calls, right int }

// An attempt is a variant in a protocol, or a request with a valid input that is changed
// as a whole.
type attempt struct {
	variant.Variant
	protocol variant.Protocol
	whole    *variant.Whole
}

func (a attempt) String() string {
	if a.whole != nil {
		return a.protocol.Name + " " + a.Operation + " " + a.whole.Name
	}
	return a.protocol.Name + " " + a.Variant.String()
}

// chosen tells whether to make an attempt, the same each time.
func (v *trial) chosen(a attempt) bool {
	if *variantsAll != "" {
		return true
	}
	h := fnv.New32a()
	fmt.Fprintln(h, v.service, a)
	return h.Sum32()%oneIn == 0
}

func (v *trial) operations(inputs map[string]reflect.Type) {
	for _, operation := range slices.Sorted(maps.Keys(validInputs[v.service])) {
		if inputs[operation] == nil {
			v.t.Errorf("there is no operation %s", operation)
		}
	}
	for _, operation := range slices.Sorted(maps.Keys(inputs)) {
		if !v.all.MatchString(v.service + "." + operation) {
			continue
		}
		if valid, ok := validInputs[v.service][operation]; ok {
			v.operation(operation, inputs[operation], variant.Parse(valid))
		} else {
			v.t.Errorf("operation %s has no valid input in the table", operation)
		}
	}
}

// operation calls an operation with its valid input, and with variants of it.
func (v *trial) operation(operation string, input reflect.Type, valid any) {
	variants := v.model.Of(input, valid)
	for _, p := range v.model.Protocols() {
		right := attempt{variant.Variant{Operation: operation, Name: "with its valid input", Want: variant.Same, Input: valid}, p, nil}
		expected := v.first(right)
		for _, w := range p.Wholes() {
			a := right
			a.whole = &w
			if v.chosen(a) {
				v.try(a, expected)
			}
		}
		for _, one := range variants {
			if a := (attempt{one, p, nil}); v.chosen(a) {
				v.try(a, expected)
			}
		}
	}
}

// first calls an operation with its valid input, which is accepted unless the table says
// otherwise, in each protocol.
func (v *trial) first(a attempt) variant.Answer {
	got, err := v.call(a)
	accepted := !alwaysRefused[a.Operation]
	if (got.Status == http.StatusOK) != accepted && v.changed > 0 {
		v.renew()
		got, err = v.call(a)
	}
	if err != nil || (got.Status == http.StatusOK) != accepted {
		v.tell(a, fmt.Errorf("%v %v", got, err))
	}
	v.count(a.protocol, err == nil)
	v.note(a, got)
	return got
}

// try makes an attempt. A world that is not what the valid input needs any more is
// renewed when that may be why the answer is not the right one.
func (v *trial) try(a attempt, valid variant.Answer) {
	got, err := v.judged(a, valid)
	if err != nil && v.changed > 0 {
		v.renew()
		got, err = v.judged(a, valid)
	}
	if err != nil {
		v.tell(a, err)
	}
	v.count(a.protocol, err == nil)
	v.note(a, got)
}

// judged is the answer to an attempt, and what is wrong with it.
func (v *trial) judged(a attempt, valid variant.Answer) (variant.Answer, error) {
	got, err := v.call(a)
	switch {
	case err != nil:
		return got, err
	case a.whole != nil:
		return got, v.model.JudgeWhole(*a.whole, a.protocol, got, valid)
	}
	return got, v.model.Judge(a.Variant, a.protocol, got, valid)
}

func (v *trial) call(a attempt) (variant.Answer, error) {
	r, err := v.world.request(a.protocol, v.service, a.Operation, a.Input)
	if err == nil && a.whole != nil {
		err = a.whole.Send(r)
	}
	if err != nil {
		return variant.Answer{}, err
	}
	return v.world.send(a.protocol, r)
}

// note keeps what a call must not have changed, or that it may have changed something.
func (v *trial) note(a attempt, got variant.Answer) {
	if a.whole != nil && a.whole.IsAbroad() {
		v.changed++ // a region that is new may have a VPC from now on
		return
	}
	if got.Status >= 400 || reads(a.Operation) {
		// What was refused for what the world has become might not be again.
		if v.changed == 0 || reads(a.Operation) || a.Want == variant.Broken && !v.model.IsOwnMatter(a.Variant, a.protocol) {
			v.still = append(v.still, a)
		}
		return
	}
	if v.changed++; v.changed >= 100 {
		v.renew()
	}
}

func (v *trial) count(p variant.Protocol, right bool) {
	s := v.scores[p.Name]
	if s == nil {
		s = new(score)
		v.scores[p.Name] = s
	}
	if s.calls++; right {
		s.right++
	}
}

func (v *trial) tell(a attempt, err error) {
	if v.wrong++; v.wrong <= *variantsMax {
		v.t.Errorf("%v: %v", a, err)
	}
}

// renew replaces a world that was changed by a fresh one.
func (v *trial) renew() {
	if v.world != nil {
		v.world.stop()
	}
	v.world = newWorld(v.t, &v.failures)
	if v.service == "ecs" {
		v.world.prepareExpress()
	}
	v.changed = 0
}

func reads(operation string) bool {
	if operation == "GetSessionToken" {
		return false // it makes credentials
	}
	return operation == "FilterLogEvents" || operation == "TestMetricFilter" || operation == "TestEventPattern" ||
		strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "List") || strings.HasPrefix(operation, "Get")
}

// check makes the attempts that must not change anything again, in fresh worlds,
// and compares these before and after. What a world does by itself, when a
// minute ends, is not taken for a change: it does not happen again in the search
// for the attempt.
func (v *trial) check() {
	for some := range slices.Chunk(v.still, 2000) {
		if a, change := v.culprit(some); change != "" {
			v.t.Errorf("%v: was refused, or only reads, and changed something: %.1000s", a, change)
		}
	}
	if text := v.failures.String(); text != "" {
		v.t.Errorf("servers logged errors: %s", text)
	}
}

// culprit finds an attempt that changes a world, and what is not as before.
func (v *trial) culprit(attempts []attempt) (a attempt, change string) {
	if len(attempts) == 0 {
		return a, ""
	}
	if change = v.changeBy(attempts); change == "" || len(attempts) == 1 {
		return attempts[0], change
	}
	half := len(attempts) / 2
	if a, change := v.culprit(attempts[:half]); change != "" {
		return a, change
	}
	return v.culprit(attempts[half:])
}

// changeBy is what attempts change in a fresh world.
func (v *trial) changeBy(attempts []attempt) string {
	v.renew()
	before := v.world.seen()
	for _, a := range attempts {
		if _, err := v.call(a); err != nil {
			v.t.Errorf("%v: %v", a, err)
		}
	}
	after := v.world.seen()
	for i, line := range after {
		if i >= len(before) || line != before[i] {
			return line
		}
	}
	if len(after) < len(before) {
		return before[len(after)]
	}
	return ""
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
