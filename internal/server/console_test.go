package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"flyball/internal/client"
)

// A browser keeps cookies, and says from where its requests come as browsers do.
type browser struct {
	*testing.T
	base string
	http.Client
}

func browse(t *testing.T, base string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, base, http.Client{Jar: jar}}
}

// ask sends a request that a change was made to.
func (b *browser) ask(method, path string, form url.Values, change func(*http.Request)) (int, http.Header, string) {
	b.Helper()
	r, err := http.NewRequest(method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.base)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(r)
	}
	res, err := b.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

func (b *browser) get(path string) (int, string) {
	b.Helper()
	status, _, body := b.ask(http.MethodGet, path, nil, nil)
	return status, body
}

// signIn follows the link that a caller is given, and says what comes of it.
func (b *browser) signIn(link client.ConsoleLink) int {
	b.Helper()
	_, token, _ := strings.Cut(link.Path, "#")
	status, _, _ := b.ask(http.MethodPost, "/console/sign-in", url.Values{"token": {token}}, nil)
	return status
}

func linkOf(t *testing.T, c *client.Client) client.ConsoleLink {
	t.Helper()
	link, err := c.SignIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func TestTheConsoleAsksForASignInWhereKeysHaveToBeKnown(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	c := client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: adminKey})
	furnish(t, c)
	b := browse(t, s.URL())
	if status, body := b.get("/console/"); status != http.StatusForbidden || !strings.Contains(body, "flyball console") || strings.Contains(body, "shop") {
		t.Fatalf("without a session: %d %s", status, body)
	}
	if status, _ := b.get("/console/api/clock"); status != http.StatusForbidden {
		t.Errorf("the clock without a session: %d", status)
	}
	link := linkOf(t, c)
	if status := b.signIn(link); status != http.StatusOK {
		t.Fatalf("sign in: %d", status)
	}
	if status, body := b.get("/console/"); status != http.StatusOK || !strings.Contains(body, "shop/<b>web</b>") {
		t.Errorf("with a session: %d %s", status, body)
	}
	if status, _ := b.get("/console/api/clock"); status != http.StatusOK {
		t.Errorf("the clock with a session: %d", status)
	}
	if status := browse(t, s.URL()).signIn(link); status != http.StatusForbidden {
		t.Errorf("a link was good twice: %d", status)
	}
	if status, _, _ := b.ask(http.MethodPost, "/console/sign-out", nil, nil); status != http.StatusOK {
		t.Errorf("sign out: %d", status)
	}
	if status, _ := b.get("/console/"); status != http.StatusForbidden {
		t.Errorf("after signing out: %d", status)
	}
}

func TestASessionMayDoWhatItsKeyMayAndEndsWithIt(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	admin := userWith(s.URL(), "", adminKey)
	furnish(t, client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: adminKey}))
	key := admin.createKey(t, "bob")
	embed(t, admin.caller, "bob", "sign-in", document("Allow", "flyball:SignIn", "*", ""))
	b := browse(t, s.URL())
	if status := b.signIn(linkOf(t, client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: key}))); status != http.StatusForbidden {
		t.Errorf("the first page of a user who may read nothing: %d", status)
	}
	status, body := b.get("/console/")
	if status != http.StatusForbidden || !strings.Contains(body, "user/bob is not authorized to perform: flyball:Clock") {
		t.Errorf("without permissions: %d %s", status, body)
	}
	embed(t, admin.caller, "bob", "reads", document("Allow", "*", "*", ""))
	if status, body := b.get("/console/"); status != http.StatusOK || !strings.Contains(body, "shop/<b>web</b>") {
		t.Errorf("with permissions: %d %s", status, body)
	}
	if _, err := admin.iam.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: aws.String("bob"), AccessKeyId: &key.AccessKeyID}); err != nil {
		t.Fatal(err)
	}
	if status, _ := b.get("/console/"); status != http.StatusForbidden {
		t.Errorf("a session outlasts its key: %d", status)
	}
}

func TestNoOtherPageDrivesTheConsole(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	b := browse(t, s.URL())
	if status := b.signIn(linkOf(t, client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: adminKey}))); status != http.StatusOK {
		t.Fatal(status)
	}
	for name, change := range map[string]func(*http.Request){
		"a foreign origin":           func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"another port":               func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
		"no origin":                  func(r *http.Request) { r.Header.Set("Origin", "null") },
		"a page of the same site":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"nothing of where it stands": func(r *http.Request) { r.Header.Del("Origin"); r.Header.Del("Sec-Fetch-Site") },
		"a name that leads here":     func(r *http.Request) { r.Host = "evil.example" },
	} {
		for _, path := range []string{"/console/sign-out", "/console/sign-in", "/console/api/backup"} {
			if status, _, body := b.ask(http.MethodPost, path, nil, change); status != http.StatusForbidden {
				t.Errorf("%s to %s: %d %s", name, path, status, body)
			}
		}
	}
	if status, _ := b.get("/console/"); status != http.StatusOK {
		t.Errorf("the session after the attacks: %d", status)
	}
}

func TestPagesAreLockedAgainstForeignCode(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	b := browse(t, url)
	inline := regexp.MustCompile(`(?i)<script(?:[^>]*[^c>])?>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`)
	for _, path := range []string{"/console/", "/console/sign-in", "/console/none", "/console/services/a/b"} {
		_, header, body := b.ask(http.MethodGet, path, nil, nil)
		policy := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || header.Get("X-Frame-Options") != "DENY" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, header)
		}
		if found := inline.FindString(body); found != "" {
			t.Errorf("%s has %q", path, found)
		}
	}
}

// hostile is what would run if it were not text.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}`

func TestNamesAndTextsAreText(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	furnish(t, c)
	if _, err := c.CloudWatch.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(hostile), AlarmDescription: aws.String(hostile), Namespace: aws.String("shop"), MetricName: aws.String("m"),
		Statistic: "Sum", Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: "GreaterThanThreshold",
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ECS.TagResource(t.Context(), &ecs.TagResourceInput{
		ResourceArn: aws.String("arn:aws:ecs:us-east-1:123456789012:service/shop/web"), Tags: []types.Tag{{Key: aws.String("note"), Value: aws.String("a b")}},
	}); err != nil {
		t.Fatal(err)
	}
	b := browse(t, base)
	quoted := url.QueryEscape(hostile)
	for _, path := range []string{
		"/console/", "/console/?q=" + quoted, "/console/?region=" + quoted, "/console/?page=" + quoted, "/console/services/shop/web",
		"/console/services/shop/web/policy?kind=tracking&target=" + quoted + "&name=" + quoted, "/console/services/shop/web/policy?edit=" + quoted,
		"/console/services/shop/web/policy?kind=" + quoted, "/console/services/shop/web/tune/" + url.PathEscape(hostile), "/console/metrics?namespace=shop&name=m&stat=" + quoted,
		"/console/services/" + url.PathEscape(hostile) + "/web", "/console/services/shop/web?at=" + quoted, "/console/services/shop/web?range=" + quoted,
	} {
		_, body := b.get(path)
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") {
			t.Errorf("%s has markup that came from outside", path)
		}
	}
	everything := updateForm("review", url.Values{})
	for _, path := range []string{"update", "policy", "simulate", "tune", "edit"} {
		for field := range everything {
			form := maps.Clone(everything)
			form.Set(field, hostile)
			form.Set("documents", hostile)
			form.Set("agree", hostile)
			_, _, body := b.ask(http.MethodPost, "/console/services/shop/web/"+path, form, nil)
			if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") {
				t.Errorf("%s has markup that was typed as %s", path, field)
			}
		}
	}
	if _, body := b.get("/console/"); !strings.Contains(body, "&lt;script&gt;alert(1)") {
		t.Error("the name of the alarm is not shown")
	}
}

// What is asked for and is not there is told, and nothing else is shown in its place.
func TestWhatAnAddressAsksForIsShownOrTheAbsenceTold(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	furnish(t, client.New(client.Config{Endpoint: base, Region: testRegion}))
	b := browse(t, base)
	for path, says := range map[string]string{
		"/console/?region=eu-north-1":                             "There is nothing in region eu-north-1",
		"/console/alarms?region=nowhere":                          "There is nothing in region nowhere",
		"/console/metrics?namespace=shop&name=m&stat=Middle":      "There is no statistic \"Middle\"",
		"/console/metrics?namespace=shop&name=m&period=often":     "is no period",
		"/console/metrics/charts?namespace=shop&name=m&period=-1": "is no period",
		"/console/services/shop/web?range=2y":                     "There is no view of \"2y\"",
		"/console/services/shop/web?at=noon":                      "noon",
		"/console/?account=210987654321":                          "There is nothing in region us-east-1 of account 210987654321",
	} {
		status, body := b.get(path)
		if body = html.UnescapeString(body); says != "" && (status != http.StatusNotFound || !strings.Contains(body, says)) {
			t.Errorf("%s: %d, want %q", path, status, says)
		}
		if strings.Contains(body, "?region=") {
			t.Errorf("%s leads on to where there is nothing", path)
		}
	}
}

// Alarms of target tracking policies have slashes in their names.
func TestAnAlarmHasItsChartsWhateverItsName(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c, b := client.New(client.Config{Endpoint: base, Region: testRegion}), browse(t, base)
	charts := regexp.MustCompile(`data-charts="([^"]*)"`)
	for _, name := range []string{"errors", "TargetTracking-service/shop/web-AlarmHigh-1", "50% of a?b#c", hostile} {
		if _, err := c.CloudWatch.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
			AlarmName: &name, Namespace: aws.String("shop"), MetricName: aws.String("m"), Statistic: "Sum", Period: aws.Int32(60),
			EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: "GreaterThanThreshold",
		}); err != nil {
			t.Fatal(err)
		}
		_, page := b.get("/console/alarms/" + url.PathEscape(name))
		address := charts.FindStringSubmatch(page)
		if address == nil {
			t.Fatalf("the page of %q has no charts", name)
		}
		if status, body := b.get(html.UnescapeString(address[1])); status != http.StatusOK || !json.Valid([]byte(body)) {
			t.Errorf("the charts of %q, at %s, are answered with %d", name, address[1], status)
		}
	}
}

func TestEventsAreOfOnesOwnAccount(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	res, err := http.Get(base + "/console/api/events?detail=false")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Fatalf("%s: %s", res.Status, got)
	}
	lines := bufio.NewScanner(res.Body)
	read := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatal("the stream ended")
		return ""
	}
	read() // it has begun
	furnish(t, c)
	var e struct{ Account, Region, Source string }
	if err := json.Unmarshal([]byte(read()), &e); err != nil || e.Account != testAccount || e.Region != testRegion || e.Source == "" {
		t.Errorf("%+v, %v", e, err)
	}
	aws, err := http.Get(base + "/console/api/events?form=eventbridge")
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Body.Close()
	lines = bufio.NewScanner(aws.Body)
	read()
	if _, err := c.ECS.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: new("other"), ContainerDefinitions: []types.ContainerDefinition{{Name: new("a"), Image: new("a"), Memory: new(int32(16))}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ECS.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("shop"), Service: new("web"), TaskDefinition: new("other")}); err != nil {
		t.Fatal(err)
	}
	var sent struct {
		Version, ID, Source, Account, Region string
		DetailType                           string `json:"detail-type"`
		Resources                            []string
		Detail                               map[string]any
	}
	if err := json.Unmarshal([]byte(read()), &sent); err != nil || sent.Version != "0" || sent.ID == "" || !strings.HasPrefix(sent.DetailType, "ECS ") || sent.Account != testAccount || len(sent.Detail) == 0 {
		t.Errorf("as AWS sends it: %+v, %v", sent, err)
	}
	if status, _ := browse(t, base).get("/console/api/events?form=smoke"); status != http.StatusBadRequest {
		t.Errorf("a form that there is not: %d", status)
	}
	eve := callerOf(base, testRegion, "210987654321").createKey(t, "eve")
	embed(t, callerOf(base, testRegion, "210987654321"), "eve", "all", document("Allow", "*", "*", ""))
	status, body := ask{method: http.MethodGet, path: "/console/api/events?account=" + testAccount, key: eve, service: "flyball", at: time.Now()}.send(t, base)
	if status != http.StatusBadRequest {
		t.Errorf("events of another account: %d %s", status, body)
	}
}

func TestAChangeIsThatOfTheOperationOrNone(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	furnish(t, c)
	b := browse(t, base)
	const path = "/console/services/shop/web/edit"
	bounds := func() string {
		out, err := c.AutoScaling.DescribeScalableTargets(t.Context(), &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
		if err != nil {
			t.Fatal(err)
		}
		target := out.ScalableTargets[0]
		return fmt.Sprintf("%d-%d %v", *target.MinCapacity, *target.MaxCapacity, *target.SuspendedState.DynamicScalingInSuspended)
	}
	for _, tt := range []struct {
		name   string
		form   url.Values
		status int
		says   string
		bounds string
	}{
		{"a minimum above the maximum", url.Values{"do": {"bounds"}, "min": {"9"}, "max": {"4"}}, http.StatusBadRequest, "ValidationException", "1-4 false"},
		{"no number", url.Values{"do": {"bounds"}, "min": {"x"}, "max": {"4"}}, http.StatusBadRequest, "is no whole number", "1-4 false"},
		{"no form", url.Values{"do": {"all"}}, http.StatusNotFound, "There is no form all", "1-4 false"},
		{"a target below 0", url.Values{"do": {"policy cpu"}, "target": {"-1"}}, http.StatusBadRequest, "ValidationException", "1-4 false"},
		{"bounds", url.Values{"do": {"bounds"}, "min": {"2"}, "max": {"8"}, "in": {"on"}}, http.StatusOK, "register-scalable-target", "2-8 true"},
		{"a target", url.Values{"do": {"policy cpu"}, "target": {"60"}}, http.StatusOK, "put-scaling-policy", "2-8 true"},
		{"a desired count", url.Values{"do": {"desired"}, "desired": {"3"}}, http.StatusOK, "update-service", "2-8 true"},
	} {
		status, _, body := b.ask(http.MethodPost, path, tt.form, nil)
		if status != tt.status || !strings.Contains(html.UnescapeString(body), tt.says) {
			t.Errorf("%s: %d, want %d with %q: %s", tt.name, status, tt.status, tt.says, body)
		}
		if got := bounds(); got != tt.bounds {
			t.Errorf("%s: the bounds are %s, want %s", tt.name, got, tt.bounds)
		}
	}
	if _, body := b.get(path); !strings.Contains(body, `name="target" value="60"`) || !strings.Contains(body, `name="desired" value="3"`) {
		t.Errorf("the values are not those that were set: %s", body)
	}
	status, _, _ := b.ask(http.MethodPost, path, url.Values{"do": {"desired"}, "desired": {"9"}}, func(r *http.Request) {
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site")
	})
	if status != http.StatusForbidden {
		t.Errorf("a change of nobody knows which page: %d", status)
	}
}
