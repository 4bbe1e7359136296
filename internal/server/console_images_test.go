package server

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"flyball/internal/client"
)

// A repository is created by a form, and its page has the commands that push an image into it.
func TestARepositoryTellsHowImagesComeIntoIt(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c, b := client.New(client.Config{Endpoint: base, Region: testRegion}), browse(t, base)
	for _, tt := range []struct {
		name, typed string
		status      int
		says        string
	}{
		{"a name", "team/web", http.StatusOK, "aws ecr create-repository --repository-name team/web"},
		{"the same name", "team/web", http.StatusBadRequest, "RepositoryAlreadyExistsException"},
		{"no name of a repository", "Team Web", http.StatusBadRequest, "InvalidParameterException"},
		{"markup", hostile, http.StatusBadRequest, "InvalidParameterException"},
	} {
		status, _, body := b.ask(http.MethodPost, "/console/repositories", url.Values{"do": {"create"}, "name": {tt.typed}}, nil)
		if status != tt.status || !strings.Contains(html.UnescapeString(body), tt.says) {
			t.Errorf("%s: %d, want %d with %q: %s", tt.name, status, tt.status, tt.says, body)
		}
		if strings.Contains(body, "<script>alert") {
			t.Errorf("%s: markup that was typed is in the page", tt.name)
		}
	}
	found, err := c.ECR.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
	if err != nil || len(found.Repositories) != 1 {
		t.Fatalf("there are %d repositories, want 1: %v", len(found.Repositories), err)
	}
	uri := aws.ToString(found.Repositories[0].RepositoryUri)
	status, page := b.get("/console/repositories/" + url.PathEscape("team/web"))
	registry, _, _ := strings.Cut(uri, "/")
	for _, want := range []string{"docker login --username AWS --password-stdin " + registry + "\n", "docker tag web:latest " + uri + ":latest\n", "docker push " + uri + ":latest\n"} {
		if !strings.Contains(strings.ReplaceAll(html.UnescapeString(page), "</pre>", "\n"), want) {
			t.Errorf("%d: the page lacks %q", status, want)
		}
	}
	if status, _ := b.get("/console/repositories/none"); status != http.StatusNotFound {
		t.Errorf("a repository that there is not: %d", status)
	}
}
