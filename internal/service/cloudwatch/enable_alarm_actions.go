package cloudwatch

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"flyball/alarm"
	"flyball/internal/state"
)

// EnableAlarmActions has alarms carry out their actions again. Names without an
// alarm are ignored.
func (a *alarms) EnableAlarmActions(ctx context.Context, in *cloudwatch.EnableAlarmActionsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.EnableAlarmActionsOutput, error) {
	return &cloudwatch.EnableAlarmActionsOutput{}, a.enable(ctx, in.AlarmNames, true)
}

// DisableAlarmActions has alarms change their state without actions. Names
// without an alarm are ignored.
func (a *alarms) DisableAlarmActions(ctx context.Context, in *cloudwatch.DisableAlarmActionsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DisableAlarmActionsOutput, error) {
	return &cloudwatch.DisableAlarmActionsOutput{}, a.enable(ctx, in.AlarmNames, false)
}

func (a *alarms) enable(ctx context.Context, names []string, enabled bool) error {
	if len(names) == 0 {
		return validation("The parameter AlarmNames must be specified.")
	}
	now := a.now()
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		for _, e := range a.registry.withNames(names) {
			if e.enabled == enabled {
				continue
			}
			configured := e.configured
			tx.Undo(func() { e.enabled, e.configured = !enabled, configured })
			e.enabled, e.configured = enabled, alarm.At(now)
			a.putDefinition(tx, e)
			a.addConfigurationUpdate(tx, e, "Update", now)
		}
		return nil
	})
}
