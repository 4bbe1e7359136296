package logs_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/service/logs"
)

var _ interface {
	cloudwatchlogs.DescribeLogGroupsAPIClient
	cloudwatchlogs.DescribeLogStreamsAPIClient
	cloudwatchlogs.DescribeMetricFiltersAPIClient
	cloudwatchlogs.FilterLogEventsAPIClient
	cloudwatchlogs.GetLogEventsAPIClient
} = (*logs.API)(nil)

func TestAGroupIsDescribed(t *testing.T) {
	w := newWorld(t)
	must(w.CreateLogGroup(ctx(w), &cloudwatchlogs.CreateLogGroupInput{
		LogGroupName: aws.String("/app/web"), KmsKeyId: aws.String("arn:key"), Tags: map[string]string{"team": "shop"}, DeletionProtectionEnabled: aws.Bool(true),
	}))
	must(w.PutRetentionPolicy(ctx(w), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/app/web"), RetentionInDays: aws.Int32(7)}))
	w.restart()
	out := must(w.DescribeLogGroups(ctx(w), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/app")}))
	g := out.LogGroups[0]
	const arn = "arn:aws:logs:eu-west-2:123456789012:log-group:/app/web"
	if *g.Arn != arn+":*" || *g.LogGroupArn != arn || g.LogGroupClass != types.LogGroupClassStandard || *g.KmsKeyId != "arn:key" ||
		*g.RetentionInDays != 7 || *g.MetricFilterCount != 0 || *g.StoredBytes != 0 || !*g.DeletionProtectionEnabled {
		t.Errorf("got %+v", g)
	}
	// With a pattern AWS tells less.
	out = must(w.DescribeLogGroups(ctx(w), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePattern: aws.String("pp/w")}))
	if g := out.LogGroups[0]; g.StoredBytes != nil || g.DeletionProtectionEnabled != nil || *g.LogGroupArn != arn {
		t.Errorf("by a pattern %+v", g)
	}
}

func TestWhatGroupsRefuse(t *testing.T) {
	w := newWorld(t)
	w.create("app", "web")
	app, web := aws.String("app"), aws.String("web")
	const invalid, missing = "InvalidParameterException", "ResourceNotFoundException"
	for name, tt := range map[string]struct {
		call          func() error
		code, message string
	}{
		"a name that is taken": {func() error {
			_, err := w.CreateLogGroup(ctx(w), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: app})
			return err
		}, "ResourceAlreadyExistsException", "The specified log group already exists"},
		"a stream's name that is taken": {func() error {
			_, err := w.CreateLogStream(ctx(w), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: app, LogStreamName: web})
			return err
		}, "ResourceAlreadyExistsException", "The specified log stream already exists"},
		"a stream of no group": {func() error {
			_, err := w.CreateLogStream(ctx(w), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: web, LogStreamName: web})
			return err
		}, missing, "The specified log group does not exist."},
		"a prefix and a pattern": {func() error {
			_, err := w.DescribeLogGroups(ctx(w), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: app, LogGroupNamePattern: app})
			return err
		}, invalid, "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."},
		"streams by time with a prefix": {func() error {
			_, err := w.DescribeLogStreams(ctx(w), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: app, LogStreamNamePrefix: web, OrderBy: types.OrderByLastEventTime})
			return err
		}, invalid, "Cannot order by LastEventTime with a logStreamNamePrefix."},
		"a group that is gone": {func() error {
			_, err := w.DeleteLogGroup(ctx(w), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: web})
			return err
		}, missing, "The specified log group does not exist."},
		"a retention of two days": {func() error {
			_, err := w.PutRetentionPolicy(ctx(w), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: app, RetentionInDays: aws.Int32(2)})
			return err
		}, invalid, "1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: " +
			"[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]"},
	} {
		refused(t, name, tt.call(), tt.code, tt.message)
	}
}

func TestAProtectedGroupIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	w.create("app", "web")
	protect := func(on bool) {
		must(w.PutLogGroupDeletionProtection(ctx(w), &cloudwatchlogs.PutLogGroupDeletionProtectionInput{
			LogGroupIdentifier: aws.String("arn:aws:logs:eu-west-2:123456789012:log-group:app"), DeletionProtectionEnabled: &on,
		}))
	}
	protect(true)
	if _, err := w.DeleteLogGroup(ctx(w), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("app")}); err == nil {
		t.Error("the group is deleted")
	}
	if _, err := w.DeleteLogStream(ctx(w), &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: aws.String("app"), LogStreamName: aws.String("web")}); err == nil {
		t.Error("the stream is deleted")
	}
	protect(false)
	must(w.DeleteLogGroup(ctx(w), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("app")}))
}

func TestAGroupOfTheSameNameIsAnother(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		w.create("app", "web")
		w.put("app", "web", w.now(), "a")
		if got := w.search(&cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("app")}); len(got) != 1 {
			t.Errorf("got %q", got)
		}
		must(w.DeleteLogGroup(ctx(w), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("app")}))
	}
	w.create("app", "web")
	for range 2 {
		must(w.DeleteLogStream(ctx(w), &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: aws.String("app"), LogStreamName: aws.String("web")}))
		must(w.CreateLogStream(ctx(w), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("app"), LogStreamName: aws.String("web")}))
		if got := w.search(&cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("app")}); len(got) != 0 {
			t.Errorf("a new stream has %q", got)
		}
		w.put("app", "web", w.now(), "a")
		w.restart()
	}
}

func TestStreamsAreListedByNameOrByTheirLastEvents(t *testing.T) {
	w := newWorld(t)
	w.create("app", "a", "b", "c", "empty")
	now := w.now()
	w.put("app", "b", now-3000, "x")
	w.put("app", "c", now-2000, "x", "y")
	w.put("app", "a", now-1000, "x")
	for name, tt := range map[string]struct {
		in   cloudwatchlogs.DescribeLogStreamsInput
		want string
	}{
		"by name":                     {cloudwatchlogs.DescribeLogStreamsInput{}, "a b c empty"},
		"by name, descending":         {cloudwatchlogs.DescribeLogStreamsInput{Descending: aws.Bool(true)}, "empty c b a"},
		"by a prefix":                 {cloudwatchlogs.DescribeLogStreamsInput{LogStreamNamePrefix: aws.String("e")}, "empty"},
		"by last events":              {cloudwatchlogs.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime}, "empty b c a"},
		"by last events, newest last": {cloudwatchlogs.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true)}, "a c b empty"},
	} {
		tt.in.LogGroupIdentifier, tt.in.Limit = aws.String("app"), aws.Int32(3)
		var got []string
		pages := cloudwatchlogs.NewDescribeLogStreamsPaginator(w, &tt.in)
		for pages.HasMorePages() {
			for _, s := range must(pages.NextPage(ctx(w))).LogStreams {
				got = append(got, *s.LogStreamName)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %q, want %s", name, got, tt.want)
		}
	}
	w.restart()
	s := must(w.DescribeLogStreams(ctx(w), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("app"), LogStreamNamePrefix: aws.String("c")})).LogStreams[0]
	if *s.FirstEventTimestamp != now-2000 || *s.LastEventTimestamp != now-1999 || *s.LastIngestionTime < now ||
		*s.Arn != "arn:aws:logs:eu-west-2:123456789012:log-group:app:log-stream:c" || len(*s.UploadSequenceToken) != 56 {
		t.Errorf("got %+v", s)
	}
	empty := must(w.DescribeLogStreams(ctx(w), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("app"), LogStreamNamePrefix: aws.String("e")})).LogStreams[0]
	if empty.FirstEventTimestamp != nil || empty.LastIngestionTime != nil || empty.UploadSequenceToken != nil {
		t.Errorf("without events %+v", empty)
	}
}

func TestTagsOfBothCallsAreTheSame(t *testing.T) {
	w := newWorld(t)
	w.create("app")
	app, arn := aws.String("app"), aws.String("arn:aws:logs:eu-west-2:123456789012:log-group:app")
	must(w.TagLogGroup(ctx(w), &cloudwatchlogs.TagLogGroupInput{LogGroupName: app, Tags: map[string]string{"a": "1", "b": "2"}}))
	must(w.TagResource(ctx(w), &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"b": "3", "c": "4"}}))
	must(w.UntagLogGroup(ctx(w), &cloudwatchlogs.UntagLogGroupInput{LogGroupName: app, Tags: []string{"a"}}))
	must(w.UntagResource(ctx(w), &cloudwatchlogs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"c"}}))
	want := map[string]string{"b": "3"}
	if got := must(w.ListTagsLogGroup(ctx(w), &cloudwatchlogs.ListTagsLogGroupInput{LogGroupName: app})).Tags; !maps.Equal(got, want) {
		t.Errorf("by name %v", got)
	}
	if got := must(w.ListTagsForResource(ctx(w), &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: arn})).Tags; !maps.Equal(got, want) {
		t.Errorf("by ARN %v", got)
	}
}

func TestGroupsAreListedByPatternAndTags(t *testing.T) {
	w := newWorld(t)
	w.create("/app/web")
	w.create("/db/app")
	w.create("/other")
	must(w.TagLogGroup(ctx(w), &cloudwatchlogs.TagLogGroupInput{LogGroupName: aws.String("/db/app"), Tags: map[string]string{"env": "production"}}))
	for name, tt := range map[string]struct {
		in   cloudwatchlogs.ListLogGroupsInput
		want []string
	}{
		"all":                {cloudwatchlogs.ListLogGroupsInput{}, []string{"/app/web", "/db/app", "/other"}},
		"a part of the name": {cloudwatchlogs.ListLogGroupsInput{LogGroupNamePattern: aws.String("app")}, []string{"/app/web", "/db/app"}},
		"its beginning":      {cloudwatchlogs.ListLogGroupsInput{LogGroupNamePattern: aws.String("^/app|^/oth")}, []string{"/app/web", "/other"}},
		"a tag":              {cloudwatchlogs.ListLogGroupsInput{LogGroupTags: []types.TagFilter{{Key: aws.String("env"), Values: []string{"test", "prod*"}}}}, []string{"/db/app"}},
		"no such tag":        {cloudwatchlogs.ListLogGroupsInput{LogGroupTags: []types.TagFilter{{Key: aws.String("env"), Values: []string{"prod"}}}}, nil},
	} {
		var got []string
		for _, g := range must(w.ListLogGroups(ctx(w), &tt.in)).LogGroups {
			got = append(got, *g.LogGroupName)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestRetentionHidesEventsAtOnceAndFreesTheDiskLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.create("app", "web")
		w.create("other", "web")
		w.put("app", "web", w.now(), strings.Repeat("x", 100_000))
		w.put("other", "web", w.now(), "kept")
		must(w.PutRetentionPolicy(ctx(w), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("app"), RetentionInDays: aws.Int32(1)}))
		time.Sleep(25 * time.Hour)
		in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("app")}
		if got := w.search(in); len(got) > 0 {
			t.Errorf("%d events after a day", len(got))
		}
		w.restart() // and what was written to is full, as it were
		run(t, w, 2*time.Hour)
		if got := diskUse(t, w.dir); got > 10_000 {
			t.Errorf("%d bytes on disk", got)
		}
		if got := w.search(&cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("other")}); len(got) != 1 {
			t.Errorf("the other group has %d events", len(got))
		}
	})
}

// run has the service's loops go for a while.
func run(t *testing.T, w *world, d time.Duration) {
	ended := make(chan error)
	ctx, stop := withCancel(t)
	go func() { ended <- w.Run(ctx) }()
	time.Sleep(d)
	synctest.Wait()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func diskUse(t *testing.T, dir string) (bytes int64) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}
