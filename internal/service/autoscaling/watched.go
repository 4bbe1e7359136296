package autoscaling

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/scaling"
)

// A watched is an alarm of a policy, as CloudWatch describes it and as package
// scaling sees it.
type watched struct {
	described *cwtypes.MetricAlarm // nil for one that was deleted
	seen      scaling.Alarm
}

// deleted is an alarm of a target tracking policy that somebody has deleted: the
// first is the high one.
func deleted(name string, i int) scaling.Alarm {
	a := scaling.Alarm{Name: name, Silent: scaling.AlarmDeleted, Comparison: alarm.Greater}
	if i > 0 {
		a.Comparison = alarm.Less
	}
	return a
}

// silence is why an alarm does not call a policy.
func silence(m *cwtypes.MetricAlarm, policyARN string) scaling.Silence {
	switch {
	case !slices.Contains(m.AlarmActions, policyARN):
		return scaling.ActionRemoved
	case m.ActionsEnabled != nil && !*m.ActionsEnabled:
		return scaling.ActionsDisabled
	}
	return ""
}

// readAlarm is an alarm as package scaling sees it, without its datapoints.
func readAlarm(m *cwtypes.MetricAlarm) (scaling.Alarm, error) {
	state, err := alarm.ParseState(string(m.StateValue))
	if err != nil {
		return scaling.Alarm{}, fault.Internal(fmt.Errorf("alarm %s: %w", aws.ToString(m.AlarmName), err))
	}
	comparison, err := alarm.ParseComparison(string(m.ComparisonOperator))
	if err != nil {
		return scaling.Alarm{}, fault.Invalid("Alarm %s: %v", aws.ToString(m.AlarmName), err)
	}
	if comparison.OfBand() {
		return scaling.Alarm{}, fault.Invalid("Alarm %s: it has a band, and scaling needs a threshold", aws.ToString(m.AlarmName))
	}
	of := int(aws.ToInt32(m.EvaluationPeriods))
	return scaling.Alarm{
		Name:       aws.ToString(m.AlarmName),
		State:      state,
		Since:      aws.ToTime(m.StateTransitionedTimestamp),
		Comparison: comparison,
		Threshold:  aws.ToFloat64(m.Threshold),
		Period:     rules.AlarmPeriod(*m),
		Needed:     cmp.Or(int(aws.ToInt32(m.DatapointsToAlarm)), of),
		Of:         of,
	}, nil
}
