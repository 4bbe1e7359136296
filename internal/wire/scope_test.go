package wire

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	smithy "github.com/aws/smithy-go"
)

func authorization(key, region, service string) string {
	if region != "" {
		region += "/"
	}
	return "AWS4-HMAC-SHA256 Credential=" + key + "/20261121/" + region + service + "/aws4_request, SignedHeaders=host, Signature=00"
}

func TestTheSignatureNamesTheCell(t *testing.T) {
	s := newTestServer(t)
	for _, tt := range []struct {
		name            string
		key, region     string
		account, inside string
	}{
		{"an access key of 12 digits is an account", "210987654321", "eu-west-2", "210987654321", "eu-west-2"},
		{"any other is one of the default account", "AKIDEXAMPLE", "us-gov-west-1", "000000000000", "us-gov-west-1"},
		{"13 digits are no account", "2109876543210", "cn-north-1", "000000000000", "cn-north-1"},
		{"a signature without a region is for the default region", "AKIDEXAMPLE", "", "000000000000", "us-east-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call := withHeader(jsonCall(describeTargets, `{"ServiceNamespace":"ecs"}`), "Authorization", authorization(tt.key, tt.region, "application-autoscaling"))
			if status, _, body := s.send(t, call); status != http.StatusOK {
				t.Fatal(body)
			}
			want := Scope{Account: tt.account, Region: tt.inside, AccessKey: tt.key, Service: "application-autoscaling"}
			if s.scaling.scope != want {
				t.Errorf("scope = %+v, want %+v", s.scaling.scope, want)
			}
		})
	}
}

func TestWhatIsNoRegionReachesNoService(t *testing.T) {
	s := newTestServer(t)
	for _, region := range []string{"us-east", "US-EAST-1", "us_east_1", "us-east-1a", "us-east-100", "-east-1", "us--1", "1-2-3", "..-..-1", "us-east-1%2f", strings.Repeat("a", 40) + "-east-1", "us-\xff-1"} {
		s.scaling.scope = Scope{}
		call := withHeader(jsonCall(describeTargets, `{"ServiceNamespace":"ecs"}`), "Authorization", authorization("AKID", region, "application-autoscaling"))
		status, _, body := s.send(t, call)
		if status != http.StatusBadRequest || !strings.Contains(body, `"InvalidSignatureException"`) || !strings.Contains(body, "valid region") {
			t.Errorf("%q: status %d, %s", region, status, body)
		}
		if s.scaling.scope != (Scope{}) {
			t.Errorf("%q was resolved", region)
		}
	}
	for _, region := range []string{"us-east-1", "ap-southeast-10", "us-gov-west-1", "cn-northwest-1", "us-isob-east-1", "eusc-de-east-1", "mx-central-1"} {
		if !isRegion(region) {
			t.Errorf("%q is refused", region)
		}
	}
}

func TestAnErrorOfResolveIsTheServices(t *testing.T) {
	s := newTestServer(t)
	s.scaling.missing = &smithy.GenericAPIError{Code: "UnrecognizedClientException", Message: "The account is closed", Fault: smithy.FaultClient}
	client := applicationautoscaling.NewFromConfig(s.config())
	_, err := client.DescribeScalableTargets(context.Background(), &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: astypes.ServiceNamespaceEcs})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorMessage() != "The account is closed" {
		t.Errorf("err = %v", err)
	}
}

func TestOnlyWhatNeedsNoSignatureIsCalledWithout(t *testing.T) {
	free := ApplicationAutoScaling(always(new(fakeScaling)))
	free.unsigned = []string{"DescribeScalableTargets"}
	h, err := NewHandler(Options{Log: slog.New(slog.DiscardHandler)}, free, CloudWatch(always(new(fakeCloudWatch))))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		target string
		header string // one that browsers send
		want   int
		code   string
	}{
		{"an unsigned operation", describeTargets, "", http.StatusOK, ""},
		{"another one", tagTarget, "", http.StatusForbidden, "MissingAuthenticationTokenException"},
		{"an unsigned operation from a page that is open in a browser", describeTargets, "Sec-Fetch-Mode", http.StatusForbidden, "MissingAuthenticationTokenException"},
		{"an unsigned operation from a page in an old browser", describeTargets, "Referer", http.StatusForbidden, "AccessDeniedException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "http://localhost/", strings.NewReader(`{"ServiceNamespace":"ecs"}`))
			r.Header.Set("X-Amz-Target", tt.target)
			if tt.header != "" {
				r.Header.Set(tt.header, "navigate")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("status %d, want %d: %s", w.Code, tt.want, w.Body)
			}
			if w.Code == http.StatusForbidden && !strings.Contains(w.Body.String(), tt.code) {
				t.Error(w.Body)
			}
		})
	}
}
