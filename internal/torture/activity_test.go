package main

import (
	"slices"
	"testing"
	"time"

	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

func TestScaled(t *testing.T) {
	const ok, failed = aastypes.ScalingActivityStatusCodeSuccessful, aastypes.ScalingActivityStatusCodeFailed
	act := func(minute int, id, policy string, to int32, status aastypes.ScalingActivityStatusCode) activity {
		at := noon.Add(time.Duration(minute) * time.Minute)
		return activity{id: id, policy: policy, to: to, status: status, start: at, end: at}
	}
	for _, c := range []struct {
		rule       string
		activities []activity // oldest first
		desired    int32
		want       kind
	}{
		{"nothing was done", nil, 1, ""},
		{"each activity moved the count once", []activity{act(0, "1", outPolicy, 2, ok), act(20, "2", outPolicy, 3, ok), act(21, "3", inPolicy, 2, ok)}, 2, ""},
		{"the count was moved once more", []activity{act(0, "1", outPolicy, 2, ok)}, 3, scaledTwice},
		{"the count was not moved", []activity{act(0, "1", outPolicy, 2, ok), act(20, "2", outPolicy, 3, ok)}, 2, scaledTwice},
		{"one activity moved it twice", []activity{act(0, "1", outPolicy, 2, ok), act(20, "2", outPolicy, 4, ok)}, 4, scaledTwice},
		{"one alarm made two activities", []activity{act(0, "1", outPolicy, 2, ok), act(1, "2", outPolicy, 3, ok)}, 3, scaledTwice},
		{"the other direction came between", []activity{act(0, "1", outPolicy, 2, ok), act(1, "2", inPolicy, 1, ok), act(2, "3", outPolicy, 2, ok)}, 2, ""},
		{"an activity is listed twice", []activity{act(0, "1", outPolicy, 2, failed), act(0, "1", outPolicy, 2, failed)}, 1, scaledTwice},
		{"what the kill interrupted moved nothing and comes again", []activity{act(0, "1", outPolicy, 2, failed), act(1, "2", outPolicy, 2, ok)}, 2, ""},
		{"what failed moved the count all the same", []activity{act(0, "1", outPolicy, 2, ok), act(1, "2", outPolicy, 3, failed)}, 3, scaledTwice},
	} {
		t.Run(c.rule, func(t *testing.T) {
			slices.Reverse(c.activities)
			expect(t, scaled(c.activities, c.desired, cooldown), c.want)
		})
	}
}
