package rules

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/schedule"
)

func TestActionRefusals(t *testing.T) {
	type input = applicationautoscaling.PutScheduledActionInput
	const syntax = `Invalid schedule expression. Details: Schedule expressions must have the following syntax: rate(<number>\s?(minutes?|hours?|days?)), cron(<cron_expression>) or at(yyyy-MM-dd'T'HH:mm:ss).`
	tests := []struct {
		name    string
		change  func(*input)
		message string
	}{
		{"a new action without a schedule", func(in *input) { in.Schedule = nil }, "A schedule must be specified"},
		{"a new action without capacities", func(in *input) { in.ScalableTargetAction = nil }, "ScalableTargetAction must be set"},
		{"neither capacity", func(in *input) { in.ScalableTargetAction = &types.ScalableTargetAction{} }, "At least one of minimum capacity and maximum capacity should be provided"},
		{"min above max", func(in *input) { in.ScalableTargetAction.MinCapacity = aws.Int32(21) }, "Maximum capacity cannot be less than minimum capacity"},
		{"a negative capacity", func(in *input) { in.ScalableTargetAction.MinCapacity = aws.Int32(-1) }, "Minimum capacity -1 must not be negative"},
		{"the crontab of another service", func(in *input) { in.Schedule = aws.String("30 3 * * *") }, syntax},
		{"a bad cron expression", func(in *input) { in.Schedule = aws.String("cron(0 16 * MON ? *)") },
			"Invalid schedule expression. Details: Invalid CRON expression: error at position 7, details: Invalid Month value: 'MON'"},
		{"an unknown zone", func(in *input) { in.Timezone = aws.String("Mars/Olympus") }, "Time zone Mars/Olympus is not valid"},
		{"the zone of the host", func(in *input) { in.Timezone = aws.String("Local") }, "Time zone Local is not valid"},
		{"an end before the start", func(in *input) {
			in.StartTime, in.EndTime = aws.Time(time.Unix(2e9, 0)), aws.Time(time.Unix(1e9, 0))
		}, "StartTime must be before EndTime"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &input{
				Schedule:             aws.String("rate(1 hour)"),
				ScalableTargetAction: &types.ScalableTargetAction{MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(20)},
			}
			tt.change(in)
			a, err := Action{}.With(in)
			if err == nil {
				_, err = a.Compile(time.Unix(0, 0), schedule.Zone)
			}
			if err == nil {
				err = a.Check()
			}
			wantError(t, err, "ValidationException", tt.message)
		})
	}
}
