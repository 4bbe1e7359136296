package elb

import (
	"cmp"
	"context"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
	"flyball/internal/service/elb/rules"
	"flyball/internal/state"
)

// mostListeners is how many listeners a load balancer can have.
const mostListeners = 50

var kindListener = state.Kind{Name: "elb.listener", Version: 1} // by ARN

// A listener is the row of a listener.
type listener struct {
	types.Listener
	Attributes map[string]string
	Additional []string `json:",omitempty"` // ARNs of certificates beside the default one
	Tags       map[string]string
}

// https says whether a listener speaks HTTPS.
func (l listener) https() bool { return l.Protocol == types.ProtocolEnumHttps }

// CreateListener makes a listener and its default rule. Making it again with the same
// settings answers with the one that there is.
func (a *API) CreateListener(ctx context.Context, in *elb.CreateListenerInput, _ ...func(*elb.Options)) (*elb.CreateListenerOutput, error) {
	given, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	wanted, err := rules.Listener(types.Listener{}, rules.ListenerChange{
		Port: in.Port, Protocol: in.Protocol, Actions: in.DefaultActions, Certificates: in.Certificates,
		SSLPolicy: in.SslPolicy, ALPN: in.AlpnPolicy, Mutual: in.MutualAuthentication, Region: a.cell.Region,
	})
	if err != nil {
		return nil, err
	}
	wanted.LoadBalancerArn = in.LoadBalancerArn
	l := listener{Listener: wanted, Tags: given}
	l.Attributes = rules.ListenerAttributes(l.https()).Usual()
	err = a.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		l, err = a.makeListener(ctx, tx, l)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &elb.CreateListenerOutput{Listeners: []types.Listener{l.Listener}}, nil
}

// makeListener makes a listener, unless there is the same one already.
func (a *API) makeListener(ctx context.Context, tx *state.Tx, l listener) (listener, error) {
	b, err := a.balancer(l.LoadBalancerArn)
	if err != nil {
		return l, err
	}
	arn := *b.LoadBalancerArn
	others := a.listeners.Rows(a.listenersOf(arn))
	for _, other := range others {
		if *other.Port != *l.Port {
			continue
		}
		l.ListenerArn = other.ListenerArn
		if reflect.DeepEqual(l.Listener, other.Listener) {
			return other, nil
		}
		return l, fault.DuplicateListener(arn)
	}
	if len(others) >= mostListeners {
		return l, fault.TooManyListeners(mostListeners)
	}
	if err := a.checkForwards(ctx, l.Listener, l.DefaultActions); err != nil {
		return l, err
	}
	l.ListenerArn = aws.String(a.newARN(kindOfListener, tail(arn, kindOfBalancer)))
	a.putListener(tx, l)
	a.putRule(tx, rule{Rule: types.Rule{
		RuleArn: aws.String(a.newARN(kindOfRule, tail(*l.ListenerArn, kindOfListener))), Priority: aws.String(defaultPriority),
		IsDefault: aws.Bool(true), Actions: l.DefaultActions, Conditions: []types.RuleCondition{}, Transforms: []types.RuleTransform{},
	}})
	return l, nil
}

// putListener keeps a listener, and tells the data plane.
func (a *API) putListener(tx *state.Tx, l listener) {
	a.listeners.Put(tx, *l.ListenerArn, l)
	tx.After(func() { a.plane.setBalancer(*l.LoadBalancerArn) })
}

// listener finds a listener by its ARN.
func (a *API) listener(arn *string) (listener, error) {
	l, ok := a.listeners.Get(aws.ToString(arn))
	if ok {
		return l, nil
	}
	if err := checkARN(aws.ToString(arn), kindOfListener); err != nil {
		return l, err
	}
	return l, fault.ListenerNotFound()
}

// changeListener changes a listener.
func (a *API) changeListener(ctx context.Context, arn *string, change func(context.Context, *state.Tx, *listener) error) error {
	return a.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		l, err := a.listener(arn)
		if err != nil {
			return err
		}
		if err := change(ctx, tx, &l); err != nil {
			return err
		}
		a.putListener(tx, l)
		return nil
	})
}

// ModifyListener changes what is given of a listener.
func (a *API) ModifyListener(ctx context.Context, in *elb.ModifyListenerInput, _ ...func(*elb.Options)) (*elb.ModifyListenerOutput, error) {
	var changed listener
	err := a.changeListener(ctx, in.ListenerArn, func(ctx context.Context, tx *state.Tx, l *listener) (err error) {
		l.Listener, err = rules.Listener(l.Listener, rules.ListenerChange{
			Port: in.Port, Protocol: in.Protocol, Actions: in.DefaultActions, Certificates: in.Certificates,
			SSLPolicy: in.SslPolicy, ALPN: in.AlpnPolicy, Mutual: in.MutualAuthentication, Region: a.cell.Region,
		})
		if err != nil {
			return err
		}
		l.Attributes = rules.ListenerAttributes(l.https()).Complete(l.Attributes)
		if !l.https() {
			l.Additional = nil
		}
		changed = *l
		return cmp.Or(a.checkPort(*l), a.setDefault(ctx, tx, *l))
	})
	if err != nil {
		return nil, err
	}
	return &elb.ModifyListenerOutput{Listeners: []types.Listener{changed.Listener}}, nil
}

// checkPort refuses a listener at the port of another one.
func (a *API) checkPort(l listener) error {
	for _, other := range a.listeners.Rows(a.listenersOf(*l.LoadBalancerArn)) {
		if *other.Port == *l.Port && *other.ListenerArn != *l.ListenerArn {
			return fault.DuplicateListener(*l.LoadBalancerArn)
		}
	}
	return nil
}

// setDefault brings the default rule of a listener in line with its actions.
func (a *API) setDefault(ctx context.Context, tx *state.Tx, l listener) error {
	if err := a.checkForwards(ctx, l.Listener, l.DefaultActions); err != nil {
		return err
	}
	for _, r := range a.rules.Rows(a.rulesOf(*l.ListenerArn)) {
		if *r.IsDefault {
			r.Actions = l.DefaultActions
			a.putRule(tx, r)
		}
	}
	return nil
}

// DescribeListeners describes the listeners of a load balancer, or some by their ARNs.
func (a *API) DescribeListeners(ctx context.Context, in *elb.DescribeListenersInput, _ ...func(*elb.Options)) (*elb.DescribeListenersOutput, error) {
	if (in.LoadBalancerArn == nil) == (len(in.ListenerArns) == 0) {
		return nil, fault.Validation("You must specify either listener ARNs or a load balancer ARN")
	}
	rows, err := read(ctx, a, func() ([]listener, error) {
		if in.LoadBalancerArn == nil {
			return each(in.ListenerArns, func(arn string) (listener, error) { return a.listener(&arn) })
		}
		b, err := a.balancer(in.LoadBalancerArn)
		if err != nil {
			return nil, err
		}
		return a.listeners.Rows(a.listenersOf(*b.LoadBalancerArn)), nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(x, y listener) int { return cmp.Compare(*x.ListenerArn, *y.ListenerArn) })
	rows, next, err := list(rows, func(l listener) string { return *l.ListenerArn }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elb.DescribeListenersOutput{Listeners: shown(rows, func(l listener) types.Listener { return l.Listener }), NextMarker: next}, nil
}

// DeleteListener deletes a listener with its rules.
func (a *API) DeleteListener(ctx context.Context, in *elb.DeleteListenerInput, _ ...func(*elb.Options)) (*elb.DeleteListenerOutput, error) {
	err := a.write(ctx, func(_ context.Context, tx *state.Tx) error {
		l, err := a.listener(in.ListenerArn)
		if err != nil {
			return err
		}
		a.dropListener(tx, *l.ListenerArn)
		tx.After(func() { a.plane.setBalancer(*l.LoadBalancerArn) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elb.DeleteListenerOutput{}, nil
}

// dropListener removes a listener and its rules.
func (a *API) dropListener(tx *state.Tx, arn string) {
	for _, rule := range slices.Clone(a.rules.Keys(a.rulesOf(arn))) {
		a.rules.Delete(tx, rule)
	}
	a.listeners.Delete(tx, arn)
}
