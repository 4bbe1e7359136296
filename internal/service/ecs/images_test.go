package ecs

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	runtime "flyball/internal/task"
)

// A tagRuntime knows what the tag of the web image stands for.
type tagRuntime struct {
	*fakeRuntime
	mu     sync.Mutex
	digest string // "" if there is no such image
	asked  int
}

func (r *tagRuntime) Pull(_ context.Context, image, digest string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if digest != "" {
		return digest, nil // it is kept
	}
	r.asked++
	if r.digest == "" {
		return "", fmt.Errorf("%w: failed to resolve ref %s: not found", runtime.ErrNoImage, image)
	}
	return r.digest, nil
}

// push has the tag stand for another image.
func (r *tagRuntime) push(digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.digest = digest
}

// inTaggedWorld runs a test in a world whose images have digests.
func inTaggedWorld(t *testing.T, test func(w *world, r *tagRuntime)) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.end()
		r := &tagRuntime{fakeRuntime: w.runtime, digest: "sha256:one"}
		w.config.Runtime = r
		w.boot()
		test(w, r)
	})
}

// digests are those of the images of the service's running tasks, in order: as they are
// shown, if they are the same that the runtime was told.
func (w *world) digests() []string {
	w.Helper()
	var found []string
	for _, task := range w.tasks(types.DesiredStatusRunning) {
		shown := aws.ToString(task.Containers[0].ImageDigest)
		w.runtime.mu.Lock()
		told := w.runtime.tasks[(*task.TaskArn)[len(*task.TaskArn)-32:]].spec.Containers[0].Digest
		w.runtime.mu.Unlock()
		if shown != told {
			w.Errorf("the task shows digest %q, the runtime was told %q", shown, told)
		}
		found = append(found, shown)
	}
	slices.Sort(found)
	return found
}

// revisionDigest is that of the newest service revision.
func (w *world) revisionDigest() string {
	w.Helper()
	deployments := must(w.api.ListServiceDeployments(w.Context(), &ecs.ListServiceDeploymentsInput{Cluster: aws.String("prod"), Service: aws.String("web")}))(w)
	out := must(w.api.DescribeServiceRevisions(w.Context(), &ecs.DescribeServiceRevisionsInput{
		ServiceRevisionArns: []string{*deployments.ServiceDeployments[0].TargetServiceRevisionArn},
	}))(w)
	return aws.ToString(out.ServiceRevisions[0].ContainerImages[0].ImageDigest)
}

func TestATagIsResolvedOncePerDeployment(t *testing.T) {
	inTaggedWorld(t, func(w *world, r *tagRuntime) {
		w.serve(1)
		want := func(revision string, tasks ...string) {
			w.Helper()
			if got := w.revisionDigest(); got != revision {
				w.Errorf("the revision has digest %q, want %q", got, revision)
			}
			if got := w.digests(); !slices.Equal(got, tasks) {
				w.Errorf("the tasks have digests %q, want %q", got, tasks)
			}
		}
		want("sha256:one", "sha256:one")
		r.push("sha256:two")
		w.scale(2)
		w.pass(time.Minute)
		want("sha256:one", "sha256:one", "sha256:one")
		w.end()
		w.boot()
		w.scale(3)
		w.pass(time.Minute)
		want("sha256:one", "sha256:one", "sha256:one", "sha256:one")
		r.push("") // the registry is down
		w.scale(4)
		w.pass(time.Minute)
		want("sha256:one", "sha256:one", "sha256:one", "sha256:one", "sha256:one")
		r.push("sha256:two")
		w.update(&ecs.UpdateServiceInput{ForceNewDeployment: true, DesiredCount: aws.Int32(2)})
		w.pass(5 * time.Minute)
		want("sha256:two", "sha256:two", "sha256:two")
	})
}

func TestWithoutVersionConsistencyEachTaskResolvesItsTag(t *testing.T) {
	inTaggedWorld(t, func(w *world, r *tagRuntime) {
		w.cluster("prod")
		w.define(func(in *ecs.RegisterTaskDefinitionInput) {
			in.ContainerDefinitions[0].VersionConsistency = types.VersionConsistencyDisabled
		})
		must(w.api.CreateService(w.Context(), webService(1)))(w)
		w.pass(time.Minute)
		r.push("sha256:two")
		w.scale(2)
		w.pass(time.Minute)
		if got := w.digests(); !slices.Equal(got, []string{"sha256:one", "sha256:two"}) {
			w.Errorf("the tasks have digests %q", got)
		}
		if got := w.revisionDigest(); got != "" {
			w.Errorf("the revision has digest %q", got)
		}
	})
}

func TestATaskWhoseImageIsMissingIsTriedAgain(t *testing.T) {
	inTaggedWorld(t, func(w *world, r *tagRuntime) {
		r.push("")
		w.serve(1)
		stopped := w.tasks(types.DesiredStatusStopped)
		if len(stopped) == 0 {
			w.Fatal("no task has stopped")
		}
		const want = "CannotPullContainerError: failed to resolve ref flyball/web: not found"
		if got := stopped[0]; aws.ToString(got.StoppedReason) != want || got.StopCode != types.TaskStopCodeTaskFailedToStart ||
			aws.ToString(got.Containers[0].Reason) != want {
			w.Errorf("the task has stopped for %q, code %s, container %q", aws.ToString(got.StoppedReason), got.StopCode, aws.ToString(got.Containers[0].Reason))
		}
		w.pass(time.Hour / 2)
		if asked := r.asked; asked < 5 || asked > 60 {
			w.Errorf("the image was asked for %d times in half an hour", asked)
		}
		r.push("sha256:one")
		w.pass(time.Hour)
		if got := w.digests(); !slices.Equal(got, []string{"sha256:one"}) {
			w.Errorf("the tasks have digests %q", got)
		}
	})
}

func TestATaskOfNoServiceShowsItsDigest(t *testing.T) {
	inTaggedWorld(t, func(w *world, r *tagRuntime) {
		w.cluster("prod")
		w.define()
		out := must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{
			Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets,
		}))(w)
		w.pass(time.Second)
		described := must(w.api.DescribeTasks(w.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{*out.Tasks[0].TaskArn}}))(w)
		if got := aws.ToString(described.Tasks[0].Containers[0].ImageDigest); got != "sha256:one" {
			w.Errorf("the digest is %q", got)
		}
	})
}
