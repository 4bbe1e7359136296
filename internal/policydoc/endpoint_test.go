package policydoc_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"flyball/internal/policydoc"
)

// fetch reads the documents of a server that has one target and says of its tags what it is told to.
func fetch(t *testing.T, tags http.HandlerFunc) (policydoc.Documents, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		switch {
		case strings.HasSuffix(r.URL.Path, "/operation/DescribeAlarms"):
			w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
			w.Header().Set("Content-Type", "application/cbor")
			_, _ = w.Write([]byte{0xa0}) // an empty map
		case operation == "ListTagsForResource":
			tags(w, r)
		case operation == "DescribeScalableTargets":
			fmt.Fprint(w, `{"ScalableTargets": [{"ResourceId": "service/shop/web", "MinCapacity": 1, "MaxCapacity": 9,
				"ScalableTargetARN": "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/1"}]}`)
		default:
			fmt.Fprint(w, `{}`)
		}
	}))
	t.Cleanup(server.Close)
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		RetryMaxAttempts: 1,
	}
	return policydoc.Fetch(t.Context(), applicationautoscaling.NewFromConfig(config), cloudwatch.NewFromConfig(config))
}

func TestTheTagsOfAServersTargetsAreRead(t *testing.T) {
	d, err := fetch(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"Tags": {"flyball:scale-out-datapoints": "2", "team": "shop"}}`)
	})
	if err != nil || d.Tags["service/shop/web"]["flyball:scale-out-datapoints"] != "2" || len(d.Notes) > 0 {
		t.Errorf("%v, %v: %v", d.Tags, d.Notes, err)
	}
}

func TestTagsThatMayNotBeReadAreToldOf(t *testing.T) {
	d, err := fetch(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type": "AccessDeniedException", "Message": "no"}`)
	})
	if err != nil || len(d.Targets) != 1 || len(d.Tags) > 0 || len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "allow application-autoscaling:ListTagsForResource") {
		t.Errorf("%v, %v: %v", d.Tags, d.Notes, err)
	}
}

func TestTagsThatCannotBeReadAreAnError(t *testing.T) {
	_, err := fetch(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type": "ValidationException", "Message": "no"}`)
	})
	if err == nil || !strings.Contains(err.Error(), "read the tags of service/shop/web") {
		t.Errorf("%v", err)
	}
}
