package deliver_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/deliver"
)

func TestMessagesGoToTheServiceOfTheirARN(t *testing.T) {
	var r deliver.Router
	var got []string
	for _, service := range []string{"autoscaling", "lambda"} {
		r.Handle(service, func(_ context.Context, to arn.ARN, message any) error {
			got = append(got, service+" "+to.Region+" "+message.(string))
			return nil
		})
	}
	if err := r.Deliver(t.Context(), "arn:aws:lambda:eu-west-2:123456789012:function:f", "m"); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != "lambda eu-west-2 m" {
		t.Error(got)
	}
	for _, to := range []string{"arn:aws:sns:eu-west-2:123456789012:t", "t"} {
		if r.Deliver(t.Context(), to, "m") == nil {
			t.Errorf("%s took it", to)
		}
	}
}
