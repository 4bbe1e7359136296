package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/client"
	"flyball/scaling"
)

// An activityRow is one scaling activity of any target.
type activityRow struct {
	At, End          time.Time
	Resource         string
	Cluster, Service string // of a service
	Status           string
	What, Cause      string
	Details          string
	Why              []string
	Times            int // how often it was refused alike
	First            time.Time
}

// activities shows what was scaled, or not, newest first.
func (c *console) activities(v *visit) error {
	held := v.r.FormValue("held") != ""
	var rows []activityRow
	for _, kind := range scaling.Kinds() {
		some, err := readActivities(v.r.Context(), v.Client, kind, held)
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	slices.SortStableFunc(rows, func(a, b activityRow) int { return b.At.Compare(a.At) })
	rows = folded(rows)
	body := struct {
		Held bool
		Rows []activityRow
	}{held, rows[:min(len(rows), mostShown)]}
	c.show(v, http.StatusOK, "activities.html", page{Title: "Scaling activities", Section: "activities", Live: true, Body: body})
	return nil
}

// folded are activities, newest first, in which what was refused to a resource again and again for
// the same reason, as alarms call each minute, is one until something else comes of it; refusals for other
// reasons may lie between.
func folded(rows []activityRow) (all []activityRow) {
	open := map[string][]int{} // by resource, the newest refusals for each reason that nothing else has come after
	for _, r := range rows {
		if len(r.Why) == 0 {
			delete(open, r.Resource)
		}
		alike := slices.IndexFunc(open[r.Resource], func(i int) bool { return slices.Equal(all[i].Why, r.Why) })
		if alike >= 0 {
			newest := &all[open[r.Resource][alike]]
			newest.Times, newest.First = newest.Times+1, r.At
			continue
		}
		if len(r.Why) > 0 {
			open[r.Resource] = append(open[r.Resource], len(all))
		}
		r.Times, r.First = 1, r.At
		all = append(all, r)
	}
	return all
}

func readActivities(ctx context.Context, c *client.Client, kind scaling.Kind, held bool) (rows []activityRow, err error) {
	pages := applicationautoscaling.NewDescribeScalingActivitiesPaginator(c.AutoScaling, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: types.ServiceNamespace(kind.Namespace()), IncludeNotScaledActivities: &held, MaxResults: aws.Int32(50),
	})
	for pages.HasMorePages() && len(rows) < mostShown {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.ScalingActivities {
			rows = append(rows, activityRowOf(a))
		}
	}
	return rows, nil
}

func activityRowOf(a types.ScalingActivity) activityRow {
	row := activityRow{
		At: aws.ToTime(a.StartTime), End: aws.ToTime(a.EndTime), Resource: aws.ToString(a.ResourceId), Status: string(a.StatusCode),
		What: aws.ToString(a.Description), Cause: aws.ToString(a.Cause), Details: aws.ToString(a.Details),
	}
	if name, ok := strings.CutPrefix(row.Resource, "service/"); ok {
		row.Cluster, row.Service, _ = strings.Cut(name, "/")
	}
	for _, reason := range a.NotScaledReasons {
		code := aws.ToString(reason.Code)
		row.Why = append(row.Why, inWords(code))
	}
	return row
}
