package console_test

import (
	"context"
	"flag"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
	"flyball/internal/server"
)

var live = flag.Bool("terraform", false, "run Terraform with its AWS provider on what the wizard prints")

// shownTerraform is what a review shows.
var shownTerraform = regexp.MustCompile(`(?s)The same in Terraform</summary><pre[^>]*>(.*?)</pre>`)

// forTerraform is a server with a service, for the real Terraform.
func forTerraform(t *testing.T) (*server.Server, *client.Client) {
	t.Helper()
	if !*live {
		t.Skip("Terraform was not asked for: make test-terraform runs it")
	}
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("Terraform is not there")
	}
	s, stop := serve(t, "127.0.0.1:0", "", func(c *server.Config) { c.Speed = 0.001 })
	t.Cleanup(stop)
	c := client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"})
	deployed(t, c)
	return s, c
}

// What the wizard prints is formatted, applies to the service that is there without replacing it, and
// has nothing left to change afterwards.
func TestTheRealProviderTakesWhatTheWizardPrints(t *testing.T) {
	s, c := forTerraform(t)
	for _, step := range []struct {
		name string
		form url.Values
	}{
		{"an image, a role, bounds, tags and steps", url.Values{
			"task": {"image"}, "container": {"web"}, "image": {"web:2"}, "desired": {"2"}, "tags": {"team=shop, stage=test"},
			"min": {"2"}, "max": {"8"}, "role": {"new"}, "role-name": {"scales-web"}, "kind": {"step"},
		}},
		{"a schedule", url.Values{"max": {"9"}, "kind": {"scheduled"}, "zone": {"Europe/Berlin"}}},
		{"target tracking", url.Values{"min": {"1"}, "kind": {"tracking"}, "no-in": {"on"}}},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "wizard.tf"), []byte(printed(t, s.URL(), step.form)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range []string{"init", "validate", "fmt -check -diff", "apply -auto-approve", "plan -detailed-exitcode"} {
			out, err := terraformIn(t, dir, s.URL(), args)
			if err != nil || strings.Contains(out, "must be replaced") {
				t.Fatalf("%s: terraform %s: %v\n%s", step.name, args, err, out)
			}
		}
	}
	out, err := c.ECS.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(out.Services[0].TaskDefinition); !strings.HasSuffix(got, "/web:2") || out.Services[0].DesiredCount != 2 {
		t.Errorf("the service runs %d of %s", out.Services[0].DesiredCount, got)
	}
}

// deployed creates service shop/web.
func deployed(t *testing.T, c *client.Client) {
	t.Helper()
	_, err := c.ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("shop")})
	if err == nil {
		_, err = c.ECS.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("web"),
			ContainerDefinitions: []types.ContainerDefinition{{
				Name: aws.String("web"), Image: aws.String("web"), Memory: aws.Int32(64),
				Environment: []types.KeyValuePair{{Name: aws.String("GREETING"), Value: aws.String(`${hello} "you"`)}},
			}},
		})
	}
	if err == nil {
		_, err = c.ECS.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: aws.String("shop"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(1)})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// printed is the Terraform of a review of the wizard. What a step leaves out is as a browser has it.
func printed(t *testing.T, base string, change url.Values) string {
	t.Helper()
	status, body := page(t, base+"/console/services/shop/web/update", typedUpdate(change))
	found := shownTerraform.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("the review, %d, has no Terraform: %s", status, body)
	}
	return html.UnescapeString(found[1])
}

// typedUpdate is the form of the wizard, with what is typed into it.
func typedUpdate(change url.Values) url.Values {
	form := url.Values{
		"do": {"review"}, "task": {"keep"}, "desired": {"2"}, "tags": {"team=shop, stage=test"}, "min": {"2"}, "max": {"8"}, "role": {"linked"},
		"metric": {"cpu"}, "target": {"50"}, "step-metric": {"cpu"}, "side": {"above"}, "threshold": {"70"}, "minutes": {"1"}, "adjustment": {"ChangeInCapacity"}, "steps": {"0:1, 20:3"},
		"schedule": {"cron(0 8 * * ? *)"}, "schedule-min": {"2"},
	}
	maps.Copy(form, change)
	return form
}

// What pages are written as takes up what is there, adds and changes nothing, and has nothing left to change.
func TestTheRealProviderTakesUpWhatPagesAreWrittenAs(t *testing.T) {
	s, c := forTerraform(t)
	items(t, c.AWS())
	for _, form := range []url.Values{{"min": {"1"}, "kind": {"tracking"}, "name": {"cpu"}}, {"kind": {"step"}, "name": {"burst"}}, {"kind": {"scheduled"}, "zone": {"Europe/Berlin"}}} {
		form.Set("do", "update")
		if status, text := page(t, s.URL()+"/console/services/shop/web/update", typedUpdate(form)); status != http.StatusOK {
			t.Fatalf("the service is not scaled: %d %s", status, text)
		}
	}
	for path, added := range map[string]int{
		"services/shop/web/code": 1, "code/queues": 0, "code/functions": 0, "code/load-balancers": 0, "code/alarms": 0,
	} {
		dir := t.TempDir()
		_, terraform := codeOf(t, s.URL(), path)
		for name, text := range map[string][]byte{"page.tf": []byte(terraform), "report.zip": program(t)} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, args := range []string{"init", "validate", "fmt -check -diff", "apply -auto-approve", "plan -detailed-exitcode"} {
			out, err := terraformIn(t, dir, s.URL(), args)
			if err != nil {
				t.Errorf("%s: terraform %s: %v\n%s\n%s", path, args, err, out, terraform)
				break
			}
			if want := fmt.Sprintf("%d added, 0 changed, 0 destroyed", added); strings.HasPrefix(args, "apply") && !strings.Contains(out, want) {
				t.Errorf("%s: not %s:\n%s", path, want, out)
			}
		}
	}
}

// terraformIn runs Terraform in a folder against a server.
func terraformIn(t *testing.T, dir, server, args string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "terraform", append(strings.Fields(args), "-no-color")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
