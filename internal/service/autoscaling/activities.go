package autoscaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/google/uuid"

	"flyball/internal/cell"
	"flyball/internal/page"
	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/scaling"
)

// activitiesKept is how long activities can be described.
const activitiesKept = 6 * 7 * 24 * time.Hour

// activities are what was done to the targets of a cell, and why nothing was. Only
// the store has them, and the target the one that has not ended.
type activities struct {
	cell *cell.Cell
	log  *slog.Logger
}

// A record is an activity as the store keeps it.
type record struct {
	ResourceID scaling.ResourceID
	scaling.Activity
}

// newID makes the identifier of an activity.
func newID() string { return uuid.NewString() }

// notScaledMark ends the keys of activities that tell why nothing was done, and
// kindMark those of resources that are no services, before it, so that listings can
// leave them out unread.
const notScaledMark = "-notscaled"

func kindMark(k scaling.Kind) string {
	if k == scaling.Services {
		return ""
	}
	return "-" + string(k)
}

// markedAs is the kind of resource that a key without notScaledMark is marked with.
func markedAs(key string) scaling.Kind {
	if strings.HasSuffix(key, kindMark(scaling.Functions)) {
		return scaling.Functions
	}
	return scaling.Services
}

// activityKey orders activities newest first.
func activityKey(a scaling.Activity) string {
	key := timeKey(a.Start) + "-" + a.ID + kindMark(a.Kind)
	if len(a.NotScaled) > 0 {
		key += notScaledMark
	}
	return key
}

// timeKey is a string that sorts later moments first.
func timeKey(t time.Time) string { return fmt.Sprintf("%016x", math.MaxInt64-t.UnixNano()) }

// putActivity writes an activity: itself, and where to find it among those of its
// target.
func putActivity(tx *state.Tx, id scaling.ResourceID, a scaling.Activity) {
	key := activityKey(a)
	tx.Put(kindActivity, key, record{id, a})
	tx.Put(kindIndex, keyOf(id, key), struct{}{})
}

// EventActivity is the type of the events that tell of activities. Their detail is an ActivityChange.
const EventActivity = "Application Auto Scaling Scaling Activity State Change"

// An ActivityChange is what has become of an activity.
type ActivityChange struct {
	scaling.Activity
	Target scaling.ResourceID `json:"resourceId"`
	Min    scaling.Capacity   `json:"minCapacity"`
	Max    scaling.Capacity   `json:"maxCapacity"`
}

// record writes what has become of an activity of a target with some bounds, and tells of it.
func (a *activities) record(tx *state.Tx, id scaling.ResourceID, b scaling.Bounds, activity scaling.Activity) {
	putActivity(tx, id, activity)
	a.cell.Announce(tx, "aws.application-autoscaling", EventActivity, string(id), ActivityChange{activity, id, b.Min(), b.Max()})
	level := slog.LevelInfo
	if len(activity.NotScaled) > 0 {
		level = slog.LevelDebug
	}
	tx.After(func() {
		a.log.Log(context.Background(), level, "scaling activity", "target", id, "status", activity.Status,
			"what", activity.Description, "cause", activity.Cause, "details", activity.Details)
	})
}

// purge deletes what is older than is kept.
func (a *activities) purge(context.Context) {
	old := store.Range{From: timeKey(a.cell.Clock.Now().Add(-activitiesKept))}
	var keys []string
	err := state.Scan(a.cell.State, kindActivity, old, func(key string, r *record) bool {
		keys = append(keys, keyOf(r.ResourceID, key))
		return true
	})
	if err != nil {
		a.log.Error("old scaling activities could not be deleted", "error", err)
	}
	if len(keys) == 0 {
		return
	}
	a.cell.State.Later(func(tx *state.Tx) {
		tx.DeleteRange(kindActivity, old)
		for _, key := range keys {
			tx.Delete(kindIndex, key)
		}
	})
}

// DescribeScalingActivities implements the operation: newest first, of the last
// six weeks.
func (a *activities) DescribeScalingActivities(ctx context.Context, in *applicationautoscaling.DescribeScalingActivitiesInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScalingActivitiesOutput, error) {
	limit, err := rules.PageSize(in.ScalableDimension, in.ResourceId != nil, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	after, err := page.Key(in.NextToken)
	if err != nil {
		return nil, fault.Token(in.NextToken)
	}
	out := &applicationautoscaling.DescribeScalingActivitiesOutput{ScalingActivities: []types.ScalingActivity{}}
	kind, listed := rules.Listed(in.ServiceNamespace, in.ScalableDimension)
	if !listed {
		return out, nil
	}
	// Activities are on disk alone: those on their way there are waited for.
	if err := a.cell.State.Settle(ctx); err != nil {
		return nil, fault.Internal(err)
	}
	keys, err := a.keys(kind, in.ResourceId, after, aws.ToBool(in.IncludeNotScaledActivities), limit+1)
	if err != nil {
		return nil, fault.Internal(err)
	}
	if len(keys) > limit {
		keys = keys[:limit]
		out.NextToken = aws.String(page.Token(keys[limit-1]))
	}
	for _, key := range keys {
		r, err := state.Get[record](a.cell.State, kindActivity, key)
		switch {
		case errors.Is(err, store.ErrNotFound): // purged since
		case err != nil:
			return nil, fault.Internal(err)
		default:
			out.ScalingActivities = append(out.ScalingActivities, describeActivity(*r))
		}
	}
	return out, nil
}

// keys are the keys that follow another, of all activities of a kind or those of
// one target.
func (a *activities) keys(of scaling.Kind, resourceID *string, after string, notScaled bool, limit int) ([]string, error) {
	kind, prefix := kindActivity, ""
	if resourceID != nil {
		kind, prefix = kindIndex, keyOf(scaling.ResourceID(*resourceID), "")
	}
	r := store.Prefix(prefix)
	if after != "" {
		r.From = prefix + after + "\x01" // the first key that is greater
	}
	oldest := timeKey(a.cell.Clock.Now().Add(-activitiesKept))
	var keys []string
	err := a.cell.State.Store().Scan(kind.Name, r, func(key string, _ []byte) bool {
		key = key[len(prefix):]
		if key >= oldest {
			return false
		}
		scaled, told := strings.CutSuffix(key, notScaledMark)
		if (notScaled || !told) && markedAs(scaled) == of {
			keys = append(keys, key)
		}
		return len(keys) < limit
	})
	return keys, err
}

// last is a target's newest activity that scaled, or nil.
func (a *activities) last(resourceID string) (*scaling.Activity, error) {
	keys, err := a.keys(scaling.ResourceID(resourceID).Kind(), &resourceID, "", false, 1)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	r, err := state.Get[record](a.cell.State, kindActivity, keys[0])
	if err != nil {
		return nil, err
	}
	return &r.Activity, nil
}

// mostTold is how many activities Activities tells of.
const mostTold = 1000

// Activities are those of a target that began between two times, newest first, as they are kept:
// with what the policies said, for which the API has no place.
func (a *activities) Activities(ctx context.Context, resourceID string, from, to time.Time) ([]scaling.Activity, error) {
	if err := a.cell.State.Settle(ctx); err != nil {
		return nil, fault.Internal(err)
	}
	prefix := keyOf(scaling.ResourceID(resourceID), "")
	within := store.Range{From: prefix + timeKey(to), To: prefix + timeKey(from) + "\x7f"} // and all of its moment
	var keys []string
	err := a.cell.State.Store().Scan(kindIndex.Name, within, func(key string, _ []byte) bool {
		keys = append(keys, key[len(prefix):])
		return len(keys) < mostTold
	})
	if err != nil {
		return nil, fault.Internal(err)
	}
	all := []scaling.Activity{}
	for _, key := range keys {
		r, err := state.Get[record](a.cell.State, kindActivity, key)
		switch {
		case errors.Is(err, store.ErrNotFound): // purged since
		case err != nil:
			return nil, fault.Internal(err)
		default:
			all = append(all, r.Activity)
		}
	}
	return all, nil
}

func describeActivity(r record) types.ScalingActivity {
	key := rules.Key(r.ResourceID)
	out := types.ScalingActivity{
		ActivityId:        aws.String(r.ID),
		ServiceNamespace:  key.Namespace,
		ResourceId:        aws.String(string(r.ResourceID)),
		ScalableDimension: key.Dimension,
		Description:       aws.String(r.Description),
		Cause:             aws.String(r.Cause),
		StartTime:         aws.Time(r.Start),
		StatusCode:        types.ScalingActivityStatusCode(r.Status),
	}
	if !r.End.IsZero() {
		out.EndTime = aws.Time(r.End)
	}
	if r.Message != "" {
		out.StatusMessage = aws.String(r.Message)
	}
	if r.Details != "" {
		out.Details = aws.String(r.Details)
	}
	for _, reason := range r.NotScaled {
		if reason.Reported() {
			out.NotScaledReasons = append(out.NotScaledReasons, describeReason(reason))
		}
	}
	return out
}

// describeReason puts the capacity where the reason's code says.
func describeReason(r scaling.Reason) types.NotScaledReason {
	out := types.NotScaledReason{Code: aws.String(string(r.Code))}
	capacity := aws.Int32(int32(r.Capacity))
	switch r.Code {
	case scaling.AlreadyAtMaxCapacity:
		out.MaxCapacity = capacity
	case scaling.AlreadyAtMinCapacity:
		out.MinCapacity = capacity
	default:
		out.CurrentCapacity = capacity
	}
	return out
}
