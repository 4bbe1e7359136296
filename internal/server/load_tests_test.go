package server

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/client"
	"flyball/internal/loadtest"
)

// aQueue makes the queue vouchers.
func aQueue(t *testing.T, c *client.Client) {
	t.Helper()
	if _, err := c.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("vouchers")}); err != nil {
		t.Fatal(err)
	}
}

// aBalancer makes a load balancer that answers everything with a redirection to the server itself.
func aBalancer(t *testing.T, c *client.Client) {
	t.Helper()
	made, err := c.LoadBalancing.CreateLoadBalancer(t.Context(), &elasticloadbalancingv2.CreateLoadBalancerInput{Name: aws.String("lures"), Subnets: []string{"subnet-1", "subnet-2"}})
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(c.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.LoadBalancing.CreateListener(t.Context(), &elasticloadbalancingv2.CreateListenerInput{
		LoadBalancerArn: made.LoadBalancers[0].LoadBalancerArn, Port: aws.Int32(18081), Protocol: types.ProtocolEnumHttp,
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumRedirect, RedirectConfig: &types.RedirectActionConfig{
			StatusCode: types.RedirectActionStatusCodeEnumHttp302, Host: aws.String(server.Hostname()), Port: aws.String(server.Port()), Path: aws.String("/none"),
		}}},
	}); err != nil {
		t.Fatal(err)
	}
}

// loadForm is the form of a load test on the queue, with some values in place of others.
func loadForm(changes ...string) url.Values {
	form := url.Values{"kind": {"queue"}, "name": {"vouchers"}, "pattern": {"steady"}, "unit": {"rate"}, "level": {"20"}, "ramp": {"0s"}, "duration": {"10m"}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

func loadTestsOf(t *testing.T, b *browser) (all []loadtest.View) {
	t.Helper()
	_, body := b.get("/console/api/load-tests")
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return all
}

func TestALoadTestIsWithinBoundsOrIsNone(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	aQueue(t, c)
	b := browse(t, base)
	for _, tt := range []struct {
		name string
		form url.Values
		says string
	}{
		{"no such kind", loadForm("kind", "table"), "a service, a load balancer or a queue"},
		{"script in a name", loadForm("name", hostile), "ueue"},
		{"no such service", loadForm("kind", "service", "name", "shop/web"), "There is no cluster shop"},
		{"no such load balancer", loadForm("kind", "load-balancer", "name", "web"), "There is no load balancer web"},
		{"no cluster", loadForm("kind", "service", "name", "web"), "CLUSTER/SERVICE"},
		{"no level", loadForm("level", "many"), `The level "many" is no number`},
		{"a level that is none", loadForm("level", "NaN"), "up to 2000"},
		{"too many users", loadForm("kind", "service", "name", "a/b", "unit", "users", "level", "1001"), "up to 1000 users"},
		{"too long", loadForm("duration", "7h"), "up to 6 hours: write a duration such as 20m"},
		{"no time", loadForm("duration", "soon"), "is no time"},
		{"a ramp that is longer", loadForm("ramp", "11m"), "The ramp is part of the duration"},
		{"no such course", loadForm("pattern", "zigzag"), "There is no pattern"},
		{"a path elsewhere", loadForm("kind", "service", "name", "a/b", "path", "@evil.example/"), "begins with /"},
	} {
		status, _, body := b.ask(http.MethodPost, "/console/load-tests", tt.form, nil)
		if status != http.StatusBadRequest || !strings.Contains(html.UnescapeString(body), tt.says) {
			t.Errorf("%s: %d, want %q: %s", tt.name, status, tt.says, body)
		}
		if strings.Contains(body, "<script>alert") {
			t.Errorf("%s: the page has markup that came from outside", tt.name)
		}
	}
	status, _, _ := b.ask(http.MethodPost, "/console/load-tests", loadForm(), func(r *http.Request) {
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site")
	})
	if all := loadTestsOf(t, b); status != http.StatusForbidden || len(all) != 0 {
		t.Errorf("a start of nobody knows which page: %d, and there are %v", status, all)
	}
}

func TestALoadTestIsSeenStoppedAndSaved(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	aQueue(t, c)
	b := browse(t, base)
	if status, _, body := b.ask(http.MethodPost, "/console/load-tests", loadForm(), nil); status != http.StatusOK || !strings.Contains(body, "vouchers") {
		t.Fatalf("%d %s", status, body)
	}
	if status, _, body := b.ask(http.MethodPost, "/console/load-tests", loadForm(), nil); status != http.StatusBadRequest || !strings.Contains(body, "runs already") {
		t.Errorf("a second on the same: %d %s", status, body)
	}
	path := "/console/load-tests/" + loadTestsOf(t, b)[0].ID
	await(t, "the load test", func() bool { return loadTestsOf(t, b)[0].Requests > 0 })
	if _, body := b.get(path + "/charts"); !strings.Contains(body, `"throughput"`) || !strings.Contains(body, `"latency"`) {
		t.Errorf("charts: %s", body)
	}
	for file, want := range map[string]string{"record.jsonl": `"rate":20`, "report.html": "<html", "report.svg": "<svg", "report.json": `"queue vouchers"`} {
		status, header, body := b.ask(http.MethodGet, path+"/files/"+file, nil, nil)
		if status != http.StatusOK || !strings.Contains(body, want) || !strings.HasPrefix(header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %v %.300s", file, status, header, body)
		}
	}
	if status, _ := b.get(path + "/files/report.exe"); status != http.StatusNotFound {
		t.Errorf("a file that is none: %d", status)
	}
	if status, _, _ := b.ask(http.MethodPost, path+"/stop", nil, nil); status != http.StatusOK {
		t.Errorf("stop: %d", status)
	}
	await(t, "the load test", func() bool { return loadTestsOf(t, b)[0].State == loadtest.Stopped })
	if status, body := b.get("/console/load-tests/none"); status != http.StatusNotFound || !strings.Contains(body, "There is no load test none") {
		t.Errorf("one that is none: %d %s", status, body)
	}
}

func TestALoadTestEndsWithTheServer(t *testing.T) {
	base, stop := serving(t, "")
	aQueue(t, client.New(client.Config{Endpoint: base, Region: testRegion}))
	if status, _, body := browse(t, base).ask(http.MethodPost, "/console/load-tests", loadForm("duration", "6h"), nil); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	stop() // it would wait for the test
}

// The generator is in the server's own process, which the server would take for its owner.
func TestALoadTestFollowsNoAnswerElsewhere(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	aBalancer(t, client.New(client.Config{Endpoint: base, Region: testRegion}))
	b := browse(t, base)
	if status, _, body := b.ask(http.MethodPost, "/console/load-tests", loadForm("kind", "load-balancer", "name", "lures", "path", "/"), nil); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	await(t, "the load test", func() bool { return loadTestsOf(t, b)[0].Requests > 0 })
	if one := loadTestsOf(t, b)[0]; one.Errors > 0 {
		t.Errorf("a redirection is an answer, and was followed: %v, %s", one.Failures, one.Problem)
	}
}

func TestALoadTestTakesItsPermissionAndThoseOfItsCalls(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	admin := userWith(s.URL(), "", adminKey)
	aQueue(t, client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: adminKey}))
	key := admin.createKey(t, "bob")
	embed(t, admin.caller, "bob", "looks", document("Allow", "flyball:SignIn", "*", ""))
	embed(t, admin.caller, "bob", "clock", document("Allow", "flyball:Clock", "*", ""))
	b := browse(t, s.URL())
	b.signIn(linkOf(t, client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: key})))
	if status, _, body := b.ask(http.MethodPost, "/console/load-tests", loadForm(), nil); status != http.StatusForbidden || !strings.Contains(body, "flyball:LoadTest") {
		t.Errorf("without permission: %d %s", status, body)
	}
	embed(t, admin.caller, "bob", "tests", document("Allow", "flyball:LoadTest", "*", ""))
	if status, _, body := b.ask(http.MethodPost, "/console/load-tests", loadForm(), nil); status == http.StatusOK || !strings.Contains(body, "GetQueueUrl") {
		t.Errorf("without permission to send: %d %s", status, body)
	}
	if all := loadTestsOf(t, b); len(all) != 0 {
		t.Errorf("there are %v", all)
	}
}
