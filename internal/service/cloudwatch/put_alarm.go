package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/state"
)

// PutMetricAlarm creates or changes a metric alarm. A changed one keeps its
// state and its tags.
func (a *alarms) PutMetricAlarm(ctx context.Context, in *cloudwatch.PutMetricAlarmInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricAlarmOutput, error) {
	if err := a.checkMetricAlarm(in); err != nil {
		return nil, err
	}
	tags, err := withTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	now := a.now()
	e, err := a.metricEntry(&types.MetricAlarm{
		AlarmName:                          in.AlarmName,
		AlarmDescription:                   in.AlarmDescription,
		AlarmConfigurationUpdatedTimestamp: &now,
		ActionsEnabled:                     new(in.ActionsEnabled == nil || *in.ActionsEnabled),
		OKActions:                          in.OKActions,
		AlarmActions:                       in.AlarmActions,
		InsufficientDataActions:            in.InsufficientDataActions,
		Namespace:                          in.Namespace,
		MetricName:                         in.MetricName,
		Dimensions:                         in.Dimensions,
		Statistic:                          in.Statistic,
		ExtendedStatistic:                  in.ExtendedStatistic,
		Period:                             in.Period,
		Unit:                               in.Unit,
		Metrics:                            explicit(in.Metrics),
		EvaluationPeriods:                  in.EvaluationPeriods,
		DatapointsToAlarm:                  in.DatapointsToAlarm,
		Threshold:                          in.Threshold,
		ThresholdMetricId:                  in.ThresholdMetricId,
		ComparisonOperator:                 in.ComparisonOperator,
		TreatMissingData:                   in.TreatMissingData,
		EvaluateLowSampleCountPercentile:   in.EvaluateLowSampleCountPercentile,
	}, tags)
	if err != nil {
		return nil, validation("%v.", err)
	}
	return &cloudwatch.PutMetricAlarmOutput{}, a.put(ctx, e, now)
}

// explicit are queries that all say whether they return data, as DescribeAlarms
// shows them.
func explicit(queries []types.MetricDataQuery) []types.MetricDataQuery {
	queries = slices.Clone(queries)
	for i := range queries {
		if q := &queries[i]; q.ReturnData == nil {
			q.ReturnData = new(true)
		}
	}
	return queries
}

// PutCompositeAlarm creates or changes a composite alarm. A changed one keeps
// its tags, and its state unless the new rule gives another.
func (a *alarms) PutCompositeAlarm(ctx context.Context, in *cloudwatch.PutCompositeAlarmInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutCompositeAlarmOutput, error) {
	if err := a.checkCompositeAlarm(in); err != nil {
		return nil, err
	}
	tags, err := withTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	now := a.now()
	e, err := a.compositeEntry(&types.CompositeAlarm{
		AlarmName:                          in.AlarmName,
		AlarmDescription:                   in.AlarmDescription,
		AlarmConfigurationUpdatedTimestamp: &now,
		ActionsEnabled:                     new(in.ActionsEnabled == nil || *in.ActionsEnabled),
		OKActions:                          in.OKActions,
		AlarmActions:                       in.AlarmActions,
		InsufficientDataActions:            in.InsufficientDataActions,
		AlarmRule:                          in.AlarmRule,
		ActionsSuppressor:                  in.ActionsSuppressor,
		ActionsSuppressorWaitPeriod:        in.ActionsSuppressorWaitPeriod,
		ActionsSuppressorExtensionPeriod:   in.ActionsSuppressorExtensionPeriod,
	}, tags)
	if err != nil {
		return nil, validation("AlarmRule cannot be parsed: %v.", err)
	}
	return &cloudwatch.PutCompositeAlarmOutput{}, a.put(ctx, e, now)
}

// put makes an alarm that was found valid known, or puts it in the place of the one
// with its name.
func (a *alarms) put(ctx context.Context, e *entry, now time.Time) error {
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		old := a.registry.get(e.name)
		if err := a.checkPlace(e, old); err != nil {
			return err
		}
		what, did := "Create", "created"
		if old == nil {
			e.updated = alarm.At(now)
		} else {
			what, did = "Update", "updated"
			e.status, e.tags, e.jobs = old.status, old.tags, old.jobs
			if e.composite != nil && e.composite.suppressor == "" {
				e.suppression = nil
			}
		}
		if b := e.metric.band(); b != nil {
			a.detectors.ensure(tx, b.detector)
		}
		a.insert(tx, e)
		a.putDefinition(tx, e)
		tx.Put(kindStatus, e.name, e.status.document())
		a.addConfigurationUpdate(tx, e, what, now)
		if e.composite != nil {
			a.settleComposite(tx, e, did, now)
		} else {
			a.schedule.soon(tx, e, now)
		}
		return nil
	})
}

// checkPlace refuses an alarm that cannot be in the place of another one, or whose
// rule names alarms that do not exist.
func (a *alarms) checkPlace(e, old *entry) error {
	if c := e.composite; c != nil {
		if err := a.checkChildren(e.name, c); err != nil {
			return err
		}
	}
	if e.metric.selects() && a.registry.selecting >= maxSelecting && (old == nil || !old.metric.selects()) {
		return &types.LimitExceededFault{Message: new(fmt.Sprintf("There are %d alarms on Metrics Insights queries, as many as a Region can have.", maxSelecting))}
	}
	if old != nil && (old.composite == nil) != (e.composite == nil) {
		return validation("An alarm of another type with the name %s already exists.", e.name)
	}
	return nil
}

func (a *alarms) checkChildren(name string, c *compositeRule) error {
	var unknown []string
	for i, child := range c.children {
		if child == name {
			return validation("A composite alarm cannot have a child relation with itself via its AlarmRule")
		}
		if a.registry.get(child) == nil {
			unknown = append(unknown, c.rule.Alarms()[i])
		}
	}
	if len(unknown) > 0 {
		return validation("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", strings.Join(unknown, ", "))
	}
	if s := c.suppressor; s != "" && a.registry.get(s) == nil {
		return validation("Could not save the composite alarm as the actions suppressor alarm %s does not exist", c.given)
	}
	return nil
}
