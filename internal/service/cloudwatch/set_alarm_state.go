package cloudwatch

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/state"
)

// SetAlarmState puts an alarm into a state until its next evaluation, to try
// its actions.
func (a *alarms) SetAlarmState(ctx context.Context, in *cloudwatch.SetAlarmStateInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.SetAlarmStateOutput, error) {
	to, err := alarm.ParseState(string(in.StateValue))
	if err != nil {
		return nil, validation("1 validation error detected: Value '%s' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]", in.StateValue)
	}
	if in.StateReason == nil {
		return nil, validation("The parameter StateReason must be specified.")
	}
	if d := in.StateReasonData; d != nil && !json.Valid([]byte(*d)) {
		return nil, &types.InvalidFormatFault{Message: new("StateReasonData is not valid JSON.")}
	}
	why := &statement{*in.StateReason, aws.ToString(in.StateReasonData)}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		e := a.registry.get(aws.ToString(in.AlarmName))
		if e == nil {
			return &types.ResourceNotFound{} // CloudWatch says no more
		}
		now := a.now() // under the lock: of two calls the later one has the later time
		if to != e.State {
			a.transition(tx, e, e.Enter(now, to), why, now)
			return nil
		}
		before := e.status
		tx.Undo(func() { e.status = before })
		e.why, e.updated = why, alarm.At(now)
		tx.Put(kindStatus, e.name, e.status.document())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatch.SetAlarmStateOutput{}, nil
}
