package server

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"flyball/internal/client"
)

// configured is all that the wizard can change of service shop/web, in a text.
func configured(t *testing.T, c *client.Client) string {
	t.Helper()
	var all []string
	note := func(err error, format string, args ...any) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf(format, args...))
	}
	services, err := c.ECS.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"web"}})
	tags, tagsErr := c.ECS.ListTagsForResource(t.Context(), &ecs.ListTagsForResourceInput{ResourceArn: services.Services[0].ServiceArn})
	if tagsErr != nil {
		t.Fatal(tagsErr)
	}
	for _, tag := range tags.Tags {
		note(nil, "%s=%s", *tag.Key, *tag.Value)
	}
	note(err, "%s x%d", (*services.Services[0].TaskDefinition)[len("arn:aws:ecs:us-east-1:123456789012:task-definition/"):], services.Services[0].DesiredCount)
	definitions, err := c.ECS.ListTaskDefinitions(t.Context(), &ecs.ListTaskDefinitionsInput{})
	note(err, "%d revisions", len(definitions.TaskDefinitionArns))
	targets, err := c.AutoScaling.DescribeScalableTargets(t.Context(), &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
	note(err, "%d-%d", *targets.ScalableTargets[0].MinCapacity, *targets.ScalableTargets[0].MaxCapacity)
	role := *targets.ScalableTargets[0].RoleARN
	note(nil, "%s", role[strings.LastIndexByte(role, '/')+1:])
	policies, err := c.AutoScaling.DescribeScalingPolicies(t.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
	var names []string
	for _, p := range policies.ScalingPolicies {
		names = append(names, *p.PolicyName)
	}
	note(err, "policies %v", names)
	alarms, err := c.CloudWatch.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	note(err, "%d alarms", len(alarms.MetricAlarms))
	actions, err := c.AutoScaling.DescribeScheduledActions(t.Context(), &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
	note(err, "%d schedules", len(actions.ScheduledActions))
	return strings.Join(all, ", ")
}

// updateForm are the fields of the wizard as they are, but for some.
func updateForm(do string, change url.Values) url.Values {
	form := url.Values{
		"do": {do}, "task": {"keep"}, "desired": {"1"}, "min": {"1"}, "max": {"4"}, "role": {"linked"}, "kind": {"none"},
		"metric": {"cpu"}, "target": {"50"}, "step-metric": {"cpu"}, "side": {"above"}, "threshold": {"70"}, "minutes": {"1"}, "adjustment": {"ChangeInCapacity"}, "steps": {"0:1"},
		"ahead-metric": {"cpu"}, "ahead-target": {"50"}, "mode": {"ForecastOnly"}, "schedule": {"rate(1 hour)"}, "schedule-max": {"9"},
	}
	maps.Copy(form, change)
	return form
}

func TestAnUpdateIsDoneWholeOrNotAtAll(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	furnish(t, c)
	b := browse(t, base)
	const path = "/console/services/shop/web/update"
	linked := "AWSServiceRoleForApplicationAutoScaling_ECSService"
	before := "web:1 x1, 1 revisions, 1-4, " + linked + ", policies [cpu], 2 alarms, 0 schedules"
	if got := configured(t, c); got != before {
		t.Fatalf("at first it is %s", got)
	}
	if status, body := b.get(path); status != http.StatusOK || !strings.Contains(body, `name="max" value="4"`) || !strings.Contains(body, `name="image" value="web"`) {
		t.Fatalf("the wizard: %d %s", status, body)
	}
	image := url.Values{"task": {"image"}, "container": {"web"}, "image": {"web:2"}}
	with := func(change url.Values) url.Values { // a revision that would be registered before the mistake
		all := maps.Clone(image)
		maps.Copy(all, change)
		return all
	}
	for _, tt := range []struct {
		name   string
		form   url.Values
		says   string
		beside string // the field
	}{
		{"a maximum below the minimum", with(url.Values{"min": {"5"}}), "ValidationException", "max"},
		{"no number", with(url.Values{"max": {"many"}}), "is no whole number", "max"},
		{"a desired count below 0", with(url.Values{"desired": {"-1"}}), "InvalidParameterException", "desired"},
		{"a target of nothing", with(url.Values{"kind": {"tracking"}, "target": {"0"}}), "ValidationException", "target"},
		{"no steps", with(url.Values{"kind": {"step"}, "steps": {"1"}}), "are no steps", "steps"},
		{"a way of steps that is none", with(url.Values{"kind": {"step"}, "adjustment": {"Twice"}}), "ValidationException", "steps"},
		{"an alarm over no time", with(url.Values{"kind": {"step"}, "minutes": {"0"}}), "", "minutes"},
		{"no schedule", with(url.Values{"kind": {"scheduled"}, "schedule": {"at noon"}}), "ValidationException", "schedule"},
		{"no mode", with(url.Values{"kind": {"predictive"}, "mode": {"Guess"}}), "ValidationException", "ahead-target"},
		{"requests where there is no load balancer", with(url.Values{"kind": {"tracking"}, "metric": {"requests"}}), "No load balancer", "metric"},
		{"no role", with(url.Values{"role": {"known"}, "role-arn": {"arn:aws:iam::123456789012:role/none"}}), "ValidationException", "role-arn"},
		{"a name that no role has", with(url.Values{"role": {"new"}, "role-name": {"a b"}}), "ValidationError", "role-name"},
		{"no task definition", url.Values{"task": {"revision"}, "revision": {"none:7"}}, "ClientException", "revision"},
		{"a tag without a value", with(url.Values{"tags": {"team"}}), "has no name or no value", "tags"},
		{"a tag twice", with(url.Values{"tags": {"team=a, team=b"}}), "is there twice", "tags"},
		{"a tag of AWS's own", with(url.Values{"tags": {"aws:team=a"}}), "Exception", "tags"},
		{"no container", url.Values{"task": {"image"}, "container": {"db"}, "image": {"x"}}, "There is no container", "container"},
		{"no image", url.Values{"task": {"image"}, "container": {"web"}, "image": {" "}}, "Name an image", "image"},
		{"nothing", nil, "Nothing is different", ""},
	} {
		for _, do := range []string{"review", "update"} {
			status, _, body := b.ask(http.MethodPost, path, updateForm(do, tt.form), nil)
			body = html.UnescapeString(body)
			if status != http.StatusBadRequest || !strings.Contains(body, tt.says) {
				t.Errorf("%s of %s: %d, want %q: %s", do, tt.name, status, tt.says, problemsIn(body))
			}
			if tt.beside != "" && !strings.Contains(body, `id="p-`+tt.beside+`"`) {
				t.Errorf("%s of %s: the error is not beside %s: %s", do, tt.name, tt.beside, problemsIn(body))
			}
			if got := configured(t, c); got != before {
				t.Fatalf("%s of %s: it is %s, want %s as before", do, tt.name, got, before)
			}
		}
	}
	if roles, err := callerOf(base, testRegion, testAccount).iam.ListRoles(t.Context(), &iam.ListRolesInput{PathPrefix: aws.String("/")}); err != nil || len(roles.Roles) != 1 {
		t.Errorf("after all that was refused there are %d roles, %v; want the linked one", len(roles.Roles), err)
	}

	all := with(url.Values{"desired": {"2"}, "min": {"2"}, "max": {"8"}, "role": {"new"}, "role-name": {"ecsAutoscaleRole"}, "kind": {"step"}, "name": {"more"}, "tags": {"team=shop"}})
	status, _, body := b.ask(http.MethodPost, path, updateForm("review", all), nil)
	body = html.UnescapeString(body)
	for _, want := range []string{
		"aws ecs register-task-definition", "aws ecs update-service", "aws iam create-role", "aws iam attach-role-policy", "aws application-autoscaling register-scalable-target",
		"policy=$(aws application-autoscaling put-scaling-policy", `--alarm-actions "$policy"`,
		`resource "aws_ecs_task_definition" "web"`, "aws_ecs_task_definition.web.arn", "import {", "aws ecs tag-resource", "aws_iam_role.ecsAutoscaleRole.arn", "aws_appautoscaling_target.web.resource_id", `resource "aws_iam_role"`, `resource "aws_appautoscaling_policy" "more"`, `[aws_appautoscaling_policy.more.arn]`,
	} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("the review, %d, lacks %q", status, want)
		}
	}
	if got := configured(t, c); got != before {
		t.Fatalf("after the review it is %s, want %s as before", got, before)
	}
	if status, _, body := b.ask(http.MethodPost, path, updateForm("update", all), nil); status != http.StatusOK {
		t.Fatalf("the update: %d %s", status, problemsIn(body))
	}
	if got, want := configured(t, c), "team=shop, web:2 x2, 2 revisions, 2-8, ecsAutoscaleRole, policies [cpu more], 3 alarms, 0 schedules"; got != want {
		t.Errorf("after the update it is %s, want %s", got, want)
	}
	for kind, want := range map[string]string{"scheduled": "1 schedules", "predictive": "[ahead cpu more]"} {
		form := updateForm("update", url.Values{"kind": {kind}, "name": {map[string]string{"scheduled": "noon", "predictive": "ahead"}[kind]}, "desired": {""}, "min": {""}, "max": {""}, "tags": {"stage=" + kind}})
		if status, _, body := b.ask(http.MethodPost, path, form, nil); status != http.StatusOK {
			t.Errorf("%s: %d %s", kind, status, problemsIn(body))
		}
		if got := configured(t, c); !strings.Contains(got, want) || !strings.HasPrefix(got, "stage="+kind+", web:2") {
			t.Errorf("%s: it is %s", kind, got)
		}
	}
	status, _, _ = b.ask(http.MethodPost, path, updateForm("update", all), func(r *http.Request) {
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site")
	})
	if status != http.StatusForbidden {
		t.Errorf("an update of nobody knows which page: %d", status)
	}
}

// problemsIn are the problems that a page tells.
func problemsIn(body string) string {
	var all []string
	for part := range strings.SplitSeq(body, "<p class=\"problem\"") {
		text, _, _ := strings.Cut(part, "</p>")
		all = append(all, text)
	}
	return strings.Join(slices.Delete(all, 0, 1), "; ")
}

// What a user may not do is refused in the midst of an update, and what came before is taken back.
func TestAnUpdateMayDoWhatItsUserMay(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	admin := userWith(s.URL(), "", adminKey)
	c := client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: adminKey})
	furnish(t, c)
	key := admin.createKey(t, "bob")
	embed(t, admin.caller, "bob", "most", document("Allow", "*", "*", ""))
	embed(t, admin.caller, "bob", "not", document("Deny", "application-autoscaling:RegisterScalableTarget", "*", ""))
	b := browse(t, s.URL())
	if status := b.signIn(linkOf(t, client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: key}))); status != http.StatusOK {
		t.Fatal(status)
	}
	before := configured(t, c)
	form := updateForm("update", url.Values{"task": {"image"}, "container": {"web"}, "image": {"web:2"}, "max": {"9"}})
	status, _, body := b.ask(http.MethodPost, "/console/services/shop/web/update", form, nil)
	if status != http.StatusBadRequest || !strings.Contains(body, "not authorized to perform: application-autoscaling:RegisterScalableTarget") {
		t.Errorf("bob's update: %d %s", status, problemsIn(body))
	}
	if got := configured(t, c); got != before {
		t.Errorf("it is %s, want %s as before", got, before)
	}
	form.Set("max", "4")
	if status, _, body := b.ask(http.MethodPost, "/console/services/shop/web/update", form, nil); status != http.StatusOK {
		t.Errorf("what bob may do: %d %s", status, problemsIn(body))
	}
}
