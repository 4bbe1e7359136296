package console_test

import (
	"flag"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
	"flyball/internal/server"
)

var live = flag.Bool("terraform", false, "run Terraform with its AWS provider on what the wizard prints")

// shownTerraform is what a review shows.
var shownTerraform = regexp.MustCompile(`(?s)The same in Terraform</summary><pre[^>]*>(.*?)</pre>`)

// What the wizard prints is formatted, applies to the service that is there without replacing it, and
// has nothing left to change afterwards.
func TestTheRealProviderTakesWhatTheWizardPrints(t *testing.T) {
	if !*live {
		t.Skip("Terraform was not asked for: make test-terraform runs it")
	}
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("Terraform is not there")
	}
	s, stop := serve(t, "127.0.0.1:0", "", func(c *server.Config) { c.Speed = 0.001 })
	defer stop()
	c := client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"})
	deployed(t, c)
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
			cmd := exec.CommandContext(t.Context(), "terraform", append(strings.Fields(args), "-no-color")...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.URL(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Contains(string(out), "must be replaced") {
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
	form := url.Values{
		"do": {"review"}, "task": {"keep"}, "desired": {"2"}, "tags": {"team=shop, stage=test"}, "min": {"2"}, "max": {"8"}, "role": {"linked"},
		"metric": {"cpu"}, "target": {"50"}, "step-metric": {"cpu"}, "side": {"above"}, "threshold": {"70"}, "minutes": {"1"}, "adjustment": {"ChangeInCapacity"}, "steps": {"0:1, 20:3"},
		"schedule": {"cron(0 8 * * ? *)"}, "schedule-min": {"2"},
	}
	maps.Copy(form, change)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/console/services/shop/web/update", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := shownTerraform.FindSubmatch(body)
	if found == nil {
		t.Fatalf("the review, %s, has no Terraform: %s", res.Status, body)
	}
	return html.UnescapeString(string(found[1]))
}
