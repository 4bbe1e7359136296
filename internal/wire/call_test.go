package wire

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	smithy "github.com/aws/smithy-go"
)

// serveWith is a test server with other options.
func serveWith(t *testing.T, options Options) *testServer {
	t.Helper()
	s := &testServer{ecs: new(fakeECS), cloudwatch: new(fakeCloudWatch), scaling: new(fakeScaling)}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	h, err := NewHandler(options, ECS(always(s.ecs)), CloudWatch(always(s.cloudwatch)), ApplicationAutoScaling(s.scaling.resolve))
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

const tagTarget = "AnyScaleFrontendService.TagResource"

func TestAuthorizeSeesWhatIsCalled(t *testing.T) {
	var calls []Call
	s := serveWith(t, Options{Authorize: func(_ context.Context, c Call) error {
		calls = append(calls, c)
		return nil
	}})
	status, header, body := s.send(t, jsonCall(tagTarget, `{"ResourceARN":"arn:aws:application-autoscaling:eu-west-1:000000000000:scalable-target/1","Tags":{"team":"shop"}}`))
	if status != http.StatusOK {
		t.Fatal(body)
	}
	want := []Call{{
		Scope:     Scope{Account: "000000000000", Region: "eu-west-1", AccessKey: "AKIDEXAMPLE", Service: "x"},
		Service:   "application-autoscaling",
		Operation: "TagResource",
		Protocol:  AWSJSON11,
		RequestID: header.Get("X-Amzn-Requestid"),
		Input:     &applicationautoscaling.TagResourceInput{ResourceARN: aws.String("arn:aws:application-autoscaling:eu-west-1:000000000000:scalable-target/1"), Tags: map[string]string{"team": "shop"}},
	}}
	if !reflect.DeepEqual(calls, want) {
		t.Errorf("calls = %+v, want %+v", calls, want)
	}
	s.send(t, jsonCall(tagTarget, `{}`)) // lacks what is required
	s.send(t, jsonCall("AnyScaleFrontendService.Fly", `{}`))
	if len(calls) != 1 {
		t.Errorf("asked about %d calls that cannot be made", len(calls)-1)
	}
}

func TestACallThatIsNotAllowedIsNotMade(t *testing.T) {
	refusal := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User: shop is not authorized", Fault: smithy.FaultClient}
	settled := 0
	s := serveWith(t, Options{
		Authorize: func(context.Context, Call) error { return refusal },
		Settle:    func(context.Context, string) error { settled++; return nil },
	})
	for _, tt := range []struct {
		name   string
		call   request
		status int
		code   string
	}{
		{"awsJson1.1", jsonCall(describeTargets, `{"ServiceNamespace":"ecs"}`), 400, `"AccessDeniedException"`},
		{"rpcv2Cbor", cborCall("PutMetricData", "\xa1\x69Namespace\x61A"), 403, "AccessDeniedException"},
		{"awsQuery", queryCall("Action=PutMetricData&Version=2010-08-01&Namespace=A"), 403, "<Code>AccessDenied</Code>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, _, body := s.send(t, tt.call)
			if status != tt.status || !strings.Contains(body, tt.code) || !strings.Contains(body, refusal.Message) {
				t.Errorf("status %d, %s", status, body)
			}
		})
	}
	if s.scaling.scope != (Scope{}) || s.cloudwatch.data != nil || settled > 0 {
		t.Error("the services were called")
	}
}

func TestAnswersAreSentWhenTheyAreSettled(t *testing.T) {
	var order []string
	s := serveWith(t, Options{
		Settle:  func(context.Context, string) error { order = append(order, "settled"); return nil },
		Observe: func(Answer) { order = append(order, "answered") },
	})
	expect := func(name string, call request, want ...string) {
		t.Helper()
		order = nil
		s.send(t, call)
		if !slices.Equal(order, want) {
			t.Errorf("%s: %v, want %v", name, order, want)
		}
	}
	read := jsonCall(describeTargets, `{"ServiceNamespace":"ecs"}`)
	expect("a read, which may see what another call has just changed", read, "settled", "answered")
	expect("a call that never reaches the service", jsonCall(describeTargets, `{}`), "answered")
	expect("datapoints, which are not state", cborCall("PutMetricData", "\xa1\x69Namespace\x61A"), "answered")
	s.scaling.fail = &astypes.ObjectNotFoundException{}
	expect("an error, which may tell of what another call has just deleted", read, "settled", "answered")
}

func TestACallThatWaitsToBeWrittenIsAnsweredBefore(t *testing.T) {
	written := make(chan struct{})
	var outcome []Answer
	var others atomic.Bool
	s := serveWith(t, Options{
		Waits: func(ctx context.Context, tell func(string)) context.Context {
			return context.WithValue(ctx, tellKey{}, tell)
		},
		Settle: func(ctx context.Context, _ string) error {
			if !others.Swap(true) {
				ctx.Value(tellKey{}).(func(string))("It is in effect.")
				<-written
			}
			return nil
		},
		Observe: func(a Answer) { outcome = append(outcome, a) },
	})
	status, _, body := s.send(t, jsonCall(describeTargets, `{"ServiceNamespace":"ecs"}`))
	if status != http.StatusInternalServerError && status != http.StatusServiceUnavailable || !strings.Contains(body, "It is in effect.") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, body := s.send(t, jsonCall(describeTargets, `{"ServiceNamespace":"ecs"}`)); status != http.StatusOK {
		t.Errorf("another call is answered %d %s", status, body)
	}
	close(written)
	s.Close()
	if len(outcome) != 2 || outcome[1].Status != status {
		t.Errorf("it is told of as %+v", outcome)
	}
}

type tellKey struct{}

func TestNobodyIsToldWhatCouldNotBeSettled(t *testing.T) {
	s := serveWith(t, Options{Settle: func(context.Context, string) error { return errUntyped }})
	for _, fail := range []error{nil, &astypes.ObjectNotFoundException{Message: aws.String("gone")}} {
		s.scaling.fail = fail
		status, _, body := s.send(t, jsonCall(describeTargets, `{"ServiceNamespace":"ecs"}`))
		if status != http.StatusInternalServerError || strings.Contains(body, "service/prod/web") || strings.Contains(body, "gone") {
			t.Errorf("status %d, %s", status, body)
		}
	}
}
