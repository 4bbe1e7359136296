package tail

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/client"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// pages is a source of lines by their seconds.
type pages [][]int

func (p *pages) page(context.Context) ([]Line, bool, error) {
	if len(*p) == 0 {
		return nil, false, nil
	}
	var lines []Line
	for _, second := range (*p)[0] {
		lines = append(lines, Line{At: noon.Add(time.Duration(second) * time.Second), Text: strconv.Itoa(second)})
	}
	*p = (*p)[1:]
	return lines, len(*p) > 0, nil
}

func TestLinesOfAllSourcesAreInTheOrderOfTheirTimes(t *testing.T) {
	var got []string
	err := merge(t.Context(), []source{&pages{{1, 4}, {}, {7, 8}}, &pages{}, &pages{{2, 3, 9}}, &pages{{0}, {5, 6}}}, func(l Line) error {
		got = append(got, l.Text)
		return nil
	})
	if want := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// events are those of a log group, in pages of two.
type events []types.FilteredLogEvent

func (e *events) put(second int) {
	*e = append(*e, types.FilteredLogEvent{
		EventId: aws.String(fmt.Sprint(len(*e))), LogStreamName: aws.String("s"),
		Message: aws.String(strconv.Itoa(second)), Timestamp: aws.Int64(noon.Add(time.Duration(second) * time.Second).UnixMilli()),
	})
	slices.SortStableFunc(*e, func(x, y types.FilteredLogEvent) int { return int(*x.Timestamp - *y.Timestamp) })
}

func (e *events) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	from, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	for ; from < len(*e) && len(out.Events) < 2; from++ {
		if event := (*e)[from]; *event.Timestamp >= aws.ToInt64(in.StartTime) {
			out.Events = append(out.Events, event)
		}
	}
	if from < len(*e) {
		out.NextToken = aws.String(strconv.Itoa(from))
	}
	return out, nil
}

func TestAFollowedGroupHasEachEventOnceAlsoThoseThatAreLate(t *testing.T) {
	logs := &events{}
	g := &group{logs: logs, late: lateEvents, from: noon.Add(2 * time.Second), seen: map[string]time.Time{}}
	var got []string
	for _, second := range []int{1, 2, 3, 4, 10, 9, 8, 30, 29, 31} {
		logs.put(second)
		err := merge(t.Context(), []source{g}, func(l Line) error { got = append(got, l.Text); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"2", "3", "4", "10", "9", "8", "30", "29", "31"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(g.seen) > 3 {
		t.Errorf("%d events are remembered", len(g.seen))
	}
}

func TestWhoMayNotSeeTasksIsNotToldThatThereIsNone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type": "AccessDeniedException", "message": "You may not see them."}`)
	}))
	defer server.Close()
	s := &set{client: client.New(client.Config{Endpoint: server.URL, Region: "us-east-1"})}
	_, err := s.task(t.Context(), "prod", "0f9d1c62b1a84f3f9f6c5d1f2b7a9e10")
	if err == nil || !strings.Contains(err.Error(), "You may not see them.") {
		t.Errorf("the error is %v, want that of DescribeTasks", err)
	}
}
