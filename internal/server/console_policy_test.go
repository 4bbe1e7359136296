package server

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"flyball/internal/client"
)

// A draft of any kind is read, tried and taken back, and put as it was shown; what was put can be
// taken up again.
func TestAPolicyOfEachKindIsDraftedAndPut(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	furnish(t, c)
	b := browse(t, base)
	const path = "/console/services/shop/web/policy"
	before := configured(t, c)
	for _, tt := range []struct {
		kind   string
		change url.Values
		name   string
		again  string // what the form says of it afterwards
	}{
		{"tracking", url.Values{"target": {"61"}, "metric": {"memory"}}, "memory-target", `name="target" value="61"`},
		{"step", url.Values{"side": {"below"}, "threshold": {"20"}, "steps": {"0:-1, 10:-3"}}, "cpu-below", `value="0:-1, 10:-3"`},
		{"scheduled", url.Values{"schedule": {"cron(0 9 * * ? *)"}, "zone": {"Europe/Berlin"}}, "scheduled", `value="Europe/Berlin"`},
		{"predictive", url.Values{"ahead-target": {"44"}}, "predictive", `name="ahead-target" value="44"`},
	} {
		form := updateForm("review", tt.change)
		form.Set("kind", tt.kind)
		if status, body := b.get(path + "?" + form.Encode()); status != http.StatusOK || !strings.Contains(html.UnescapeString(body), "No minute of this time has been measured yet") && tt.name != "memory-target" {
			t.Errorf("the preview of %s: %d %s", tt.kind, status, body)
		}
		status, _, body := b.ask(http.MethodPost, path, form, nil)
		if status != http.StatusOK || !strings.Contains(body, "aws application-autoscaling put-") || configured(t, c) != before {
			t.Errorf("the review of %s: %d, %s: %s", tt.kind, status, configured(t, c), problemsIn(body))
		}
		form.Set("do", "update")
		if status, _, body := b.ask(http.MethodPost, path, form, nil); status != http.StatusOK || configured(t, c) == before {
			t.Errorf("%s is put: %d %s: %s", tt.kind, status, configured(t, c), problemsIn(body))
		}
		before = configured(t, c)
		if status, body := b.get(path + "?edit=" + tt.name); status != http.StatusOK || !strings.Contains(html.UnescapeString(body), tt.again) {
			t.Errorf("%s is taken up again: %d, want %s", tt.name, status, tt.again)
		}
	}
	for form, says := range map[string]string{"kind=magic": "no kind of policy", "kind=tracking&target=x": "is no number", "kind=step&steps=0": "are no steps", "kind=tracking&target=5&metric=luck": "There is no metric"} {
		if status, body := b.get(path + "?" + form); status != http.StatusOK || !strings.Contains(html.UnescapeString(body), says) {
			t.Errorf("the preview of %s: %d, want %q", form, status, says)
		}
	}
	if status, body := b.get(path + "?edit=none"); status != http.StatusNotFound {
		t.Errorf("no such policy: %d %s", status, body)
	}
}

// A step policy is deleted with its alarm or without it, as is asked for; a review changes nothing.
func TestAPolicyIsDeletedWithItsAlarmOrWithout(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	furnish(t, c)
	b := browse(t, base)
	const path = "/console/services/shop/web/policy"
	for _, tt := range []struct {
		name, alarms, says string
		left               string
	}{
		{"without it", "", "Its alarm stays, as on AWS, and calls nothing any more: shop-web-more.", "policies [cpu], 3 alarms"},
		{"with it", "on", "aws cloudwatch delete-alarms --alarm-names shop-web-more", "policies [cpu], 2 alarms"},
	} {
		form := updateForm("update", url.Values{"kind": {"step"}, "name": {"more"}})
		if status, _, body := b.ask(http.MethodPost, path, form, nil); status != http.StatusOK {
			t.Fatalf("%d: %s", status, problemsIn(body))
		}
		there := configured(t, c)
		if _, body := b.get(path + "?edit=more"); !strings.Contains(body, "Delete more") || !strings.Contains(body, "AWS leaves it") {
			t.Errorf("%s: the page does not offer it", tt.name)
		}
		form = url.Values{"do": {"review"}, "delete": {"on"}, "alarms": {tt.alarms}}
		status, _, body := b.ask(http.MethodPost, path+"?edit=more", form, nil)
		if status != http.StatusOK || !strings.Contains(html.UnescapeString(body), tt.says) || configured(t, c) != there {
			t.Errorf("the review %s: %d, want %q: %s", tt.name, status, tt.says, body)
		}
		form.Set("do", "update")
		if status, _, body = b.ask(http.MethodPost, path+"?edit=more", form, nil); status != http.StatusOK || !strings.Contains(configured(t, c), tt.left) {
			t.Errorf("deleted %s: %d, %s, want %s: %s", tt.name, status, configured(t, c), tt.left, problemsIn(body))
		}
	}
	if status, _, _ := b.ask(http.MethodPost, "/console/alarms/"+url.PathEscape("shop-web-more"), url.Values{"do": {"delete"}}, nil); status != http.StatusNotFound {
		t.Errorf("an alarm that is gone: %d", status)
	}
}

// Documents are taken as a whole: what they do not have is deleted, and what is refused changes nothing.
func TestDocumentsArePutInPlaceWholeOrNotAtAll(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	furnish(t, c)
	b := browse(t, base)
	const path = "/console/services/shop/web/simulate"
	status, body := b.get(path)
	text := html.UnescapeString(regexp.MustCompile(`(?s)<textarea[^>]*>(.*?)</textarea>`).FindStringSubmatch(body)[1])
	if status != http.StatusOK || !strings.Contains(text, `"TargetValue": 50`) || strings.Contains(text, "CreationTime") {
		t.Fatalf("the documents: %d %s", status, text)
	}
	before := configured(t, c)
	post := func(do, documents, agree string) (int, string) {
		status, _, body := b.ask(http.MethodPost, path, url.Values{"do": {do}, "documents": {documents}, "agree": {agree}, "range": {"1h"}}, nil)
		return status, html.UnescapeString(body)
	}
	const agree = "p95 utilization < 80%"
	for _, tt := range []struct{ name, do, documents, agree, says string }{
		{"no documents", "simulate", "what?", agree, "problem"},
		{"no agreement", "simulate", text, "fast", "p95 utilization"},
		{"no past", "simulate", text, agree, "No minute of this time has been measured yet"},
		{"a target below 0", "update", strings.Replace(text, `"TargetValue": 50`, `"TargetValue": -5`, 1), agree, "ValidationException"},
		{"the same", "update", text, agree, "Nothing is different"},
		{"another autoscaler", "update", `{"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 1, "maxReplicas": 4, "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]}}`, agree, "can be simulated here"},
	} {
		if status, body := post(tt.do, tt.documents, tt.agree); status != http.StatusBadRequest || !strings.Contains(body, tt.says) {
			t.Errorf("%s: %d, want %q: %s", tt.name, status, tt.says, problemsIn(body))
		}
		if got := configured(t, c); got != before {
			t.Fatalf("%s: it is %s, want %s as before", tt.name, got, before)
		}
	}
	changed := strings.NewReplacer(`"PolicyName": "cpu"`, `"PolicyName": "other"`, `"MaxCapacity": 4`, `"MaxCapacity": 6`).Replace(text)
	if status, body := post("review", changed, agree); status != http.StatusOK || !strings.Contains(body, "delete-scaling-policy") || configured(t, c) != before {
		t.Errorf("the review: %d, %s: %s", status, configured(t, c), problemsIn(body))
	}
	if status, body := post("update", changed, agree); status != http.StatusOK || !strings.Contains(configured(t, c), "1-6, AWSServiceRoleForApplicationAutoScaling_ECSService, policies [other], 2 alarms") {
		t.Errorf("the update: %d, %s: %s", status, configured(t, c), problemsIn(body))
	}
}
