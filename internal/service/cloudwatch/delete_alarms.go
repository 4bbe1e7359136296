package cloudwatch

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"flyball/internal/state"
)

// DeleteAlarms deletes all the alarms or none. Names without an alarm are
// ignored.
func (a *alarms) DeleteAlarms(ctx context.Context, in *cloudwatch.DeleteAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAlarmsOutput, error) {
	now := a.now()
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		found := a.registry.withNames(in.AlarmNames)
		if err := a.checkDelete(found); err != nil {
			return err
		}
		for _, e := range found {
			a.addConfigurationUpdate(tx, e, "Delete", now)
			tx.Delete(kindAlarm, e.name)
			tx.Delete(kindStatus, e.name)
			a.remove(tx, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatch.DeleteAlarmsOutput{}, nil
}

// checkDelete refuses to delete what a composite alarm that stays depends on.
func (a *alarms) checkDelete(found []*entry) error {
	var needed []string
	composites := 0
	for _, e := range found {
		if e.composite != nil {
			composites++
		}
		if slices.ContainsFunc(a.registry.parents[e.name], func(parent *entry) bool { return parent == e || !slices.Contains(found, parent) }) {
			needed = append(needed, e.name)
		}
	}
	switch {
	case composites > 1:
		return validation("Only one composite alarm can be deleted at a time.")
	case len(needed) == 1:
		return validation("Cannot delete %s as there are composite alarm(s) depending on it.", needed[0])
	case len(needed) > 1:
		return validation("Cannot delete %s as there are composite alarm(s) depending on them.", strings.Join(needed, ","))
	}
	return nil
}
