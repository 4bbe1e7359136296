package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/hindsight"
	"flyball/internal/policydoc"
	"flyball/internal/task/simulated"
	"flyball/scaling"
)

// What was decided is rebuilt from what is kept, for each activity of a live service, in both
// directions.
func TestAPastDecisionIsExplainedAsItWasDecided(t *testing.T) {
	s, c := manual(t)
	deploy(t, c)
	for minute := range 60 {
		if err := s.SetLoad("demo/web", simulated.Load{TotalCPU: 100 + 40*float64(minute%20)*float64(1-minute/40)}); err != nil {
			t.Fatal(err)
		}
		if err := s.Advance(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.AutoScaling.DescribeScalingActivities(t.Context(), &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: scalingtypes.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[scaling.Direction]int{}
	for _, described := range out.ScalingActivities {
		a := hindsight.ActivityOf(described)
		if !strings.Contains(a.Cause, "triggered policy cpu") {
			continue
		}
		e, err := hindsight.Read(t.Context(), c, hindsight.Question{Resource: "service/demo/web", At: a.Start})
		if err != nil {
			t.Fatal(err)
		}
		if e.Decision.To != a.To || e.Decision.Rule != a.Details || len(e.Done) == 0 || e.Done[0].To != a.To {
			t.Errorf("%s %s %s is explained as\n%s", a.Start, a.Description, a.Details, e)
		}
		seen[e.Decision.Direction]++
	}
	if seen[scaling.Out] < 3 || seen[scaling.In] < 3 {
		t.Errorf("too few decisions to compare: %v", seen)
	}
}

// The console asks over HTTP, and gets the same.
func TestThePathThatExplainsThePast(t *testing.T) {
	s, c := manual(t)
	deploy(t, c)
	if err := s.SetLoad("demo/web", simulated.Load{TotalCPU: 900}); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(t.Context(), 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	ask := func(q url.Values) (int, string) {
		t.Helper()
		q.Set("resource", "service/demo/web")
		res, err := http.Get(s.URL() + "/console/api/explain?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	at := s.Clock().Now().UTC()
	status, body := ask(url.Values{"at": {at.Format(time.RFC3339)}, "set": {"policy.cpu.target=90", "max=4"}})
	var got hindsight.Explanation
	if err := json.Unmarshal([]byte(body), &got); status != http.StatusOK || err != nil || got.With == nil || got.With.Max != 4 || got.Max != 10 {
		t.Fatalf("%d, %v: %s", status, err, body)
	}
	set, err := policydoc.ParseSettings([]string{"policy.cpu.target=90", "max=4"})
	if err != nil {
		t.Fatal(err)
	}
	want, err := hindsight.Read(t.Context(), c, hindsight.Question{Resource: "service/demo/web", At: at, Set: set})
	if err != nil || want.Decision.String() != got.Decision.String() || want.With.Decision.String() != got.With.Decision.String() {
		t.Errorf("%v: %s, and over HTTP %s", err, want, got)
	}
	for text, want := range map[string]string{
		"at=soon":                 "at=soon is no time: write one such as",
		"at=2099-01-01T00:00:00Z": "is still to come: it is 2026-01-05T",
		"at=1990-01-01T00:00:00Z": "service/demo/web was not scaled yet at 1990-01-01T00:00:00Z",
		"set=policy.cpu.targt=1":  "target is",
		"set=policy.web.target=1": "there is no policy web; there are cpu",
	} {
		q, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		status, body := ask(q)
		if status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s, want %q in it", text, status, body, want)
		}
	}
	res, err := http.Get(s.URL() + "/console/api/explain?at=2026-01-05T09:01:00Z&resource=service/demo/nobody")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("a service that nothing scales: %d", res.StatusCode)
	}
}

// What each policy said when another scaled is kept with the activity, and served.
func TestTheActivitiesThatAreServedTellOfAllPolicies(t *testing.T) {
	s, c := manual(t)
	deploy(t, c)
	id, dimension := aws.String("service/demo/web"), scalingtypes.ScalableDimensionECSServiceDesiredCount
	if _, err := c.AutoScaling.PutScalingPolicy(t.Context(), &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: scalingtypes.ServiceNamespaceEcs, ScalableDimension: dimension, ResourceId: id, PolicyName: aws.String("memory"), PolicyType: scalingtypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &scalingtypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue:                   aws.Float64(70),
			PredefinedMetricSpecification: &scalingtypes.PredefinedMetricSpecification{PredefinedMetricType: scalingtypes.MetricTypeECSServiceAverageMemoryUtilization},
		},
	}); err != nil {
		t.Fatal(err)
	}
	begun := s.Clock().Now()
	if err := s.SetLoad("demo/web", simulated.Load{TotalCPU: 300}); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(t.Context(), 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	all, err := c.Activities(t.Context(), *id, begun, s.Clock().Now())
	if err != nil || len(all) == 0 {
		t.Fatalf("%d activities: %v", len(all), err)
	}
	first := all[len(all)-1]
	if len(first.Others) != 1 || first.Others[0].Policy != "memory" || !strings.Contains(first.Others[0].String(), "against a target of 70") {
		t.Errorf("%s: the others said %v", first.Description, first.Others)
	}
	if later, err := c.Activities(t.Context(), *id, s.Clock().Now(), s.Clock().Now().Add(time.Hour)); err != nil || len(later) > 0 {
		t.Errorf("%d activities are still to come: %v", len(later), err)
	}
	if _, err := c.Activities(t.Context(), "service/demo/none", begun, s.Clock().Now()); err != nil {
		t.Error(err)
	}
	res, err := http.Get(s.URL() + "/console/api/activities?resource=service/demo/web&from=soon")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("a time that is none: %s", res.Status)
	}
}
