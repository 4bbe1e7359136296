package logs_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"flyball/internal/clock"
)

// The server's clock is a day ahead, and each query asks for the last hour of the wall clock.
func TestQueriesForTheWallClocksTimeAreTold(t *testing.T) {
	now := time.Now()
	from, to := aws.Int64(now.Add(-time.Hour).UnixMilli()), aws.Int64(now.UnixMilli())
	for name, ask := range map[string]func(*world) error{
		"GetLogEvents": func(w *world) error {
			_, err := w.GetLogEvents(ctx(w), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("app"), LogStreamName: aws.String("web"), StartTime: from, EndTime: to})
			return err
		},
		"FilterLogEvents": func(w *world) error {
			_, err := w.FilterLogEvents(ctx(w), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("app"), StartTime: from, EndTime: to})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.cell.Clock = clock.New(now.Add(24*time.Hour), 1)
			var log bytes.Buffer
			w.cell.Log = slog.New(slog.NewTextHandler(&log, nil))
			w.create("app", "web")
			w.put("app", "web", w.now()-1000, "a line")
			if err := ask(w); err != nil || !strings.Contains(log.String(), "operation="+name) {
				t.Errorf("%v, and the log is %q", err, log.String())
			}
		})
	}
}
