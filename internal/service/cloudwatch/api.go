// Package cloudwatch is the CloudWatch service: metrics, alarms, their history
// and actions, and dashboards.
//
//	db, err := tsdb.Open(st, clk)
//	cw, err := cloudwatch.New(cloudwatch.Config{
//		Account: "123456789012", Region: "us-east-1",
//		Clock: clk, Store: st, Log: log, Metrics: db,
//		Act: scale, // called for alarm actions that are scaling policies
//	})
//	go cw.Run(ctx)
//
// An alarm is evaluated when one of its periods closes, by one loop for all
// alarms, and at once when a datapoint lands in a period that has closed
// already. Nothing polls.
package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/alarm"
	"flyball/internal/clock"
	"flyball/internal/store"
	"flyball/internal/tsdb"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Account, Region string
	Clock           *clock.Clock
	Store           store.Store
	Log             *slog.Logger
	Metrics         *tsdb.DB // run by its owner

	// Act carries out a scaling-policy action of an alarm: when the alarm goes
	// into the state, and each minute while it stays there. Calls for one alarm
	// come one after the other; calls for different alarms come concurrently.
	// Its error goes into the alarm's history.
	Act func(context.Context, alarm.Notification) error
}

// API is the CloudWatch service. It has the SDK client's methods for the
// operations that it serves, and they may be called concurrently.
type API struct {
	metrics
	Config
	history  history
	actions  dispatcher
	readings readings

	mu         sync.Mutex
	alarms     map[string]*record
	names      []*record            // sorted by name; nil when it must be sorted anew
	composites int                  // how many of the alarms are composite
	parents    map[string][]*record // composite alarms by the names that their rules mention
	suppressed map[string][]*record // composite alarms by the name of their suppressor
	watches    map[*tsdb.Series]*watch
	schedule   schedule
	scratch    []float64 // for the window of the alarm under evaluation
	dashboards map[string]*dashboard
}

// Kinds of documents in the store.
const (
	kindAlarm        = "cloudwatch.alarm"         // definition, by alarm name
	kindState        = "cloudwatch.state"         // state and reason, by alarm name
	kindHistory      = "cloudwatch.history"       // history items, by time
	kindAlarmHistory = "cloudwatch.alarm-history" // the same, by alarm name and time
	kindDashboard    = "cloudwatch.dashboard"     // by dashboard name
)

// New returns the service with what the store remembers. It evaluates nothing
// before Run.
func New(cfg Config) (*API, error) {
	a := &API{
		metrics:    metrics{account: cfg.Account, region: cfg.Region, clock: cfg.Clock, db: cfg.Metrics},
		Config:     cfg,
		alarms:     map[string]*record{},
		parents:    map[string][]*record{},
		suppressed: map[string][]*record{},
		watches:    map[*tsdb.Series]*watch{},
		dashboards: map[string]*dashboard{},
	}
	a.schedule.init()
	a.actions.api = a
	if err := a.load(); err != nil {
		return nil, fmt.Errorf("load alarms: %w", err)
	}
	return a, nil
}

// load reads alarms and dashboards back.
func (a *API) load() error {
	var failure error
	scan := func(kind string, each func(key string, value []byte) error) {
		if failure != nil {
			return
		}
		if err := a.Store.Scan(kind, store.Range{}, func(key string, value []byte) bool {
			failure = each(key, value)
			return failure == nil
		}); err != nil {
			failure = err
		}
	}
	scan(kindAlarm, func(name string, value []byte) error {
		r, err := a.decode(value)
		if err != nil {
			return fmt.Errorf("alarm %q: %w", name, err)
		}
		a.insert(r)
		return nil
	})
	scan(kindState, func(name string, value []byte) error {
		r := a.alarms[name]
		if r == nil {
			return nil
		}
		var d standingDocument
		if err := json.Unmarshal(value, &d); err != nil {
			return fmt.Errorf("state of alarm %q: %w", name, err)
		}
		r.standing = d.standing(r)
		return nil
	})
	scan(kindDashboard, func(name string, value []byte) error {
		d := &dashboard{name: name}
		if err := json.Unmarshal(value, d); err != nil {
			return fmt.Errorf("dashboard %q: %w", name, err)
		}
		a.dashboards[name] = d
		return nil
	})
	return failure
}

// now is the time as alarms and their history show it: in milliseconds.
func (a *API) now() time.Time { return a.Clock.Now().Truncate(time.Millisecond) }

// alarmARN is the ARN of the alarm with this name.
func (a *API) alarmARN(name string) string {
	return arn.ARN{Partition: "aws", Service: "cloudwatch", Region: a.Region, AccountID: a.Account, Resource: alarmPrefix + name}.String()
}

const alarmPrefix = "alarm:"

// alarmName is the name in the ARN of an alarm of ours.
func (a *API) alarmName(s string) (name string, ok bool) {
	parsed, err := arn.Parse(s)
	if err != nil || parsed.Service != "cloudwatch" || parsed.Region != a.Region || parsed.AccountID != a.Account {
		return "", false
	}
	return strings.CutPrefix(parsed.Resource, alarmPrefix)
}

// named resolves what may be a name or an ARN to a name. A foreign ARN stays
// as it is, and is the name of no alarm.
func (a *API) named(nameOrARN string) string {
	if name, ok := a.alarmName(nameOrARN); ok {
		return name
	}
	return nameOrARN
}
