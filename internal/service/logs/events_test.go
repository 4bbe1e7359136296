package logs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"pgregory.net/rapid"
)

func TestPutLogEventsRefusesABatch(t *testing.T) {
	w := newWorld(t)
	w.create("app", "web")
	now := w.now()
	event := func(at int64, message string) types.InputLogEvent {
		return types.InputLogEvent{Timestamp: &at, Message: &message}
	}
	for name, tt := range map[string]struct {
		group, stream string
		events        []types.InputLogEvent
		code, message string
	}{
		"out of order": {"app", "web", []types.InputLogEvent{event(now, "a"), event(now-1, "b")},
			"InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order."},
		"of more than a day": {"app", "web", []types.InputLogEvent{event(now-day-2000, "a"), event(now, "b")},
			"InvalidParameterException", "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."},
		"of more than a MiB": {"app", "web", []types.InputLogEvent{event(now, strings.Repeat("é", 262_144)), event(now, strings.Repeat("é", 262_144))},
			"InvalidParameterException", "Upload too large: 1048628 bytes exceeds limit of 1048576"},
		"with an event of more than a MiB": {"app", "web", []types.InputLogEvent{event(now, strings.Repeat("x", 2<<20))},
			"InvalidParameterException", "Log event too large: 2097178 bytes exceeds limit of 1048576"},
		"for no group":  {"other", "web", []types.InputLogEvent{event(now, "a")}, "ResourceNotFoundException", "The specified log group does not exist."},
		"for no stream": {"app", "other", []types.InputLogEvent{event(now, "a")}, "ResourceNotFoundException", "The specified log stream does not exist."},
	} {
		_, err := w.PutLogEvents(ctx(w), &cloudwatchlogs.PutLogEventsInput{LogGroupName: &tt.group, LogStreamName: &tt.stream, LogEvents: tt.events})
		refused(t, name, err, tt.code, tt.message)
	}
	if got := w.search(&cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("app")}); len(got) > 0 {
		t.Errorf("taken all the same: %q", got)
	}
}

// A batch of just a MiB is taken: 26 bytes count for each event.
func TestPutLogEventsTakesAFullBatch(t *testing.T) {
	w := newWorld(t)
	w.create("app", "web")
	w.put("app", "web", w.now(), strings.Repeat("x", 1_048_576-26))
	w.put("app", "web", w.now(), strings.Repeat("x", 524_288-26), strings.Repeat("x", 524_288-26))
}

func TestEventsThatAreTooOldOrTooNewAreLeftOut(t *testing.T) {
	n := aws.Int32
	for name, tt := range map[string]struct {
		ages     []int64 // of the events
		days     int32
		rejected *types.RejectedLogEventsInfo
		kept     int
	}{
		"none":                           {[]int64{hour, 0, -2*hour + 10_000}, 0, nil, 3},
		"older than two weeks":           {[]int64{15 * day, 14*day + 10_000, hour}, 0, &types.RejectedLogEventsInfo{TooOldLogEventEndIndex: n(2)}, 1},
		"more than two hours ahead":      {[]int64{0, -2*hour - 10_000, -3 * hour}, 0, &types.RejectedLogEventsInfo{TooNewLogEventStartIndex: n(1)}, 1},
		"older than the group's":         {[]int64{4 * day, 3*day + 10_000, hour}, 3, &types.RejectedLogEventsInfo{ExpiredLogEventEndIndex: n(2)}, 1},
		"all of it":                      {[]int64{30 * day, 4 * day, 0, -5 * hour}, 3, &types.RejectedLogEventsInfo{TooOldLogEventEndIndex: n(1), ExpiredLogEventEndIndex: n(2), TooNewLogEventStartIndex: n(3)}, 1},
		"a span of which too old is not": {[]int64{20 * day, hour}, 0, &types.RejectedLogEventsInfo{TooOldLogEventEndIndex: n(1)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.create("app", "web")
			if tt.days > 0 {
				must(w.PutRetentionPolicy(ctx(w), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("app"), RetentionInDays: &tt.days}))
			}
			var events []types.InputLogEvent
			for _, age := range tt.ages {
				events = append(events, types.InputLogEvent{Timestamp: aws.Int64(w.now() - age), Message: aws.String("x")})
			}
			out := must(w.PutLogEvents(ctx(w), &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("app"), LogStreamName: aws.String("web"), LogEvents: events}))
			show := func(r *types.RejectedLogEventsInfo) string {
				if r == nil {
					return "none"
				}
				at := func(p *int32) int32 { return aws.ToInt32(p) }
				return fmt.Sprint(at(r.TooOldLogEventEndIndex), at(r.ExpiredLogEventEndIndex), at(r.TooNewLogEventStartIndex))
			}
			if got, want := show(out.RejectedLogEventsInfo), show(tt.rejected); got != want {
				t.Errorf("rejected %s, want %s", got, want)
			}
			if got := w.search(&cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("app")}); len(got) != tt.kept {
				t.Errorf("%d events are kept, want %d", len(got), tt.kept)
			}
		})
	}
}

// get reads a page of a stream.
func (w *world) get(in cloudwatchlogs.GetLogEventsInput) (messages []string, forward, backward string) {
	w.t.Helper()
	in.LogGroupName, in.LogStreamName = aws.String("app"), aws.String("web")
	out, err := w.GetLogEvents(ctx(w), &in)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range out.Events {
		messages = append(messages, *e.Message)
	}
	return messages, *out.NextForwardToken, *out.NextBackwardToken
}

func TestAStreamIsReadFromEitherEnd(t *testing.T) {
	w := newWorld(t)
	w.create("app", "web")
	all := lines(25)
	w.put("app", "web", w.now(), all...)
	for name, tt := range map[string]struct {
		head, backward bool
	}{"from its head": {true, false}, "from its tail": {false, true}} {
		in := cloudwatchlogs.GetLogEventsInput{Limit: aws.Int32(10), StartFromHead: &tt.head}
		var got []string
		for page := 0; ; page++ {
			messages, forward, backward := w.get(in)
			next := forward
			if tt.backward {
				next, got = backward, append(messages, got...)
			} else {
				got = append(got, messages...)
			}
			if in.NextToken != nil && *in.NextToken == next {
				if len(messages) > 0 || page != 3 {
					t.Errorf("%s: the same token on page %d, with %d events", name, page, len(messages))
				}
				break
			}
			in.NextToken = &next
		}
		if !slices.Equal(got, all) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// Whoever follows a stream asks with the forward token again and again.
func TestAForwardTokenAtTheEndFindsWhatComesLater(t *testing.T) {
	w := newWorld(t)
	w.create("app", "web")
	for _, head := range []bool{true, false} {
		_, token, _ := w.get(cloudwatchlogs.GetLogEventsInput{StartFromHead: &head})
		want := fmt.Sprint("later ", head)
		w.put("app", "web", w.now()+1, want)
		messages, next, back := w.get(cloudwatchlogs.GetLogEventsInput{NextToken: &token, StartFromHead: &head})
		if !slices.Contains(messages, want) {
			t.Errorf("got %q", messages)
		}
		if again, same, _ := w.get(cloudwatchlogs.GetLogEventsInput{NextToken: &next}); len(again) > 0 || same != next {
			t.Errorf("again %q, and another token", again)
		}
		if before, _, _ := w.get(cloudwatchlogs.GetLogEventsInput{NextToken: &back}); slices.Contains(before, want) {
			t.Errorf("before it: %q", before)
		}
	}
}

func TestATimeRangeOfAStreamHasNotItsEnd(t *testing.T) {
	w := newWorld(t)
	w.create("app", "web")
	now := w.now()
	w.put("app", "web", now, lines(10)...)
	got, _, _ := w.get(cloudwatchlogs.GetLogEventsInput{StartTime: aws.Int64(now + 3), EndTime: aws.Int64(now + 6)})
	if !slices.Equal(got, []string{"line 3", "line 4", "line 5"}) {
		t.Errorf("a stream: %q", got)
	}
	// A search has it.
	got = w.search(&cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("app"), StartTime: aws.Int64(now + 3), EndTime: aws.Int64(now + 6)})
	if !slices.Equal(got, []string{"line 3", "line 4", "line 5", "line 6"}) {
		t.Errorf("a search: %q", got)
	}
}

func TestASearchGoesThroughAllStreamsInTheOrderOfTime(t *testing.T) {
	w := newWorld(t)
	w.create("app", "web-1", "web-2", "db")
	now := w.now()
	w.put("app", "web-1", now, "a ERROR", "d")
	w.put("app", "db", now+1, "c ERROR")
	w.put("app", "web-2", now, "b ERROR", "e ERROR")
	for name, tt := range map[string]struct {
		in   cloudwatchlogs.FilterLogEventsInput
		want string
	}{
		"all":              {cloudwatchlogs.FilterLogEventsInput{}, "a ERROR, b ERROR, d, c ERROR, e ERROR"},
		"a pattern":        {cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String("ERROR")}, "a ERROR, b ERROR, c ERROR, e ERROR"},
		"a prefix":         {cloudwatchlogs.FilterLogEventsInput{LogStreamNamePrefix: aws.String("web")}, "a ERROR, b ERROR, d, e ERROR"},
		"streams":          {cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"db", "web-2"}}, "b ERROR, c ERROR, e ERROR"},
		"the latest first": {cloudwatchlogs.FilterLogEventsInput{StartFromHead: aws.Bool(false), StartTime: aws.Int64(now)}, "e ERROR, c ERROR, d, b ERROR, a ERROR"},
	} {
		tt.in.LogGroupName, tt.in.Limit = aws.String("app"), aws.Int32(2)
		if got := strings.Join(w.search(&tt.in), ", "); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

func TestASearchIsRefused(t *testing.T) {
	w := newWorld(t)
	w.create("app", "web")
	app := aws.String("app")
	const invalid, missing = "InvalidParameterException", "ResourceNotFoundException"
	for name, tt := range map[string]struct {
		in            cloudwatchlogs.FilterLogEventsInput
		code, message string
	}{
		"of no group":         {cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("x")}, missing, "The specified log group does not exist."},
		"of no stream":        {cloudwatchlogs.FilterLogEventsInput{LogGroupName: app, LogStreamNames: []string{"web", "x"}}, missing, "The specified log stream does not exist."},
		"of two groups":       {cloudwatchlogs.FilterLogEventsInput{LogGroupName: app, LogGroupIdentifier: app}, "ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters."},
		"of names and prefix": {cloudwatchlogs.FilterLogEventsInput{LogGroupName: app, LogStreamNames: []string{"web"}, LogStreamNamePrefix: app}, invalid, "LogStreamNamePrefix and LogStreamNames are mutually exclusive parameters."},
		"with another token":  {cloudwatchlogs.FilterLogEventsInput{LogGroupName: app, NextToken: aws.String("x")}, invalid, "The specified nextToken is invalid."},
		"with a bad pattern":  {cloudwatchlogs.FilterLogEventsInput{LogGroupName: app, FilterPattern: aws.String("a-b")}, invalid, "Invalid character(s) in term 'a-b'"},
	} {
		_, err := w.FilterLogEvents(ctx(w), &tt.in)
		refused(t, name, err, tt.code, tt.message)
	}
	_, err := w.GetLogEvents(ctx(w), &cloudwatchlogs.GetLogEventsInput{LogGroupName: app, LogStreamName: aws.String("web"), NextToken: aws.String("f/1/s")})
	refused(t, "a stream's token", err, invalid, "The specified nextToken is invalid.")
}

// What was put is there after restarts, whatever was deleted meanwhile.
func TestEventsOutliveRestarts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		kept := map[string][]string{}
		names := []string{"a", "b", "c"}
		at := w.now()
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				name := rapid.SampledFrom(names).Draw(rt, "group")
				if kept[name] == nil {
					w.create(name, "s")
				}
				at++
				message := fmt.Sprint(at)
				w.put(name, "s", at, message)
				kept[name] = append(kept[name], message)
			},
			"delete": func(rt *rapid.T) {
				name := rapid.SampledFrom(names).Draw(rt, "group")
				if kept[name] != nil {
					must(w.DeleteLogGroup(ctx(w), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &name}))
					delete(kept, name)
				}
			},
			"restart": func(*rapid.T) { w.restart() },
			"": func(rt *rapid.T) {
				for name, want := range kept {
					if got := w.search(&cloudwatchlogs.FilterLogEventsInput{LogGroupName: &name}); !slices.Equal(got, want) {
						rt.Fatalf("%s has %q, want %q", name, got, want)
					}
				}
			},
		})
		w.Close()
	})
}

func FuzzTokens(f *testing.F) {
	w := newWorld(f)
	w.create("app", "web")
	w.put("app", "web", w.now(), lines(3)...)
	_, forward, backward := w.get(cloudwatchlogs.GetLogEventsInput{})
	f.Add(forward)
	f.Add(backward)
	f.Fuzz(func(t *testing.T, token string) {
		out, err := w.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("app"), LogStreamName: aws.String("web"), NextToken: &token})
		if err == nil && (out.NextForwardToken == nil || out.NextBackwardToken == nil) {
			t.Error("no tokens")
		}
		_, _ = w.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("app"), NextToken: &token})
	})
}
