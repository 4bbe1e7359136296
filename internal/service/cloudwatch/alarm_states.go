package cloudwatch

import (
	"context"

	"flyball/alarm"
)

// AlarmStates is how many alarms are in each state, by its name.
func (a *alarms) AlarmStates(ctx context.Context) map[string]int {
	var states [3]int
	a.cell.State.View(ctx, func() { states = a.registry.states })
	byName := make(map[string]int, len(states))
	for state, n := range states {
		byName[alarm.State(state).String()] = n
	}
	return byName
}
