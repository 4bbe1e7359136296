package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

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
