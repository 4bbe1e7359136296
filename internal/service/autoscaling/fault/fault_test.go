package fault

import (
	"errors"
	"fmt"
	"testing"

	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
)

func TestWhatCloudWatchSaysIsTheCallersWhereItIsAboutTheMetric(t *testing.T) {
	refused := fmt.Errorf("operation error: %w", &smithy.GenericAPIError{Code: "InvalidParameterValue", Message: "no such unit"})
	broken := errors.New("connection refused")
	full := &cwtypes.LimitExceededFault{}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"an alarm that CloudWatch refuses", Alarms(refused), "ValidationException: The alarms of the policy cannot be created: no such unit"},
		{"one alarm more than there can be", Alarms(full), "LimitExceededException: The alarms of the policy cannot be created: "},
		{"alarms that cannot be reached", Alarms(broken), "FailedResourceAccessException: Unable to access the alarms of the scaling policy: connection refused"},
		{"a metric that CloudWatch refuses", Metrics(refused), "ValidationException: The metrics of the policy cannot be read: no such unit"},
		{"metrics that cannot be reached", Metrics(broken), "InternalServiceException: read the metrics of the policy: connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Said(tt.err).Error(); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestARuleBecomesASentence(t *testing.T) {
	if got := Said(Rule(errors.New("é is no number"))).Error(); got != "ValidationException: É is no number" {
		t.Error(got)
	}
}
