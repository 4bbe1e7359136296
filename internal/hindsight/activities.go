package hindsight

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/governor"
	"flyball/scaling"
)

// What descriptions of activities say.
var (
	setsCapacity = regexp.MustCompile(`^Setting .* to (\d+)\.?$`)
	setsMinimum  = regexp.MustCompile(`min capacity to (\d+)`)
	setsMaximum  = regexp.MustCompile(`max capacity to (\d+)`)
	byPolicy     = regexp.MustCompile(`triggered policy (.+)$`)
)

// ActivityOf is an activity that is described, as package scaling has it.
func ActivityOf(a types.ScalingActivity) scaling.Activity {
	out := scaling.Activity{
		ID: aws.ToString(a.ActivityId), Description: aws.ToString(a.Description), Cause: aws.ToString(a.Cause),
		Message: aws.ToString(a.StatusMessage), Details: aws.ToString(a.Details), Status: scaling.Status(a.StatusCode),
		Start: aws.ToTime(a.StartTime), End: aws.ToTime(a.EndTime),
	}
	if n, sets := capacityIn(out.Description); sets {
		out.To = n
	}
	for _, r := range a.NotScaledReasons {
		capacity := cmp.Or(aws.ToInt32(r.MaxCapacity), aws.ToInt32(r.MinCapacity), aws.ToInt32(r.CurrentCapacity))
		out.NotScaled = append(out.NotScaled, scaling.Reason{Code: scaling.Code(aws.ToString(r.Code)), Capacity: scaling.Capacity(capacity)})
	}
	return out
}

// capacityIn is the capacity that a description says was set. That of bounds is none.
func capacityIn(description string) (scaling.Capacity, bool) {
	m := setsCapacity.FindStringSubmatch(description)
	if m == nil || setsMinimum.MatchString(description) || setsMaximum.MatchString(description) {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 32)
	return scaling.Capacity(n), err == nil
}

// sets reports whether an activity set a capacity.
func sets(a scaling.Activity) bool {
	_, is := capacityIn(a.Description)
	return is && a.Status != scaling.Failed
}

// capacity is what was desired and ran just before a time, and where that is from.
func (p Past) capacity(b scaling.Bounds) (governor.Capacity, []Source) {
	var c governor.Capacity
	if p.Desired != nil && p.Running != nil {
		c.Desired, c.Running = *p.Desired, *p.Running
		return c, []Source{{"desired and running tasks", Recorded, ""}}
	}
	before := p.before()
	if len(before) == 0 {
		c.Desired, c.Running = b.Min(), b.Min()
		return c, []Source{{"desired and running tasks", Rebuilt, "no activity before is kept: taken to be the minimum"}}
	}
	c.Desired, c.Running = before[0].To, before[0].To
	note := "from the activities"
	if last := before[0]; last.End.IsZero() || last.End.After(p.At) {
		note = "from the activities; one was under way"
		if len(before) > 1 {
			c.Running = before[1].To
		} else {
			c.Running = b.Min()
		}
	}
	return c, []Source{{"desired and running tasks", Rebuilt, note}}
}

// before are the activities before the time that set a capacity, the newest first.
func (p Past) before() []scaling.Activity {
	var all []scaling.Activity
	for _, a := range p.Activities {
		if a.Start.Before(p.At) && sets(a) {
			all = append(all, a)
		}
	}
	return all
}

// cooldown is what a policy remembered of its last activity, which is counted from the end of
// that. A scale-out of any policy ends a scale-in cooldown.
func (p Past) cooldown(policy string, rule scaling.Policy) scaling.Cooldown {
	before := p.before()
	for i, a := range before {
		m := byPolicy.FindStringSubmatch(a.Cause)
		if m == nil || m[1] != policy {
			continue
		}
		from := a.To
		if i+1 < len(before) {
			from = before[i+1].To
		}
		c := scaling.Cooldown{Direction: scaling.In}
		if a.To >= from {
			c = scaling.Cooldown{Direction: scaling.Out, Base: from}
		}
		if !a.End.IsZero() && !a.End.After(p.At) {
			c = c.End(rule, a.End)
		}
		return c
	}
	return scaling.Cooldown{}
}

// bounds are those that scheduled actions set last before the time, or those of today. Where two
// actions set one each, the source names the later.
func (p Past) bounds(t types.ScalableTarget) (scaling.Bounds, Source, error) {
	least, most := aws.ToInt32(t.MinCapacity), aws.ToInt32(t.MaxCapacity)
	source := Source{"min and max", Today, ""}
	var newest time.Time
	for _, bound := range []struct {
		sets *regexp.Regexp
		to   *int32
	}{{setsMinimum, &least}, {setsMaximum, &most}} {
		for _, a := range p.Activities {
			m := bound.sets.FindStringSubmatch(a.Description)
			if m == nil || a.Start.After(p.At) || a.Status == scaling.Failed || !strings.Contains(a.Cause, "scheduled action") {
				continue
			}
			if n, err := strconv.ParseInt(m[1], 10, 32); err == nil {
				*bound.to = int32(n)
				if a.Start.Before(newest) {
					break
				}
				newest = a.Start
				source = Source{"min and max", Recorded, "by a scheduled action at " + a.Start.UTC().Format(time.DateTime)}
			}
			break
		}
	}
	b, err := scaling.NewBounds(least, most)
	return b, source, err
}
