package lambda

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"

	"flyball/internal/optional"
	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/polling"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/state"
)

// A mapping has the messages of a queue sent to a function.
type mapping struct {
	UUID      string
	Function  string
	Qualifier string // as it was given; empty for none
	Queue     string // ARN
	Enabled   bool   // as it is to be
	State     string // as it is shown
	Created   time.Time
	Modified  time.Time
	Tags      map[string]string `json:",omitempty"`
	mappingSettings
}

// mappingSettings are what can be changed of a mapping beside its function.
type mappingSettings struct {
	BatchSize int32
	Window    int32                                  // seconds
	Filters   []string                               `json:",omitempty"` // event patterns
	Reports   bool                                   `json:",omitempty"` // the function reports which messages have failed
	Maximum   int32                                  `json:",omitempty"` // concurrency; 0: none
	Pollers   *types.ProvisionedPollerConfig         `json:",omitempty"`
	Metrics   []types.EventSourceMappingMetric       `json:",omitempty"`
	Logging   *types.EventSourceMappingLoggingConfig `json:",omitempty"`
	KMSKey    string                                 `json:",omitempty"`
}

// The states of a mapping. Those that end in -ing pass by themselves.
const (
	creating  = "Creating"
	enabling  = "Enabling"
	enabled   = "Enabled"
	disabling = "Disabling"
	disabled  = "Disabled"
	updating  = "Updating"
	deleting  = "Deleting"
)

var kindMapping = state.Kind{Name: "lambda.mapping", Version: 1} // by UUID

// settled is the state that follows one that passes.
func (m mapping) settled() string {
	if m.Enabled {
		return enabled
	}
	return disabled
}

// inUse reports whether the mapping is on its way into another state.
func (m mapping) inUse() bool { return m.State != enabled && m.State != disabled }

// limits are how many batches of the mapping may be under way.
func (s mappingSettings) limits() polling.Limits {
	if p := s.Pollers; p != nil {
		return polling.Provisioned(int(aws.ToInt32(p.MinimumPollers)), int(aws.ToInt32(p.MaximumPollers)))
	}
	return polling.Standard(int(s.Maximum))
}

// mappingPrefix begins the resource of a mapping's ARN.
const mappingPrefix = "event-source-mapping:"

func (a *API) describeMapping(m mapping) *types.EventSourceMappingConfiguration {
	d := &types.EventSourceMappingConfiguration{
		UUID: &m.UUID, EventSourceArn: &m.Queue, FunctionArn: aws.String(a.qualified(m.Function, m.Qualifier)),
		EventSourceMappingArn: aws.String(a.cell.ARN("lambda", mappingPrefix+m.UUID)),
		BatchSize:             &m.BatchSize, MaximumBatchingWindowInSeconds: &m.Window,
		State: &m.State, StateTransitionReason: aws.String("USER_INITIATED"), LastModified: &m.Modified,
		FunctionResponseTypes:   []types.FunctionResponseType{},
		ProvisionedPollerConfig: m.Pollers, LoggingConfig: m.Logging, KMSKeyArn: optional.String(m.KMSKey),
	}
	if m.Reports {
		d.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
	}
	if len(m.Filters) > 0 {
		d.FilterCriteria = &types.FilterCriteria{}
		for _, pattern := range m.Filters {
			d.FilterCriteria.Filters = append(d.FilterCriteria.Filters, types.Filter{Pattern: aws.String(pattern)})
		}
	}
	if m.Maximum > 0 {
		d.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: &m.Maximum}
	}
	if len(m.Metrics) > 0 {
		d.MetricsConfig = &types.EventSourceMappingMetricsConfig{Metrics: m.Metrics}
	}
	return d
}

// CreateEventSourceMapping has the messages of a queue sent to a function.
func (a *API) CreateEventSourceMapping(ctx context.Context, in *lambda.CreateEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.CreateEventSourceMappingOutput, error) {
	asked := createdSettings(in)
	t, err := a.mappingTarget(ctx, in, asked)
	if err != nil {
		return nil, err
	}
	settings, err := mappingSettings{BatchSize: defaultBatchSize}.with(asked)
	if err != nil {
		return nil, err
	}
	q, err := a.source(ctx, in)
	if err != nil {
		return nil, err
	}
	given, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	now := a.cell.Clock.Now()
	m := mapping{
		UUID: uuid.NewString(), Function: t.function.Name, Qualifier: t.qualifier, Queue: q.arn,
		Enabled: in.Enabled == nil || *in.Enabled, State: creating, Created: now, Modified: now, Tags: given, mappingSettings: settings,
	}
	if !m.Enabled {
		m.State = disabled // at once
	}
	if err := m.check(t, q); err != nil {
		return nil, err
	}
	if err := a.mayPoll(ctx, t, q); err != nil {
		return nil, err
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		for _, other := range a.mappings.Rows("") {
			if other.Queue == m.Queue && other.Function == m.Function && other.Qualifier == m.Qualifier {
				return fault.Conflict(`An event source mapping with SQS arn (" %s ") and function (" %s ") already exists. Please update or delete the existing mapping with UUID %s`,
					m.Queue, m.Function, other.UUID)
			}
		}
		a.putMapping(tx, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[lambda.CreateEventSourceMappingOutput](a.describeMapping(m)), nil
}

// mappingTarget is the function of a mapping that is asked for. That it is asked for of
// something, and with what such a source can have, comes first.
func (a *API) mappingTarget(ctx context.Context, in *lambda.CreateEventSourceMappingInput, asked settingsGiven) (target, error) {
	if aws.ToString(in.EventSourceArn) == "" && in.SelfManagedEventSource == nil {
		return target{}, fault.Parameter("Unrecognized event source.")
	}
	if err := servedSource(in); err != nil {
		return target{}, err
	}
	if err := asked.supported(); err != nil {
		return target{}, err
	}
	t, err := a.ownTarget(ctx, in.FunctionName)
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		err = fault.Parameter("Function does not exist")
	}
	return t, err
}

// ownTarget is a function of this account.
func (a *API) ownTarget(ctx context.Context, name *string) (target, error) {
	t, err := a.find(ctx, name, nil)
	if err == nil && t.api != a {
		err = fault.Denied()
	}
	return t, err
}

// putMapping keeps a mapping, and has its pollers follow it.
func (a *API) putMapping(tx *state.Tx, m mapping) {
	a.mappings.Put(tx, m.UUID, m)
	tx.After(func() { a.feeds.changed(m.UUID) })
}

// GetEventSourceMapping describes a mapping.
func (a *API) GetEventSourceMapping(ctx context.Context, in *lambda.GetEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.GetEventSourceMappingOutput, error) {
	m, err := a.mapping(ctx, in.UUID)
	if err != nil {
		return nil, err
	}
	return as[lambda.GetEventSourceMappingOutput](a.describeMapping(m)), nil
}

// mapping is the mapping that a call names.
func (a *API) mapping(ctx context.Context, id *string) (m mapping, err error) {
	var exists bool
	a.cell.State.View(ctx, func() { m, exists = a.mappings.Get(aws.ToString(id)) })
	if !exists {
		err = fault.NoMapping()
	}
	return m, err
}

// UpdateEventSourceMapping changes a mapping. The batches that are under way are
// finished as they were begun.
func (a *API) UpdateEventSourceMapping(ctx context.Context, in *lambda.UpdateEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error) {
	m, err := a.mapping(ctx, in.UUID)
	if err != nil {
		return nil, err
	}
	q, err := a.queue(ctx, m.Queue)
	if err != nil {
		return nil, err
	}
	name := in.FunctionName
	if name == nil {
		name = aws.String(a.qualified(m.Function, m.Qualifier))
	}
	t, err := a.ownTarget(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := a.mayPoll(ctx, t, q); err != nil {
		return nil, err
	}
	m, err = a.changeMapping(ctx, in.UUID, "update", func(m *mapping) (err error) {
		if m.mappingSettings, err = m.with(updatedSettings(in)); err != nil {
			return err
		}
		m.Function, m.Qualifier = t.function.Name, t.qualifier
		m.State = updating
		if e := in.Enabled; e != nil && *e != m.Enabled {
			m.Enabled = *e
			m.State = disabling
			if m.Enabled {
				m.State = enabling
			}
		}
		return m.check(t, q)
	})
	if err != nil {
		return nil, err
	}
	return as[lambda.UpdateEventSourceMappingOutput](a.describeMapping(m)), nil
}

// DeleteEventSourceMapping ends a mapping, after the batches that are under way.
func (a *API) DeleteEventSourceMapping(ctx context.Context, in *lambda.DeleteEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.DeleteEventSourceMappingOutput, error) {
	m, err := a.changeMapping(ctx, in.UUID, "delete", func(m *mapping) error {
		m.Enabled, m.State = false, deleting
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[lambda.DeleteEventSourceMappingOutput](a.describeMapping(m)), nil
}

// changeMapping changes a mapping that is in no other change.
func (a *API) changeMapping(ctx context.Context, id *string, what string, change func(*mapping) error) (m mapping, err error) {
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		var exists bool
		if m, exists = a.mappings.Get(aws.ToString(id)); !exists {
			return fault.NoMapping()
		}
		if m.inUse() {
			return fault.InUse("Cannot %s the event source mapping because it is in use.", what)
		}
		if err := change(&m); err != nil {
			return err
		}
		m.Modified = a.cell.Clock.Now()
		a.putMapping(tx, m)
		return nil
	})
	return m, err
}

// ListEventSourceMappings lists mappings, those of a queue or of a function if asked for.
func (a *API) ListEventSourceMappings(ctx context.Context, in *lambda.ListEventSourceMappingsInput, _ ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error) {
	var r rules.Reference
	if in.FunctionName != nil {
		var err error
		if _, r, err = a.named(in.FunctionName, nil); err != nil {
			return nil, err
		}
	}
	var rows []mapping
	a.cell.State.View(ctx, func() {
		for _, m := range a.mappings.Rows("") {
			ofQueue := in.EventSourceArn == nil || *in.EventSourceArn == m.Queue
			ofFunction := r.Name == "" || r.Name == m.Function && (r.Qualifier == "" || r.Qualifier == m.Qualifier)
			if ofQueue && ofFunction {
				rows = append(rows, m)
			}
		}
	})
	rows, next, err := pageOf(rows, func(m mapping) string { return m.UUID }, in.Marker, in.MaxItems, listedMappings)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListEventSourceMappingsOutput{EventSourceMappings: []types.EventSourceMappingConfiguration{}, NextMarker: next}
	for _, m := range rows {
		out.EventSourceMappings = append(out.EventSourceMappings, *a.describeMapping(m))
	}
	return out, nil
}

// mappingNamed is the UUID of the mapping that an ARN names.
func (a *API) mappingNamed(resource string) (id string, ok bool) {
	name, ok := a.cell.Parse("lambda", resource)
	if !ok {
		return "", false
	}
	return strings.CutPrefix(name, mappingPrefix)
}
