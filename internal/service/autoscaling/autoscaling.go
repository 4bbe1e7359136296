// Package autoscaling is Application Auto Scaling for ECS services: scalable
// targets, scaling policies, and the scaling itself.
//
//	as, err := autoscaling.New(autoscaling.Config{
//		Account: "123456789012", Region: "us-east-1",
//		Clock: clk, Store: st, Log: log,
//		Alarms: cloudWatch, Services: ecs,
//	})
//	go as.Run(ctx)
//
// A policy's alarms call AlarmAction when they go into ALARM, and each minute
// while they stay there:
//
//	alarm ──> AlarmAction: what do all alarms and the service look like?
//	              scaling.Decide ──> UpdateService, or a reason not to
//	              an activity begins
//	          Run: looks at the services with an activity until the running
//	              tasks are as many as were asked for; the activity ends and the
//	              policies' cooldowns are counted from here
//
// A scheduled action changes the target's bounds when its time comes, and Run
// brings the capacity inside them.
//
// Package scaling holds the rules. This one gathers what they need, does what
// they say, and remembers it.
package autoscaling

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/clock"
	"flyball/internal/store"
)

// Alarms is what the service needs of CloudWatch.
type Alarms interface {
	PutMetricAlarm(context.Context, *cloudwatch.PutMetricAlarmInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricAlarmOutput, error)
	DeleteAlarms(context.Context, *cloudwatch.DeleteAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAlarmsOutput, error)
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// Services is what the service needs of ECS.
type Services interface {
	DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error)
	UpdateService(context.Context, *ecs.UpdateServiceInput, ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error)
}

var (
	_ Alarms   = (*cloudwatch.Client)(nil)
	_ Services = (*ecs.Client)(nil)
)

// Config is what the service needs of its surroundings.
type Config struct {
	Account, Region string // of every ARN
	Clock           *clock.Clock
	Store           store.Store
	Log             *slog.Logger // nil logs nothing
	Alarms          Alarms
	Services        Services

	// MaxTargets bounds the scalable targets; 0 is no bound. AWS starts with
	// 3,000 and raises it on request.
	MaxTargets int
	// MetricPeriod, if set, is told how often a service's CPU and memory metrics
	// are wanted: one minute, unless a policy or a tag asks for more.
	MetricPeriod func(resourceID string, period time.Duration)
}

// API is the Application Auto Scaling service. It has the SDK client's methods
// for the operations that it serves, and they may be called concurrently.
type API struct {
	cfg Config

	mu        sync.Mutex
	targets   map[string]*target // by resource id
	sorted    []*target          // by resource id; nil when it must be sorted anew
	byARN     map[string]*target
	policies  map[string]*policy // by ARN
	following map[*target]struct{}
	zero      map[*target]struct{} // targets that may have no task
	agenda    agenda
	zones     map[string]*time.Location // of the scheduled actions, by name

	renewals    calendar   // of forecasts
	hours       calendar   // for which predictive policies set capacity
	forecasting sync.Mutex // held while a forecast is made

	wake      chan struct{} // holds a token when there is something new to follow
	replanned chan struct{} // holds a token when the agenda has changed
}

// Kinds of documents in the store.
const (
	kindTarget     = "autoscaling.target"          // by resource id
	kindPolicy     = "autoscaling.policy"          // by resource id and policy name
	kindAction     = "autoscaling.action"          // by resource id and scheduled action name
	kindPrediction = "autoscaling.prediction"      // by resource id, policy name and first hour
	kindActivity   = "autoscaling.activity"        // newest first; see activityKey
	kindIndex      = "autoscaling.target-activity" // the activities' keys, by resource id
)

// New returns the service with what the store remembers. Nothing is followed
// until Run is called.
func New(cfg Config) (*API, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{
		cfg:       cfg,
		targets:   map[string]*target{},
		byARN:     map[string]*target{},
		policies:  map[string]*policy{},
		following: map[*target]struct{}{},
		zero:      map[*target]struct{}{},
		zones:     map[string]*time.Location{},
		renewals:  newCalendar(),
		hours:     newCalendar(),
		wake:      make(chan struct{}, 1),
		replanned: make(chan struct{}, 1),
	}
	if err := a.load(); err != nil {
		return nil, fmt.Errorf("load scalable targets: %w", err)
	}
	return a, nil
}

// load reads targets, policies and scheduled actions back, and takes up where it
// left off.
func (a *API) load() error {
	if err := scan(a.cfg.Store, kindTarget, func(t *target) error {
		a.insert(t)
		return nil
	}); err != nil {
		return err
	}
	if err := scan(a.cfg.Store, kindPolicy, func(p *policy) error {
		t := a.targets[p.ResourceID]
		if t == nil {
			return fmt.Errorf("policy %s belongs to no target", p.ARN)
		}
		rule, err := p.compile()
		if err != nil {
			return fmt.Errorf("policy %s: %w", p.ARN, err)
		}
		p.rule = rule
		a.attach(t, p)
		return nil
	}); err != nil {
		return err
	}
	for _, p := range a.policies {
		if err := a.loadPrediction(p); err != nil {
			return fmt.Errorf("forecast of policy %s: %w", p.ARN, err)
		}
		a.enroll(p)
	}
	if err := scan(a.cfg.Store, kindAction, func(c *action) error {
		t := a.targets[c.ResourceID]
		if t == nil {
			return fmt.Errorf("scheduled action %s belongs to no target", c.Name)
		}
		if err := a.compile(c); err != nil { // a newer time zone database may not have the zone, or the time
			a.cfg.Log.Error("a scheduled action never runs: its schedule is no longer valid", "target", c.ResourceID, "action", c.Name, "error", err)
		}
		a.keep(t, c)
		return nil
	}); err != nil {
		return err
	}
	for _, t := range a.targets {
		if t.Activity != nil {
			a.following[t] = struct{}{}
		}
		if t.Min == 0 {
			a.zero[t] = struct{}{} // the first look tells
		}
		a.setMetricPeriod(t)
	}
	return nil
}

// scan decodes every document of a kind.
func scan[T any](st store.Store, kind string, each func(*T) error) error {
	var failure error
	err := st.Scan(kind, store.Range{}, func(key string, value []byte) bool {
		v := new(T)
		if failure = json.Unmarshal(value, v); failure == nil {
			failure = each(v)
		}
		if failure != nil {
			failure = fmt.Errorf("%s %q: %w", kind, key, failure)
		}
		return failure == nil
	})
	if err != nil {
		return err
	}
	return failure
}

func (a *API) now() time.Time { return a.cfg.Clock.Now() }

// put adds a document to a batch.
func put(b *store.Batch, kind, key string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own structs encode
	}
	b.Put(kind, key, text)
}

// durable waits until a batch is on disk.
func durable(c store.Commit) error {
	if err := c.Wait(); err != nil {
		return internal(err)
	}
	return nil
}
