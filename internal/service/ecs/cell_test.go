package ecs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/store"
)

// elsewhere has the world go on in another region, over the same store and the
// same runtime.
func (w *world) elsewhere(region string) {
	w.config.Cell = testCell(w.state, region, w.config.Cell.Clock)
	w.store = w.config.Cell.State.Store()
}

func TestCellsThatShareARuntimeAdoptTheirOwnTasks(t *testing.T) {
	inWorld(t, func(w *world) {
		home := w.config
		w.serve(2)
		w.crash()
		w.elsewhere("eu-west-2")
		away := w.config
		w.boot()
		if len(must(w.api.ListClusters(w.Context(), &ecs.ListClustersInput{}))(w).ClusterArns) != 0 {
			t.Error("clusters of another region are seen")
		}
		w.serve(3)
		w.crash()

		found := w.runtime.recovered()
		for _, c := range []struct {
			config Config
			left   int // after it has adopted
		}{{home, 3}, {away, 0}} {
			api, err := New(c.config)
			if err != nil {
				t.Fatal(err)
			}
			api.Adopt(found)
			if len(found) != c.left {
				t.Errorf("%s leaves %d tasks, want %d", c.config.Cell.Region, len(found), c.left)
			}
		}
	})
}

func TestEverythingOfACellNamesItsRegion(t *testing.T) {
	inWorld(t, func(w *world) {
		w.end()
		w.elsewhere("us-gov-west-1")
		w.boot()
		w.serve(1)
		task := w.tasks("")[0]
		if *task.AvailabilityZone != "us-gov-west-1a" || !strings.HasPrefix(*task.TaskArn, "arn:aws-us-gov:ecs:us-gov-west-1:123456789012:task/prod/") {
			t.Errorf("a task in %s: %s", *task.AvailabilityZone, *task.TaskArn)
		}
		if s := w.service(); *s.CreatedBy != "arn:aws-us-gov:iam::123456789012:root" {
			t.Errorf("created by %s", *s.CreatedBy)
		}
		var env []string
		for _, e := range w.runtime.any().spec.Containers[0].Env {
			if strings.HasPrefix(e, "AWS_REGION=") || strings.HasPrefix(e, "AWS_ACCESS_KEY_ID=") {
				env = append(env, e)
			}
		}
		if !slices.Equal(env, []string{"AWS_ACCESS_KEY_ID=123456789012", "AWS_REGION=us-gov-west-1"}) {
			t.Errorf("the task is told %v", env)
		}
		for _, d := range task.Attachments[0].Details {
			if name := *d.Value; *d.Name == "privateDnsName" && !strings.HasSuffix(name, ".us-gov-west-1.compute.internal") {
				t.Errorf("the task's address is named %s", name)
			}
		}
	})
}

// The documents of releases that wrote no version.
func TestDocumentsWithoutAVersionAreRead(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		must(w.api.PutAccountSetting(w.Context(), &ecs.PutAccountSettingInput{Name: types.SettingNameContainerInsights, Value: aws.String("enabled")}))(w)
		before := w.everything()
		w.crash()
		var b store.Batch
		for _, k := range kinds {
			if err := w.store.Scan(k.Name, store.Range{}, func(key string, value []byte) bool {
				old := strings.TrimPrefix(string(value), "v1 ")
				if k.Name == kindSetting.Name {
					old = strings.Trim(old, `"`)
				}
				b.Put(k.Name, key, []byte(old))
				return true
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.store.Write(&b).Wait(); err != nil {
			t.Fatal(err)
		}
		w.boot()
		w.pass(time.Second)
		after := strings.Split(w.everything(), "\n")
		for i, line := range strings.Split(before, "\n") {
			if strings.HasPrefix(line, "ecs.") {
				break // the documents, which are as they were put
			}
			if after[i] != line {
				t.Errorf("read as\n%s\nwritten as\n%s", after[i], line)
			}
		}
	})
}
