package main

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"flyball/internal/client"
)

func TestAStreamShowsWhichEventIsNotInItsPlace(t *testing.T) {
	ctx, c := context.Background(), serve(t)
	if err := setUpShared(ctx, c, nil); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		puts [][2]int // the first number and how many
		want string
	}{
		"whole":   {[][2]int{{1, 3}, {4, 2}}, "5 events"},
		"empty":   {nil, "0 events"},
		"lost":    {[][2]int{{1, 3}, {5, 2}}, "event 5 after event 3"},
		"doubled": {[][2]int{{1, 3}, {3, 2}}, "event 3 after event 3"},
	} {
		putStream(t, c, name, tt.puts)
		w := newWorld()
		if err := w.readLogs(ctx, c); err != nil {
			t.Fatal(err)
		}
		if got := w.facts[key{name, "log stream", ""}]; got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func putStream(t *testing.T, c *client.Client, name string, puts [][2]int) {
	t.Helper()
	_, err := c.Logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(clusterName), LogStreamName: &name})
	for _, p := range puts {
		if err == nil {
			_, err = c.Logs.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
				LogGroupName: aws.String(clusterName), LogStreamName: &name, LogEvents: numbered(p[0], p[1], time.Now()),
			})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
