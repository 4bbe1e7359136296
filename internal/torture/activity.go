package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// activitiesRead is how many activities are looked at: more than rounds can add
// between two looks.
const activitiesRead = 50

// An activity is a scaling activity of the scaled service.
type activity struct {
	id, policy string // "": no policy's
	to         int32
	status     aastypes.ScalingActivityStatusCode
	start, end time.Time
}

// rank grows in an activity's life.
func (a activity) rank() int {
	switch a.status {
	case aastypes.ScalingActivityStatusCodePending:
		return 0
	case aastypes.ScalingActivityStatusCodeInProgress:
		return 1
	}
	return 2
}

func (a activity) ended() bool  { return a.rank() == 2 }
func (a activity) failed() bool { return a.status == aastypes.ScalingActivityStatusCodeFailed }

// then is what a policy sets after the activity.
func (a activity) then(policy string) int32 {
	return min(max(a.to+adjustments[policy], scaledLeast), scaledMost)
}

// holds reports whether the activity's cooldown forbids another one. One that
// came between, even if it failed, may have ended the cooldown.
func (a activity) holds(next activity, cooldown time.Duration) bool {
	return a.policy == next.policy && !a.end.IsZero() && next.start.Before(a.end.Add(cooldown))
}

// scaled checks that the desired count has moved once for each activity, by what
// its policy adds, and that no policy has scaled again within its cooldown. Those
// that failed have moved nothing: the server was killed before it set the count.
func scaled(activities []activity, desired int32, cooldown time.Duration) []fault {
	var faults []fault
	twice := func(id, format string, args ...any) {
		text := "activity " + id + " " + fmt.Sprintf(format, args...) + "; " + around(activities, id)
		faults = append(faults, fault{scaledTwice, "activity " + id, text})
	}
	var last, before *activity // that moved the count; of all
	seen := map[string]bool{}
	for _, a := range slices.Backward(activities) {
		if seen[a.id] {
			twice(a.id, "is there twice")
		}
		seen[a.id] = true
		if a.failed() {
			before = &a
			continue
		}
		if last != nil && a.policy != "" && a.to != last.then(a.policy) {
			twice(a.id, "of policy %s set %d after %d: it adds %d", a.policy, a.to, last.to, adjustments[a.policy])
		}
		if last != nil && last == before && last.holds(a, cooldown) {
			twice(a.id, "of policy %s came %v after the one before, within the cooldown of %v", a.policy, a.start.Sub(last.end), cooldown)
		}
		last, before = &a, &a
	}
	if last != nil && last.to != desired {
		twice(last.id, "set %d, and %d are desired", last.to, desired)
	}
	return faults
}

// around tells an activity and its neighbours, oldest first.
func around(activities []activity, id string) string {
	at := slices.IndexFunc(activities, func(a activity) bool { return a.id == id })
	var told []string
	for _, a := range slices.Backward(activities[max(0, at-1):min(at+4, len(activities))]) {
		told = append(told, fmt.Sprintf("%s %s sets %d: %s until %s",
			a.start.Format("15:04:05.000"), a.policy, a.to, a.status, a.end.Format("15:04:05.000")))
	}
	return strings.Join(told, ", ")
}
