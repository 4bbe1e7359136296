package lambda_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/clock"
	"flyball/internal/function"
	"flyball/internal/service/lambda"
	"flyball/metric"
)

func TestWhatBecomesOfEventsIsSetAndChanged(t *testing.T) {
	w := open(t)
	w.create("f")
	put, err := w.PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), MaximumEventAgeInSeconds: aws.Int32(60)})
	ok(t, err)
	if *put.FunctionArn != functionARN+"f:$LATEST" || *put.MaximumEventAgeInSeconds != 60 || put.MaximumRetryAttempts != nil || put.DestinationConfig.OnFailure.Destination != nil {
		t.Errorf("put is %+v", put)
	}
	changed, err := w.UpdateFunctionEventInvokeConfig(t.Context(), &sdk.UpdateFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), MaximumRetryAttempts: aws.Int32(1)})
	ok(t, err)
	if *changed.MaximumEventAgeInSeconds != 60 || *changed.MaximumRetryAttempts != 1 {
		t.Errorf("changed is %+v", changed)
	}
	w.restart()
	list, err := w.ListFunctionEventInvokeConfigs(t.Context(), &sdk.ListFunctionEventInvokeConfigsInput{FunctionName: aws.String("f")})
	ok(t, err)
	if len(list.FunctionEventInvokeConfigs) != 1 || *list.FunctionEventInvokeConfigs[0].MaximumRetryAttempts != 1 {
		t.Errorf("listed are %+v", list.FunctionEventInvokeConfigs)
	}
	_, err = w.DeleteFunctionEventInvokeConfig(t.Context(), &sdk.DeleteFunctionEventInvokeConfigInput{FunctionName: aws.String("f")})
	ok(t, err)
	_, err = w.GetFunctionEventInvokeConfig(t.Context(), &sdk.GetFunctionEventInvokeConfigInput{FunctionName: aws.String("f")})
	wants(t, err, "ResourceNotFoundException", "The function "+functionARN+"f:$LATEST doesn't have an EventInvokeConfig")
}

func TestDestinationsThatAreNoneAreRefused(t *testing.T) {
	w := open(t)
	w.create("f")
	for to, message := range map[string]string{
		functionARN + "f":                      "You can't specify the function as a destination for itself.",
		functionARN + "g":                      "The destination ARN " + functionARN + "g is invalid.",
		"arn:aws:iam:eu-west-2:123456789012:f": "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam:eu-west-2:123456789012:f), onFailure=null) is invalid.",
		"arn:aws:sns:eu-west-2:123456789012:t": "Flyball does not support destinations in sns.",
	} {
		_, err := w.PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{
			FunctionName: aws.String("f"), DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: &to}},
		})
		wants(t, err, "InvalidParameterValueException", message)
	}
	_, err := w.PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("f")})
	wants(t, err, "InvalidParameterValueException", "You must specify at least one of error handling or destination setting.")
	_, err = w.PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("g"), MaximumRetryAttempts: aws.Int32(0)})
	wants(t, err, "ResourceNotFoundException", "The function doesn't exist.")
}

func TestTagsAreOfFunctions(t *testing.T) {
	w := open(t)
	w.create("f", func(in *sdk.CreateFunctionInput) { in.Tags = map[string]string{"a": "1"} })
	arn := functionARN + "f"
	revision := func() string {
		f, err := w.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: &arn})
		ok(t, err)
		return *f.RevisionId
	}
	before := revision()
	_, err := w.TagResource(t.Context(), &sdk.TagResourceInput{Resource: &arn, Tags: map[string]string{"b": "2"}})
	ok(t, err)
	if revision() == before {
		t.Error("a function with another tag has the revision that it had")
	}
	_, err = w.UntagResource(t.Context(), &sdk.UntagResourceInput{Resource: &arn, TagKeys: []string{"a"}})
	ok(t, err)
	w.restart()
	list, err := w.ListTags(t.Context(), &sdk.ListTagsInput{Resource: &arn})
	ok(t, err)
	if len(list.Tags) != 1 || list.Tags["b"] != "2" {
		t.Errorf("the tags are %v", list.Tags)
	}
	_, err = w.TagResource(t.Context(), &sdk.TagResourceInput{Resource: aws.String(arn + ":1"), Tags: map[string]string{"b": "2"}})
	wants(t, err, "InvalidParameterValueException", "Tags on function aliases and versions are not supported. Please specify a function ARN.")
}

// samples are what was recorded.
type samples []metric.Sample

func (s *samples) Record(more []metric.Sample) { *s = append(*s, more...) }

// of is what was recorded of a metric with dimensions, given as NAME=VALUE.
func (s samples) of(name string, dimensions ...string) (set metric.Set) {
	for _, one := range s {
		var have []string
		for _, d := range one.Metric.Dimensions {
			have = append(have, d.Name+"="+d.Value)
		}
		if one.Metric.Namespace == "AWS/Lambda" && one.Metric.Name == name && strings.Join(have, " ") == strings.Join(dimensions, " ") {
			set.Merge(one.Set)
		}
	}
	return set
}

func TestInvocationsAreMeasured(t *testing.T) {
	w := open(t)
	var recorded samples
	w.config.Metrics = &recorded
	w.cell.Clock = clock.New(time.Now().Truncate(time.Minute), 1)
	w.restart()
	w.create("f")
	w.publish("f")
	_, err := w.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	ok(t, err)
	_, err = w.invoke("f", "{}")
	ok(t, err)
	w.runner.answer = func(function.Function, function.Call) (function.Answer, error) { return failing("no"), nil }
	_, err = w.invoke("f:live", "{}")
	ok(t, err)
	_, err = w.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0)})
	ok(t, err)
	if _, err := w.invoke("f", "{}"); err == nil {
		t.Error("it was not throttled")
	}
	stop(w.API)
	for _, tt := range []struct {
		metric     string
		dimensions []string
		count, sum float64
	}{
		{"Invocations", nil, 2, 2},
		{"Invocations", []string{"FunctionName=f"}, 2, 2},
		{"Invocations", []string{"FunctionName=f", "Resource=f"}, 1, 1},
		{"Invocations", []string{"FunctionName=f", "Resource=f:live"}, 1, 1},
		{"Errors", []string{"FunctionName=f"}, 2, 1},
		{"Throttles", []string{"FunctionName=f"}, 1, 1},
		{"Duration", []string{"FunctionName=f"}, 2, 12},
		{"ConcurrentExecutions", []string{"FunctionName=f"}, 2, 2},
		{"UnreservedConcurrentExecutions", nil, 2, 2},
	} {
		if got := recorded.of(tt.metric, tt.dimensions...); got.Count != tt.count || got.Sum != tt.sum {
			t.Errorf("%s %v: count %v, sum %v; want %v, %v", tt.metric, tt.dimensions, got.Count, got.Sum, tt.count, tt.sum)
		}
	}
}

// stop has a service hand on what it has measured.
func stop(a *lambda.API) {
	ended, end := context.WithCancel(context.Background())
	end()
	_ = a.Run(ended)
}
