package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/awscommand"
	"flyball/internal/client"
	"flyball/internal/hcl"
)

// A repositoriesPage lists the repositories of ECR, and creates one.
type repositoriesPage struct {
	Rows []repositoryRow
	More bool // there are more than are shown
	Form form
	Done string // the command that was carried out
}

// A repositoryRow is one repository of a list.
type repositoryRow struct {
	Name, URI string
	Created   time.Time
	Immutable bool // its tags stay with their images
}

// A repositoryPage is one repository: how images come into it, and those that are there.
type repositoryPage struct {
	repositoryRow
	Push   []pushStep
	Images []imageRow
	More   bool // there are more than are shown
}

// A pushStep is one command by which an image comes into a repository.
type pushStep struct{ What, Command string }

// An imageRow is one image of a repository.
type imageRow struct {
	Tags   []string
	Digest string
	Pushed time.Time
	MiB    float64
}

// repositories lists the repositories.
func (c *console) repositories(v *visit) error {
	p, err := readRepositories(v)
	if err != nil {
		return err
	}
	return c.showRepositories(v, http.StatusOK, p)
}

// createRepository creates a repository that was named.
func (c *console) createRepository(v *visit) error {
	p, err := readRepositories(v)
	if err != nil {
		return err
	}
	done, ok := p.Form.submit(v)
	if !ok {
		return c.showRepositories(v, http.StatusBadRequest, p)
	}
	if p, err = readRepositories(v); err != nil {
		return err
	}
	p.Done = done
	return c.showRepositories(v, http.StatusOK, p)
}

func (c *console) showRepositories(v *visit, status int, p repositoriesPage) error {
	c.show(v, status, "repositories.html", page{Title: "Images", Section: "repositories", Body: p})
	return nil
}

func readRepositories(v *visit) (p repositoriesPage, err error) {
	p.Form = repositoryForm(v.Client)
	found, err := listRepositories(v.r.Context(), v.Client)
	if p.More = len(found) > mostShown; p.More {
		found = found[:mostShown]
	}
	for _, r := range found {
		p.Rows = append(p.Rows, newRepositoryRow(r))
	}
	return p, err
}

func newRepositoryRow(r types.Repository) repositoryRow {
	return repositoryRow{
		Name: aws.ToString(r.RepositoryName), URI: aws.ToString(r.RepositoryUri), Created: aws.ToTime(r.CreatedAt),
		Immutable: r.ImageTagMutability != types.ImageTagMutabilityMutable,
	}
}

// listRepositories lists the repositories by their names, up to one more than are shown.
func listRepositories(ctx context.Context, c *client.Client) (all []types.Repository, err error) {
	pages := ecr.NewDescribeRepositoriesPaginator(c.ECR, &ecr.DescribeRepositoriesInput{})
	for pages.HasMorePages() && len(all) <= mostShown {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Repositories...)
	}
	return all, nil
}

// repositoryForm creates a repository.
func repositoryForm(c *client.Client) form {
	return form{
		ID: "create", Do: "create", Title: "New repository", Verb: "Create", Fields: []field{{Name: "name", Label: "Name", Words: true}},
		make: func(typed values) (call, error) {
			name := strings.TrimSpace(typed("name"))
			in := &ecr.CreateRepositoryInput{RepositoryName: &name}
			return call{
				command: awscommand.Format("ecr", "create-repository", in),
				hcl:     resourceHCL("aws_ecr_repository", name, hcl.Fields{{"name", name}}),
				send: func(ctx context.Context) error {
					_, err := c.ECR.CreateRepository(ctx, in)
					return err
				},
			}, nil
		},
	}
}

// repository shows one repository.
func (c *console) repository(v *visit) error {
	name := v.r.PathValue("name")
	found, err := v.Client.ECR.DescribeRepositories(v.r.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	if err != nil {
		return err
	}
	p := repositoryPage{repositoryRow: newRepositoryRow(found.Repositories[0])}
	p.Push = pushSteps(v.Region, p.Name, p.URI)
	if p.Images, err = readImages(v.r.Context(), v.Client, name); err != nil {
		return err
	}
	if p.More = len(p.Images) > mostShown; p.More {
		p.Images = p.Images[:mostShown]
	}
	c.show(v, http.StatusOK, "repository.html", page{Title: "Images of " + name, Section: "repositories", Live: true, Body: p})
	return nil
}

// pushSteps are the commands that AWS's console shows under "View push commands", after the one
// that leads the aws CLI here.
func pushSteps(region, name, uri string) []pushStep {
	registry, _, _ := strings.Cut(uri, "/")
	local := name[strings.LastIndexByte(name, '/')+1:] + ":latest"
	return []pushStep{
		{"Have aws call this server, once in a terminal", `eval "$(flyball env)"`},
		{"Sign Docker in", "aws ecr get-login-password --region " + region + " | docker login --username AWS --password-stdin " + registry},
		{"Build the image where its Dockerfile is", "docker build -t " + local + " ."},
		{"Name it for this repository", "docker tag " + local + " " + uri + ":latest"},
		{"Push it", "docker push " + uri + ":latest"},
	}
}

// mostImages is how many images of a repository are looked through for the newest.
const mostImages = 1000

// readImages lists the images of a repository, the newest first.
func readImages(ctx context.Context, c *client.Client, name string) (rows []imageRow, err error) {
	pages := ecr.NewDescribeImagesPaginator(c.ECR, &ecr.DescribeImagesInput{RepositoryName: &name})
	for pages.HasMorePages() && len(rows) < mostImages {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, i := range page.ImageDetails {
			rows = append(rows, imageRow{Tags: i.ImageTags, Digest: aws.ToString(i.ImageDigest), Pushed: aws.ToTime(i.ImagePushedAt), MiB: float64(aws.ToInt64(i.ImageSizeInBytes)) / (1 << 20)})
		}
	}
	slices.SortStableFunc(rows, func(a, b imageRow) int { return cmp.Or(b.Pushed.Compare(a.Pushed), cmp.Compare(a.Digest, b.Digest)) })
	return rows, nil
}

// mostSearched is of how many repositories the newest image is proposed.
const mostSearched = 20

// newestImages are the newest images with a tag of some repositories, as tasks name them. Who may not
// list them gets none.
func newestImages(ctx context.Context, c *client.Client) (all []string) {
	found, err := listRepositories(ctx, c)
	if err != nil {
		return nil
	}
	for _, r := range found[:min(len(found), mostSearched)] {
		images, err := readImages(ctx, c, aws.ToString(r.RepositoryName))
		if err != nil {
			continue
		}
		if i := slices.IndexFunc(images, func(i imageRow) bool { return len(i.Tags) > 0 }); i >= 0 {
			all = append(all, aws.ToString(r.RepositoryUri)+":"+images[i].Tags[0])
		}
	}
	return all
}
