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

	"flyball/internal/page"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/scaling"
)

// activitiesKept is how long activities can be described.
const activitiesKept = 6 * 7 * 24 * time.Hour

// The kinds of activities' documents.
var (
	kindActivity = state.Kind{Name: "autoscaling.activity", Version: 1}        // newest first; see activityKey
	kindIndex    = state.Kind{Name: "autoscaling.target-activity", Version: 1} // the activities' keys, by resource id
)

// A record is an activity as the store keeps it. Only those that have not ended
// are in memory, too.
type record struct {
	ResourceID scaling.ResourceID
	scaling.Activity
}

// newID makes the identifier of an activity.
func newID() string { return uuid.NewString() }

// notScaledMark ends the keys of activities that tell why nothing was done, so
// that listings can leave them out unread.
const notScaledMark = "-notscaled"

// activityKey orders activities newest first.
func activityKey(a scaling.Activity) string {
	key := timeKey(a.Start) + "-" + a.ID
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
	tx.Put(kindIndex, indexKey(string(id), key), struct{}{})
}

func indexKey(resourceID, key string) string { return resourceID + " " + key }

// record writes what has become of an activity, and tells of it.
func (a *API) record(tx *state.Tx, id scaling.ResourceID, activity scaling.Activity) {
	putActivity(tx, id, activity)
	a.cell.Announce(tx, "aws.application-autoscaling", "Application Auto Scaling Scaling Activity State Change", string(id), activity)
	level := slog.LevelInfo
	if len(activity.NotScaled) > 0 {
		level = slog.LevelDebug
	}
	tx.After(func() {
		a.log.Log(context.Background(), level, "scaling activity", "target", id, "status", activity.Status,
			"what", activity.Description, "cause", activity.Cause, "details", activity.Details)
	})
}

// purgeActivities deletes what is older than is kept.
func (a *API) purgeActivities(context.Context) {
	old := store.Range{From: timeKey(a.now().Add(-activitiesKept))}
	var keys []string
	err := state.Scan(a.state, kindActivity, old, func(key string, r *record) bool {
		keys = append(keys, indexKey(string(r.ResourceID), key))
		return true
	})
	if err != nil {
		a.log.Error("old scaling activities could not be deleted", "error", err)
	}
	if len(keys) == 0 {
		return
	}
	a.state.Later(func(tx *state.Tx) {
		tx.DeleteRange(kindActivity, old)
		for _, key := range keys {
			tx.Delete(kindIndex, key)
		}
	})
}

// DescribeScalingActivities implements the operation: newest first, of the last
// six weeks.
func (a *API) DescribeScalingActivities(_ context.Context, in *applicationautoscaling.DescribeScalingActivitiesInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScalingActivitiesOutput, error) {
	limit, err := checkListing(in.ScalableDimension, in.ResourceId != nil, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	after, err := page.Key(in.NextToken)
	if err != nil {
		return nil, invalidToken(in.NextToken)
	}
	out := &applicationautoscaling.DescribeScalingActivitiesOutput{ScalingActivities: []types.ScalingActivity{}}
	if !scales(in.ServiceNamespace, in.ScalableDimension) {
		return out, nil
	}
	keys, err := a.activityKeys(in.ResourceId, after, aws.ToBool(in.IncludeNotScaledActivities), limit+1)
	if err != nil {
		return nil, internal(err)
	}
	if len(keys) > limit {
		keys = keys[:limit]
		out.NextToken = aws.String(page.Token(keys[limit-1]))
	}
	for _, key := range keys {
		r, err := state.Get[record](a.state, kindActivity, key)
		switch {
		case errors.Is(err, store.ErrNotFound): // purged since
		case err != nil:
			return nil, internal(err)
		default:
			out.ScalingActivities = append(out.ScalingActivities, describeActivity(*r))
		}
	}
	return out, nil
}

// activityKeys are the keys that follow another, of all activities or those of
// one target.
func (a *API) activityKeys(resourceID *string, after string, notScaled bool, limit int) ([]string, error) {
	kind, prefix := kindActivity, ""
	if resourceID != nil {
		kind, prefix = kindIndex, indexKey(*resourceID, "")
	}
	r := store.Prefix(prefix)
	if after != "" {
		r.From = prefix + after + "\x01" // the first key that is greater
	}
	oldest := timeKey(a.now().Add(-activitiesKept))
	var keys []string
	err := a.state.Store().Scan(kind.Name, r, func(key string, _ []byte) bool {
		key = key[len(prefix):]
		if key >= oldest {
			return false
		}
		if notScaled || !strings.HasSuffix(key, notScaledMark) {
			keys = append(keys, key)
		}
		return len(keys) < limit
	})
	return keys, err
}

// lastActivity is a target's newest activity that scaled, or nil.
func (a *API) lastActivity(resourceID string) (*scaling.Activity, error) {
	keys, err := a.activityKeys(&resourceID, "", false, 1)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	r, err := state.Get[record](a.state, kindActivity, keys[0])
	if err != nil {
		return nil, err
	}
	return &r.Activity, nil
}

func describeActivity(r record) types.ScalingActivity {
	out := types.ScalingActivity{
		ActivityId:        aws.String(r.ID),
		ServiceNamespace:  namespace,
		ResourceId:        aws.String(string(r.ResourceID)),
		ScalableDimension: dimension,
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
