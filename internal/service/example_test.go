package service_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/page"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/internal/tags"
)

// Streams is a service that keeps metric streams: three operations, one table,
// tags and pages.
type Streams struct {
	cell *cell.Cell
	rows *state.Table[stream]
}

// A stream is a row, and its document.
type stream struct {
	Name, Firehose string
	Created        time.Time
	Tags           map[string]string
}

var kindStream = state.Kind{Name: "example.stream", Version: 1} // by name

// NewStreams returns the service with what the cell remembers.
func NewStreams(c *cell.Cell) (*Streams, error) {
	rows, err := state.NewTable[stream](c.State, kindStream)
	return &Streams{c, rows}, err
}

func (s *Streams) arn(name string) string { return s.cell.ARN("cloudwatch", "metric-stream/"+name) }

// PutMetricStream creates or changes a stream.
func (s *Streams) PutMetricStream(ctx context.Context, in *cloudwatch.PutMetricStreamInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricStreamOutput, error) {
	name := aws.ToString(in.Name)
	err := s.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		row, exists := s.rows.Get(name)
		if !exists {
			row = stream{Name: name, Created: s.cell.Clock.Now()}
		}
		row.Firehose = aws.ToString(in.FirehoseArn)
		var err error
		row.Tags, err = tags.Merge(row.Tags, tags.Map(in.Tags, func(t types.Tag) (k, v *string) { return t.Key, t.Value }), tags.Most)
		if err != nil {
			return refused(err)
		}
		s.rows.Put(tx, name, row)
		s.cell.Announce(tx, "aws.cloudwatch", "Metric Stream Changed", s.arn(name), row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatch.PutMetricStreamOutput{Arn: aws.String(s.arn(name))}, nil
}

// refused is an error in the service's words.
func refused(err error) error {
	message := "The request is invalid: " + err.Error()
	if errors.Is(err, tags.ErrTooMany) {
		message = "A stream can have 50 tags at most."
	}
	return &types.InvalidParameterValueException{Message: &message}
}

// ListMetricStreams lists streams by name, in pages.
func (s *Streams) ListMetricStreams(ctx context.Context, in *cloudwatch.ListMetricStreamsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListMetricStreamsOutput, error) {
	limit, ok := page.Limit(in.MaxResults, 100, 500)
	if !ok {
		return nil, refused(errors.New("MaxResults must be 1 at least"))
	}
	var rows []stream
	s.cell.State.View(ctx, func() { rows = s.rows.Rows("") })
	rows, next, err := page.Of(rows, func(r stream) string { return r.Name }, in.NextToken, limit)
	if err != nil {
		return nil, refused(err)
	}
	out := &cloudwatch.ListMetricStreamsOutput{NextToken: next, Entries: []types.MetricStreamEntry{}}
	for _, r := range rows {
		out.Entries = append(out.Entries, types.MetricStreamEntry{Name: &r.Name, Arn: aws.String(s.arn(r.Name)), FirehoseArn: &r.Firehose, CreationDate: &r.Created})
	}
	return out, nil
}

// DeleteMetricStream deletes a stream, if there is one.
func (s *Streams) DeleteMetricStream(ctx context.Context, in *cloudwatch.DeleteMetricStreamInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteMetricStreamOutput, error) {
	err := s.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		s.rows.Delete(tx, aws.ToString(in.Name))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatch.DeleteMetricStreamOutput{}, nil
}

// must is for the calls of the example, none of which fails.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func Example() {
	st := must(store.OpenSQLite(""))
	defer st.Close()
	london := &cell.Cell{
		Account: "123456789012", Region: "eu-west-2", Clock: clock.New(time.Now(), 1),
		State: state.New(st).Scope(cell.Scope("123456789012", "eu-west-2")),
	}
	ctx, streams := context.Background(), must(NewStreams(london))
	for _, name := range []string{"orders", "clicks", "errors"} {
		must(streams.PutMetricStream(ctx, &cloudwatch.PutMetricStreamInput{Name: &name, FirehoseArn: aws.String("arn:to")}))
	}
	must(streams.DeleteMetricStream(ctx, &cloudwatch.DeleteMetricStreamInput{Name: aws.String("orders")}))
	_, err := streams.PutMetricStream(ctx, &cloudwatch.PutMetricStreamInput{Name: aws.String("errors"), Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}})
	fmt.Println(err)

	streams = must(NewStreams(london)) // as after a restart
	pages := cloudwatch.NewListMetricStreamsPaginator(streams, &cloudwatch.ListMetricStreamsInput{MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		fmt.Println(*must(pages.NextPage(ctx)).Entries[0].Arn)
	}
	// Output:
	// InvalidParameterValueException: The request is invalid: tag "aws:x": tag keys that start with aws: are reserved
	// arn:aws:cloudwatch:eu-west-2:123456789012:metric-stream/clicks
	// arn:aws:cloudwatch:eu-west-2:123456789012:metric-stream/errors
}
