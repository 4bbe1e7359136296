package wire

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	smithy "github.com/aws/smithy-go"

	"flyball/internal/flow"
)

// A service is a Service made ready to be called.
type service struct {
	Service
	ops         func() map[string]*operation // are looked for when the first is called: there are hundreds
	model       func() *model
	errorShapes func() map[string]errorShape // by their names and their codes in awsQuery
	routes      func() []route               // of restJson

	mu      sync.Mutex // guards the planners
	inputs  *planner
	outputs *planner // the same one, unless members have other names in answers
	whole   bool     // all members of an input are in one object, by the SDK's names
}

// An operation is a method of a service's type. Its plans are made when it is
// called first.
type operation struct {
	name    string
	method  reflect.Value // its first argument is the receiver
	in, out reflect.Type

	unchecked, stateless, unsigned bool // see Service
	reads                          bool // it is called for its answer

	largest  atomic.Int64 // answer so far, in bytes
	findings *flow.Budget // of calls that are carried out, if it reads; see expect

	once            sync.Once
	err             error
	inPlan, outPlan *plan
	void            bool // it has no output in AWS's model
}

func newService(s Service) (*service, error) {
	if s.typ.NumMethod() == 0 {
		return nil, fmt.Errorf("wire: %s has no operations: %v is not a type with methods like the SDK client's", s.name, s.typ)
	}
	sv := &service{Service: s, ops: sync.OnceValue(s.operations)}
	sv.model = sync.OnceValue(func() *model {
		m, err := loadModel(s.name)
		if err != nil {
			panic(err) // the files are embedded, and tested
		}
		return m
	})
	sv.errorShapes = sync.OnceValue(func() map[string]errorShape {
		if s.errors == nil {
			return sv.model().errorShapes()
		}
		return errorShapes(s.errors, sv.speaks(AWSQuery))
	})
	sv.routes = sync.OnceValue(func() []route { return routesOf(sv.model()) })
	return sv, nil
}

// operations are those of a service, by their names.
func (s Service) operations() map[string]*operation {
	ops := operations(s.typ)
	for _, op := range ops {
		op.unchecked = slices.Contains(s.unchecked, op.name)
		op.stateless = slices.Contains(s.stateless, op.name)
		op.unsigned = slices.Contains(s.unsigned, op.name)
		op.reads = slices.ContainsFunc(readers, func(verb string) bool { return strings.HasPrefix(op.name, verb) })
		if op.reads {
			op.findings = newFindings()
		}
	}
	return ops
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// operations finds the methods with the signature of the SDK client's:
//
//	X(context.Context, *XInput, ...func(*Options)) (*XOutput, error)
func operations(t reflect.Type) map[string]*operation {
	ops := map[string]*operation{}
	for name, m := range methods(t) {
		if !m.Func.IsValid() {
			continue // there is none, or t is an interface
		}
		if in, out, ok := shapesOf(m.Type, name); ok {
			ops[name] = &operation{name: name, method: m.Func, in: in, out: out}
		}
	}
	return ops
}

// method is what reflect.Type.MethodByName found, or the zero Method.
func method(m reflect.Method, _ bool) reflect.Method { return m }

// shapesOf are the types of a method's input and output, if it is an operation.
func shapesOf(m reflect.Type, name string) (in, out reflect.Type, ok bool) {
	if !m.IsVariadic() || m.NumIn() != 4 || m.NumOut() != 2 || m.In(1) != contextType || m.Out(1) != errorType {
		return nil, nil, false
	}
	in, out = m.In(2), m.Out(0)
	if in.Kind() != reflect.Pointer || in.Elem().Name() != name+"Input" ||
		out.Kind() != reflect.Pointer || out.Elem().Name() != name+"Output" {
		return nil, nil, false
	}
	return in.Elem(), out.Elem(), true
}

func (s *service) speaks(p Protocol) bool { return slices.Contains(s.protocols, p) }

// bodyLimit bounds the body of an operation, in bytes.
func (s *service) bodyLimit(operation string) int64 {
	return cmp.Or(s.maxBodies[operation], s.maxBody, defaultMaxBody)
}

// tooLarge is the fault of a body that is larger than its operation's may be.
func (s *service) tooLarge(operation string) *fault {
	limit := s.bodyLimit(operation)
	if s.oversize == nil {
		return tooLarge(limit)
	}
	return s.fault(s.oversize(operation, limit))
}

// prepare makes the plans of an operation, once.
func (s *service) prepare(op *operation) error {
	op.once.Do(func() {
		op.void = schemaOf(op.out) == nil
		s.mu.Lock()
		defer s.mu.Unlock()
		s.openPlanners()
		if op.inPlan, op.err = s.inputs.planOf(op.in, s.model().Operations[op.name]); op.err == nil {
			op.outPlan, op.err = s.outputs.planOf(op.out, s.model().Outputs[op.name])
		}
	})
	return op.err
}

// answerPlan returns the plan for a type that only answers have.
func (s *service) answerPlan(t reflect.Type) (*plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openPlanners()
	return s.outputs.planOf(t, t.Name())
}

// openPlanners makes the planners, once, under the lock.
func (s *service) openPlanners() {
	if s.inputs != nil {
		return
	}
	s.inputs = s.newPlanner(schemaName)
	s.outputs = s.inputs
	switch {
	case s.whole:
		s.inputs = s.newPlanner(sdkName)
		s.inputs.whole = true
	case s.speaks(EC2Query):
		s.inputs, s.outputs = s.newPlanner(ec2RequestName), s.newPlanner(ec2AnswerName)
	}
}

func (s *service) newPlanner(name func(member, *smithy.Schema, string) string) *planner {
	pl := &planner{document: s.document, enums: s.enums, present: s.present, shown: s.shown, model: s.model(), name: name, plans: map[planKey]*plan{}}
	for _, u := range s.unions {
		pl.unions = append(pl.unions, reflect.TypeOf(u))
	}
	return pl
}
