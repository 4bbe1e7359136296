package ecs

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/state"
)

// Alarms is what deployments need of CloudWatch.
type Alarms interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

var _ Alarms = (*cloudwatch.Client)(nil)

// noAlarms is the Alarms of a server without any.
type noAlarms struct{}

func (noAlarms) DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	return &cloudwatch.DescribeAlarmsOutput{}, nil
}

// Between two looks at the alarms of a deployment pass five seconds of the clock, or a
// little real time where the clock is faster than that.
const (
	watchEvery    = 5 * time.Second
	watchNoFaster = 100 * time.Millisecond
)

// A deploymentWatch is what a deployment knows of its alarms. Those that were in ALARM
// when it began are ignored, since it may be the deployment that mends what they tell
// of. An alarm that does not exist tells nothing.
type deploymentWatch struct {
	Ignored   []string `json:",omitempty"`
	Triggered []string `json:",omitempty"`
}

// alarmNames are the alarms that can fail a deployment.
func (r *rollout) alarmNames() []string {
	if c := r.Configuration.Alarms; c != nil && c.Enable {
		return c.AlarmNames
	}
	return nil
}

// beginWatch notes which alarms the newest deployment of a service ignores. A rolling
// one bakes as long as the slowest alarm needs to see what it has done (Amazon ECS
// Developer Guide, "How CloudWatch alarms detect Amazon ECS deployment failures").
func (a *API) beginWatch(ctx context.Context, s *service) {
	r := s.history[0]
	if len(r.alarmNames()) == 0 {
		return
	}
	out := a.describeAlarms(ctx, r)
	r.Watch.Ignored = inAlarm(out)
	if !r.Plan.Beside {
		for _, alarm := range out.MetricAlarms {
			sees := time.Duration(aws.ToInt32(alarm.Period)*aws.ToInt32(alarm.EvaluationPeriods)) * time.Second
			r.Plan.Bake = max(r.Plan.Bake, sees)
		}
	}
	a.watched.Sooner(s, a.now())
}

func (a *API) describeAlarms(ctx context.Context, r *rollout) *cloudwatch.DescribeAlarmsOutput {
	out, err := a.cfg.Alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: r.alarmNames(), AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm, cwtypes.AlarmTypeCompositeAlarm},
	})
	if err != nil {
		a.cell.Log.Warn("look at the alarms of a deployment", "deployment", r.ID, "err", err)
		return &cloudwatch.DescribeAlarmsOutput{}
	}
	return out
}

// inAlarm are the names of alarms in the state ALARM.
func inAlarm(out *cloudwatch.DescribeAlarmsOutput) []string {
	var names []string
	for _, alarm := range out.MetricAlarms {
		if alarm.StateValue == cwtypes.StateValueAlarm {
			names = append(names, aws.ToString(alarm.AlarmName))
		}
	}
	for _, alarm := range out.CompositeAlarms {
		if alarm.StateValue == cwtypes.StateValueAlarm {
			names = append(names, aws.ToString(alarm.AlarmName))
		}
	}
	return names
}

// watchDue looks at the alarms of deployments.
func (a *API) watchDue(ctx context.Context, due []*service) {
	for _, s := range due {
		a.watchAlarms(ctx, s)
	}
}

// watchAlarms fails the deployment of a service when one of its alarms is in ALARM.
func (a *API) watchAlarms(ctx context.Context, s *service) {
	var r *rollout
	a.cell.State.View(ctx, func() {
		if s.watches() {
			copied := *s.history[0]
			r = &copied
		}
	})
	if r == nil {
		return
	}
	found := slices.DeleteFunc(inAlarm(a.describeAlarms(ctx, r)), func(name string) bool { return slices.Contains(r.Watch.Ignored, name) })
	a.watched.Sooner(s, a.now().Add(max(watchEvery, a.virtual(watchNoFaster))))
	if len(found) == 0 {
		return
	}
	a.cell.State.Later(func(tx *state.Tx) {
		if s.watches() && s.history[0].ID == r.ID {
			a.alarmed(tx, s, found)
		}
	})
}

// watches is whether alarms can fail the service's deployment: as soon as one of its
// tasks runs, until it has ended or returns.
func (s *service) watches() bool {
	if !s.there() || s.status() != active {
		return false
	}
	r := s.history[0]
	return r.Status == types.ServiceDeploymentStatusInProgress && len(r.alarmNames()) > 0
}

// alarmed fails the deployment of a service whose alarms are in ALARM.
func (a *API) alarmed(tx *state.Tx, s *service, names []string) {
	r := s.history[0]
	if s.counts()[deploymentID(r.Target.Number)].running == 0 {
		return
	}
	r.Watch.Triggered = names
	list := strings.Join(names, ", ")
	why := cause{"ECS deployment alarm", "alarms in ALARM state: " + list + ".", "CloudWatch alarms were in ALARM state: " + list}
	a.failDeployment(tx, s, why, r.Configuration.Alarms.Rollback, a.now())
	s.save(tx)
	a.reconcileSoon(s)
}

// alarms are those of a deployment as the API shows them.
func (r *rollout) alarms() *types.ServiceDeploymentAlarms {
	c := r.Configuration.Alarms
	if c == nil {
		return nil
	}
	shown := &types.ServiceDeploymentAlarms{AlarmNames: c.AlarmNames, TriggeredAlarmNames: r.Watch.Triggered}
	shown.Status = r.monitors(c.Enable, len(r.Watch.Triggered) > 0)
	return shown
}

// monitors is the status of something that can fail a deployment.
func (r *rollout) monitors(enabled, triggered bool) types.ServiceDeploymentRollbackMonitorsStatus {
	switch {
	case !enabled:
		return types.ServiceDeploymentRollbackMonitorsStatusDisabled
	case triggered:
		return types.ServiceDeploymentRollbackMonitorsStatusTriggered
	case r.running():
		return types.ServiceDeploymentRollbackMonitorsStatusMonitoring
	}
	return types.ServiceDeploymentRollbackMonitorsStatusMonitoringComplete
}
