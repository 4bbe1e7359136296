package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
)

const (
	logGroup   = "bench"
	logStreams = 20
	logBatch   = 500 // lines in a call
)

// logEvents measures PutLogEvents over loopback, with the SDK's client and the server on
// the same machine, what memory a million lines take, and how a stream is read.
func logEvents(ctx context.Context, binary string) error {
	p, err := startAnew(ctx, binary)
	if err != nil {
		return err
	}
	defer p.end()
	logs := client.New(client.Config{Endpoint: p.url, Region: "us-east-1"}).Logs
	if _, err := logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(logGroup)}); err != nil {
		return err
	}
	const calls = 100 // a stream
	began := time.Now()
	writers, inside := errgroup.WithContext(ctx)
	for i := range logStreams {
		writers.Go(func() error { return writeLog(inside, logs, fmt.Sprint("stream-", i), calls) })
	}
	if err := writers.Wait(); err != nil {
		return err
	}
	figure("put_log_events_500", float64(logStreams*calls*logBatch)/time.Since(began).Seconds(), "lines/s")
	if mib, err := p.rss(); err == nil {
		figure("memory_after_million_lines", mib, "MiB")
	}
	began = time.Now()
	lines, err := readLog(ctx, logs, "stream-7")
	if err != nil {
		return err
	}
	figure("get_log_events", float64(lines)/time.Since(began).Seconds(), "lines/s")
	return nil
}

// writeLog fills a stream.
func writeLog(ctx context.Context, logs *cloudwatchlogs.Client, stream string, calls int) error {
	if _, err := logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(logGroup), LogStreamName: &stream}); err != nil {
		return err
	}
	for call := range calls {
		events := make([]types.InputLogEvent, logBatch)
		now := time.Now().UnixMilli()
		for i := range events {
			events[i] = types.InputLogEvent{Timestamp: &now, Message: aws.String(fmt.Sprintf(
				`127.0.0.1 - frank [26/Nov/2026:13:55:36 +0000] "GET /items/%d?page=%d HTTP/1.1" 200 %d "-" "curl/8.5" %d`, i*call, i, i*31%9000, i*7%90))}
		}
		_, err := logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String(logGroup), LogStreamName: &stream, LogEvents: events})
		if err != nil {
			return err
		}
	}
	return nil
}

// readLog reads a stream from its head.
func readLog(ctx context.Context, logs *cloudwatchlogs.Client, stream string) (lines int, err error) {
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String(logGroup), LogStreamName: &stream, StartFromHead: aws.Bool(true)}
	pages := cloudwatchlogs.NewGetLogEventsPaginator(logs, in, func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return lines, err
		}
		lines += len(page.Events)
	}
	return lines, nil
}
