package voucher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// A Wait is what a message has waited from its sending until work on it began.
type Wait struct {
	Message string    // its ID
	Begun   time.Time // on the server's clock
	For     time.Duration
}

// Sent is when the message was sent.
func (w Wait) Sent() time.Time { return w.Begun.Add(-w.For) }

// Waits are those of the messages that workers have begun since a time, as their logs
// tell.
func (s *Shop) Waits(ctx context.Context, since time.Time) ([]Wait, error) {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &s.Name, FilterPattern: aws.String("waited")}
	if !since.IsZero() {
		in.StartTime = aws.Int64(since.UnixMilli())
	}
	var waits []Wait
	for {
		out, err := s.client.Logs.FilterLogEvents(ctx, in)
		if errors.As(err, new(*logstypes.ResourceNotFoundException)) {
			return nil, nil // no worker has written yet
		}
		if err != nil {
			return nil, err
		}
		for _, e := range out.Events {
			if id, d, ok := readWait(aws.ToString(e.Message)); ok {
				waits = append(waits, Wait{id, time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), d})
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return waits, nil
		}
	}
}

// readWait reads a worker's line about a message.
func readWait(line string) (id string, d time.Duration, ok bool) {
	var seconds float64
	n, _ := fmt.Sscanf(line, "message %s waited %f s", &id, &seconds)
	return id, time.Duration(seconds * float64(time.Second)), n == 2
}

// An Activity is one of scaling.
type Activity struct {
	At   time.Time
	Text string
}

// News are the scaling activities that were not told before, oldest first.
func (s *Shop) News(ctx context.Context) (news []Activity, err error) {
	out, err := s.client.AutoScaling.DescribeScalingActivities(ctx, &aas.DescribeScalingActivitiesInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ResourceId: aws.String(s.resource()),
	})
	if err != nil {
		return nil, err
	}
	for _, a := range slices.Backward(out.ScalingActivities) {
		if id := aws.ToString(a.ActivityId); !s.told[id] {
			s.told[id] = true
			news = append(news, Activity{aws.ToTime(a.StartTime), aws.ToString(a.Description)})
		}
	}
	return news, nil
}
