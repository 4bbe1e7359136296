package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A testServer is a handler with three fakes behind it.
type testServer struct {
	*httptest.Server
	ecs        *fakeECS
	cloudwatch *fakeCloudWatch
	scaling    *fakeScaling
	log        *bytes.Buffer
	calls      []Answer
}

func newTestServer(t *testing.T) *testServer {
	t.Helper()
	s := &testServer{ecs: new(fakeECS), cloudwatch: new(fakeCloudWatch), scaling: new(fakeScaling), log: new(bytes.Buffer)}
	h, err := NewHandler(Options{
		Log:     slog.New(slog.NewTextHandler(s.log, nil)),
		Observe: func(a Answer) { s.calls = append(s.calls, a) },
	}, ECS(always(s.ecs)), CloudWatch(always(s.cloudwatch)), ApplicationAutoScaling(s.scaling.resolve))
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func (s *testServer) config() aws.Config {
	c := clientConfig(s.Client())
	c.BaseEndpoint = aws.String(s.URL)
	return c
}

const testAuthorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/eu-west-1/%s/aws4_request, SignedHeaders=host, Signature=00"

// A request is one that no SDK would make.
type request struct {
	method  string // POST if empty
	path    string
	service string // of the credential scope; "-" sends no Authorization
	header  map[string]string
	body    string
}

func (s *testServer) send(t *testing.T, q request) (status int, header http.Header, body string) {
	t.Helper()
	if q.method == "" {
		q.method = http.MethodPost
	}
	r, err := http.NewRequest(q.method, s.URL+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	if q.service != "-" {
		r.Header.Set("Authorization", fmt.Sprintf(testAuthorization, q.service))
	}
	for k, v := range q.header {
		r.Header.Set(k, v)
		if k == "Host" {
			r.Host = v
		}
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func jsonCall(target, body string) request {
	return request{service: "x", body: body, header: map[string]string{"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}}
}

func cborCall(operation, body string) request {
	return request{
		service: "monitoring", path: "/service/GraniteServiceVersion20100801/operation/" + operation, body: body,
		header: map[string]string{"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"},
	}
}

func inQueryMode(call request) request {
	call.header["X-Amzn-Query-Mode"] = "true"
	return call
}

func queryCall(body string) request {
	return request{service: "monitoring", body: body, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}}
}

const (
	describeServices = "AmazonEC2ContainerServiceV20141113.DescribeServices"
	describeTargets  = "AnyScaleFrontendService.DescribeScalableTargets"
	statistics       = "Action=GetMetricStatistics&Version=2010-08-01&Namespace=A&MetricName=cpu&Period=60&StartTime=2026-01-01T00%3A00%3A00Z&EndTime=2026-01-02T00:00:00.000Z"
)

func TestClientsOfTheSDKAreServed(t *testing.T) {
	s := newTestServer(t)
	ctx := context.Background()

	services, err := ecs.NewFromConfig(s.config()).DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: aws.String("prod"), Services: []string{"web", "api"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := services.Services; len(got) != 2 || *got[1].ServiceName != "api" || got[0].DesiredCount != 3 ||
		!got[0].CreatedAt.Equal(time.Unix(1_700_000_000, 123e6)) || *got[0].Tags[0].Value != "shop" || services.Failures == nil {
		t.Errorf("services = %+v", got)
	}

	scaling := applicationautoscaling.NewFromConfig(s.config())
	targets, err := scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: astypes.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	if got := targets.ScalableTargets[0]; *got.MaxCapacity != 20 || !*got.SuspendedState.ScheduledScalingSuspended {
		t.Errorf("target = %+v", got)
	}

	for protocol, opts := range cloudwatchProtocols {
		t.Run(protocol, func(t *testing.T) {
			client := cloudwatch.NewFromConfig(s.config(), opts)
			in := &cloudwatch.PutMetricDataInput{Namespace: aws.String("Shop"), MetricData: []cwtypes.MetricDatum{{
				MetricName: aws.String("latency"), Values: []float64{0.5, math.MaxFloat64, -1e-300}, Counts: []float64{1, 2, 3},
				Timestamp: aws.Time(time.Unix(1_700_000_000, 5e6)),
			}}}
			if _, err := client.PutMetricData(ctx, in); err != nil {
				t.Fatal(err)
			}
			got := s.cloudwatch.data.MetricData[0]
			if fmt.Sprint(got.Values, got.Counts) != fmt.Sprint(in.MetricData[0].Values, in.MetricData[0].Counts) || !got.Timestamp.Equal(*in.MetricData[0].Timestamp) {
				t.Errorf("datum = %+v", got)
			}
			stats, err := client.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
				Namespace: aws.String("A"), MetricName: aws.String("x & <y>"), Period: aws.Int32(60),
				StartTime: aws.Time(time.Unix(1_700_000_000, 0)), EndTime: aws.Time(time.Unix(1_700_000_060, 0)),
			})
			if err != nil {
				t.Fatal(err)
			}
			if d := stats.Datapoints[0]; *stats.Label != "x & <y>" || *d.Average != 12.5 || d.ExtendedStatistics["p99"] != 17.25 || d.Unit != "Percent" {
				t.Errorf("statistics = %+v", d)
			}
		})
	}
}

func TestLargeRequestsComePacked(t *testing.T) {
	s := newTestServer(t)
	client := cloudwatch.NewFromConfig(s.config()) // the SDK packs bodies of 10 KiB and more
	if _, err := client.PutMetricData(context.Background(), putMetricData(1)); err != nil {
		t.Fatal(err)
	}
	if n := len(s.cloudwatch.data.MetricData); n != 1000 {
		t.Errorf("%d metrics arrived", n)
	}
}

func TestTypedErrorsReachTheClientAsTheyWere(t *testing.T) {
	s := newTestServer(t)
	ctx := context.Background()

	s.ecs.fail = &ecstypes.ClusterNotFoundException{Message: aws.String("Cluster not found.")}
	_, err := ecs.NewFromConfig(s.config()).DescribeServices(ctx, &ecs.DescribeServicesInput{Services: []string{"web"}})
	if e, ok := errors.AsType[*ecstypes.ClusterNotFoundException](err); !ok || e.ErrorMessage() != "Cluster not found." {
		t.Errorf("error = %v", err)
	}

	s.scaling.fail = &astypes.ResourceNotFoundException{Message: aws.String("No such resource"), ResourceName: aws.String("arn:x")}
	_, err = applicationautoscaling.NewFromConfig(s.config()).TagResource(ctx, &applicationautoscaling.TagResourceInput{
		ResourceARN: aws.String("arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/1"), Tags: map[string]string{"a": "b"},
	})
	if e, ok := errors.AsType[*astypes.ResourceNotFoundException](err); !ok || *e.ResourceName != "arn:x" || *e.Message != "No such resource" {
		t.Errorf("error = %v", err)
	}

	s.cloudwatch.fail = &cwtypes.DashboardInvalidInputError{
		Message:                     aws.String("The dashboard is <invalid>"),
		DashboardValidationMessages: []cwtypes.DashboardValidationMessage{{Message: aws.String("no widgets"), DataPath: aws.String("/")}},
	}
	for protocol, opts := range cloudwatchProtocols {
		_, err := cloudwatch.NewFromConfig(s.config(), opts).GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String("d")})
		e, ok := errors.AsType[*cwtypes.DashboardInvalidInputError](err)
		if !ok || e.ErrorMessage() != "The dashboard is <invalid>" || len(e.DashboardValidationMessages) != 1 {
			t.Errorf("%s: error = %v", protocol, err)
		}
	}
}

func TestErrorsHaveTheirCodeAndStatusInEveryProtocol(t *testing.T) {
	s := newTestServer(t)
	for _, tt := range []struct {
		name   string
		fail   error
		code   string
		shape  string
		status int
	}{
		{"query code differs from the shape's name", &cwtypes.InvalidParameterValueException{Message: aws.String("m")}, "InvalidParameterValue", "InvalidParameterValueException", 400},
		{"status is the model's", &cwtypes.ResourceNotFound{Message: aws.String("m")}, "ResourceNotFound", "", 404},
		{"server's fault", &cwtypes.InternalServiceFault{Message: aws.String("m")}, "InternalServiceError", "InternalServiceFault", 500},
		{"without a type", &smithy.GenericAPIError{Code: "Throttling", Message: "m"}, "Throttling", "", 400},
		{"without a type, by its query code", errGeneric, "InvalidParameterValue", "InvalidParameterValueException", 400},
		{"wrapped", fmt.Errorf("put: %w", &cwtypes.LimitExceededFault{Message: aws.String("m")}), "LimitExceeded", "LimitExceededFault", 400},
		{"not an AWS error", errUntyped, "InternalFailure", "", 500},
	} {
		for protocol, opts := range cloudwatchProtocols {
			t.Run(tt.name+"/"+protocol, func(t *testing.T) {
				s.cloudwatch.fail = tt.fail
				_, err := cloudwatch.NewFromConfig(s.config(), opts).GetDashboard(context.Background(), &cloudwatch.GetDashboardInput{DashboardName: aws.String("d")})
				// The client turns a query code into the shape's name in awsQuery,
				// and the other way about in the other protocols.
				e, ok := errors.AsType[smithy.APIError](err)
				if !ok || e.ErrorCode() != tt.code && e.ErrorCode() != tt.shape {
					t.Fatalf("error = %v, want code %s", err, tt.code)
				}
				if r, ok := errors.AsType[*smithyhttp.ResponseError](err); !ok || r.HTTPStatusCode() != tt.status {
					t.Errorf("error = %v, want status %d", err, tt.status)
				}
				if strings.Contains(err.Error(), "/var/lib") {
					t.Errorf("error tells about the server: %v", err)
				}
			})
		}
	}
	if !strings.Contains(s.log.String(), "/var/lib/flyball: permission denied") {
		t.Error("the log does not tell what failed")
	}
}

var requestID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

func TestAnswersOnTheWire(t *testing.T) {
	s := newTestServer(t)
	s.ecs.fail = nil
	for _, tt := range []struct {
		name   string
		call   request
		fail   error // of CloudWatch
		status int
		typ    string
		header map[string]string
		body   string
	}{
		{
			name: "awsJson1.1", call: jsonCall(describeTargets, `{"ServiceNamespace":"ecs"}`), status: 200, typ: "application/x-amz-json-1.1",
			body: `{"ScalableTargets":[{"CreationTime":1700000000,"MaxCapacity":20,"MinCapacity":2,"ResourceId":"service/prod/web","ServiceNamespace":"ecs","SuspendedState":{"ScheduledScalingSuspended":true}}]}`,
		},
		{
			name: "awsJson1.1 error", call: jsonCall("AmazonEC2ContainerServiceV20141113.Fly", `{}`), status: 400, typ: "application/x-amz-json-1.1",
			header: map[string]string{"X-Amzn-Errortype": "UnknownOperationException"},
			body:   `{"__type":"UnknownOperationException","message":"Unknown operation Fly"}`,
		},
		{
			name: "awsJson1.1 operation of AWS that is not here", call: jsonCall("AmazonEC2ContainerServiceV20141113.RegisterContainerInstance", `{}`), status: 400, typ: "application/x-amz-json-1.1",
			body: `{"__type":"UnknownOperationException","message":"The operation RegisterContainerInstance is not available in Flyball"}`,
		},
		{
			name: "awsQuery", call: queryCall(statistics), status: 200, typ: "text/xml",
			body: `<GetMetricStatisticsResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><GetMetricStatisticsResult><Datapoints><member>` +
				`<Average>12.5</Average><ExtendedStatistics><entry><key>p50</key><value>11.0</value></entry><entry><key>p99</key><value>17.25</value></entry></ExtendedStatistics>` +
				`<Sum>25.0</Sum><Timestamp>2026-01-01T00:00:00Z</Timestamp><Unit>Percent</Unit></member></Datapoints><Label>cpu</Label></GetMetricStatisticsResult>` +
				`<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></GetMetricStatisticsResponse>`,
		},
		{
			name: "awsQuery without a result", call: queryCall("Action=PutMetricData&Version=2010-08-01&Namespace=A"), status: 200, typ: "text/xml",
			body: `<PutMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></PutMetricDataResponse>`,
		},
		{
			name: "awsQuery with an empty result", call: queryCall("Action=TagResource&Version=2010-08-01&ResourceARN=arn:x&Tags="), status: 200, typ: "text/xml",
			body: `<TagResourceResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><TagResourceResult></TagResourceResult><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></TagResourceResponse>`,
		},
		{
			name: "awsQuery in the URL", call: request{method: "GET", path: "/?" + statistics + "&X-Amz-Date=1", service: "monitoring"}, status: 200, typ: "text/xml",
		},
		{
			name: "awsQuery told apart by its version alone", call: request{method: "GET", path: "/?" + statistics, service: "sts"}, status: 200, typ: "text/xml",
		},
		{
			name: "awsQuery error", call: queryCall("Action=GetDashboard&Version=2010-08-01&DashboardName=d"), fail: &cwtypes.DashboardNotFoundError{Message: aws.String("Dashboard d & e")}, status: 404, typ: "text/xml",
			body: `<ErrorResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><Error><Type>Sender</Type><Code>ResourceNotFound</Code><Message>Dashboard d &amp; e</Message></Error><RequestId>ID</RequestId></ErrorResponse>`,
		},
		{
			name: "awsQuery without an action", call: queryCall("Version=2010-08-01"), status: 400, typ: "text/xml",
			body: `<ErrorResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><Error><Type>Sender</Type><Code>MissingAction</Code><Message>The request must contain the parameter Action</Message></Error><RequestId>ID</RequestId></ErrorResponse>`,
		},
		{
			name: "awsQuery of another version", call: queryCall("Action=GetDashboard&Version=2009-05-15&DashboardName=d"), status: 400, typ: "text/xml",
			body: `<ErrorResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>Could not find operation GetDashboard for version 2009-05-15</Message></Error><RequestId>ID</RequestId></ErrorResponse>`,
		},
		{
			name: "awsQuery error without a message", call: queryCall("Action=GetDashboard&Version=2010-08-01&DashboardName=d"), fail: &cwtypes.ResourceNotFound{}, status: 404, typ: "text/xml",
			body: `<ErrorResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><Error><Type>Sender</Type><Code>ResourceNotFound</Code></Error><RequestId>ID</RequestId></ErrorResponse>`,
		},
		{
			name: "rpcv2Cbor", call: cborCall("PutMetricData", "\xa1\x69Namespace\x61A"), status: 200, typ: "application/cbor",
			header: map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, body: "\xbf\xff",
		},
		{
			name: "rpcv2Cbor error in query mode", call: inQueryMode(cborCall("GetDashboard", "\xbf\x6dDashboardName\x61d\xff")), fail: &cwtypes.ResourceNotFound{Message: aws.String("no")}, status: 404, typ: "application/cbor",
			header: map[string]string{"X-Amzn-Query-Error": "ResourceNotFound;Sender"},
			body:   "\xbf\x66__type\x78\x35com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound\x67message\x62no\xff",
		},
		{
			name: "rpcv2Cbor error without a message", call: cborCall("GetDashboard", "\xbf\x6dDashboardName\x61d\xff"), fail: &cwtypes.ResourceNotFound{}, status: 400, typ: "application/cbor",
			header: map[string]string{"X-Amzn-Query-Error": ""}, // the client is not in query mode
			body:   "\xbf\x66__type\x78\x35com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound\xff",
		},
		{
			name: "rpcv2Cbor unknown operation", call: inQueryMode(cborCall("Fly", "")), status: 404, typ: "application/cbor",
			header: map[string]string{"X-Amzn-Query-Error": "InvalidAction;Sender"},
		},
		{
			name: "a target that no service has", call: jsonCall("DynamoDB_20120810.ListTables", "{}"), status: 400, typ: "application/x-amz-json-1.1",
			body: `{"__type":"UnknownOperationException","message":"Unknown operation DynamoDB_20120810.ListTables"}`,
		},
		{
			name: "a protocol that the service does not speak", call: request{
				service: "ecs", path: "/service/AmazonEC2ContainerServiceV20141113/operation/ListClusters", header: map[string]string{"Smithy-Protocol": "rpc-v2-cbor"},
			}, status: 404, typ: "application/cbor",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.cloudwatch.fail = tt.fail
			status, header, body := s.send(t, tt.call)
			if status != tt.status || header.Get("Content-Type") != tt.typ {
				t.Errorf("status %d, type %s, want %d, %s", status, header.Get("Content-Type"), tt.status, tt.typ)
			}
			if !requestID.MatchString(header.Get("X-Amzn-Requestid")) {
				t.Errorf("request id = %q", header.Get("X-Amzn-Requestid"))
			}
			for name, want := range tt.header {
				if got := header.Get(name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			if got := requestID.ReplaceAllString(body, "ID"); tt.body != "" && got != tt.body {
				t.Errorf("body = %s\nwant   %s", got, tt.body)
			}
		})
	}
}

func TestAPanicIsAnInternalFailure(t *testing.T) {
	s := newTestServer(t)
	for range 2 { // the server lives on
		status, _, body := s.send(t, jsonCall("AmazonEC2ContainerServiceV20141113.ListClusters", "{}"))
		if status != 500 || !strings.Contains(body, "InternalFailure") || strings.Contains(body, "secret") {
			t.Fatalf("answer = %d %s", status, body)
		}
	}
	if !strings.Contains(s.log.String(), "secret: 42") || !strings.Contains(s.log.String(), "fakeECS") {
		t.Error("the log does not tell where it panicked")
	}
}

func TestAMethodThatReturnsNothingAnswersNothing(t *testing.T) {
	s := newTestServer(t)
	if status, _, body := s.send(t, jsonCall("AmazonEC2ContainerServiceV20141113.CreateCluster", "")); status != 200 || body != "{}" {
		t.Errorf("answer = %d %s", status, body)
	}
}

// Plans are made by whichever call comes first, and buffers are used again.
func TestCallsMayComeAtOnce(t *testing.T) {
	h, err := NewHandler(Options{Log: slog.New(slog.DiscardHandler)}, ECS(always(new(fakeECS))), CloudWatch(always(new(fakeCloudWatch))), ApplicationAutoScaling(always(new(fakeScaling))))
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{Server: httptest.NewServer(h)}
	defer s.Close()
	var calls sync.WaitGroup
	for i := range 8 {
		calls.Go(func() {
			for n := range 20 {
				name := strings.Repeat(string(rune('a'+i)), 1+n)
				if _, _, body := s.send(t, jsonCall(describeServices, `{"services":["`+name+`"]}`)); !strings.Contains(body, `"serviceName":"`+name+`"`) {
					t.Errorf("%s: %s", name, body)
				}
				if _, _, body := s.send(t, queryCall(strings.Replace(statistics, "cpu", name, 1))); !strings.Contains(body, "<Label>"+name+"</Label>") {
					t.Errorf("%s: %s", name, body)
				}
				if _, _, body := s.send(t, jsonCall(describeTargets, `{"ServiceNamespace":"`+name+`"}`)); !strings.Contains(body, "Value '"+name+"'") {
					t.Errorf("%s: %s", name, body)
				}
			}
		})
	}
	calls.Wait()
}

func TestCallsAreObserved(t *testing.T) {
	s := newTestServer(t)
	s.send(t, jsonCall(describeTargets, `{"ServiceNamespace":"ecs"}`))
	s.send(t, jsonCall("AnyScaleFrontendService.Invent/Me", `{}`))
	if len(s.calls) != 2 {
		t.Fatalf("%d calls", len(s.calls))
	}
	if c := s.calls[0]; c.Service != "application-autoscaling" || c.Operation != "DescribeScalableTargets" || c.Status != 200 || c.Code != "" || c.Protocol != AWSJSON11 || c.Duration <= 0 {
		t.Errorf("call = %+v", c)
	}
	if c := s.calls[1]; c.Operation != "" || c.Status != 400 || c.Code != "UnknownOperationException" {
		t.Errorf("call = %+v", c)
	}
}

func TestServicesMustBeServable(t *testing.T) {
	if _, err := NewHandler(Options{}, ECS(always(struct{}{}))); err == nil {
		t.Error("a service without operations is accepted")
	}
	if _, err := NewHandler(Options{}, ECS(always[any](&fakeECS{}))); err == nil {
		t.Error("a service without a type is accepted")
	}
	if _, err := NewHandler(Options{}, ECS(always(&fakeECS{})), ECS(always(&fakeECS{}))); err == nil {
		t.Error("two services of one name are accepted")
	}
	if _, err := NewHandler(Options{Region: "here"}, ECS(always(&fakeECS{}))); err == nil {
		t.Error("a default region that is none is accepted")
	}
}

func TestBadBodiesGetAWSErrors(t *testing.T) {
	s := newTestServer(t)
	deep := strings.Repeat(`{"a":`, 200)
	for _, tt := range []struct {
		name   string
		call   request
		status int
		want   string // part of the body
	}{
		{"number for a string", jsonCall(describeServices, `{"cluster":5}`), 400, `"NUMBER_VALUE can not be converted to a String (at 'cluster')"`},
		{"string for a number", jsonCall(describeTargets, `{"MaxResults":"5"}`), 400, `STRING_VALUE can not be converted to an Integer (at 'maxResults')`},
		{"number that is not whole", jsonCall(describeTargets, `{"MaxResults":1.5}`), 400, `NUMBER_VALUE can not be converted to an Integer`},
		{"number above 32 bits", jsonCall(describeTargets, `{"MaxResults":2147483648}`), 400, `NUMBER_VALUE can not be converted to an Integer`},
		{"number above 64 bits", jsonCall(describeTargets, `{"MaxResults":1e30}`), 400, `NUMBER_VALUE can not be converted to an Integer`},
		{"list for a string", jsonCall(describeServices, `{"cluster":[]}`), 400, `Start of list found where not expected.`},
		{"object for a string", jsonCall(describeServices, `{"cluster":{}}`), 400, `Start of structure or map found where not expected.`},
		{"string for a list", jsonCall(describeServices, `{"services":"web"}`), 400, `Expected list or null (at 'services')`},
		{"element of a list", jsonCall(describeServices, `{"services":["web",true]}`), 400, `TRUE_VALUE can not be converted to a String (at 'services.2.member')`},
		{"string for the whole", jsonCall(describeServices, `"web"`), 400, `Expected structure or null`},
		{"not JSON", jsonCall(describeServices, `{cluster}`), 400, `SerializationException`},
		{"no value of an enum of ECS", jsonCall(describeServices, `{"services":["a"],"include":["x"]}`), 400, `"InvalidParameterException","message":"include should be one of [TAGS]"`},
		{"JSON that is said to be something else", request{service: "ecs", body: "{}", header: map[string]string{"X-Amz-Target": describeServices, "Content-Type": "text/plain"}}, 404, `"UnknownOperationException","message":"The Content-Type of DescribeServices has to be application/x-amz-json-1.1 or 1.0, and is text/plain"`},
		{"half of JSON", jsonCall(describeServices, `{"cluster":"a"`), 400, `SerializationException`},
		{"more than JSON", jsonCall(describeServices, `{} {}`), 400, `Unexpected data after the request`},
		{"invalid UTF-8", jsonCall(describeServices, "{\"cluster\":\"\xff\"}"), 400, `Invalid UTF-8`},
		{"deep in a member that nobody knows", jsonCall(describeServices, deep), 400, `nested too deeply`},
		{"not CBOR", cborCall("PutMetricData", "\xff"), 400, "SerializationException"},
		{"CBOR that ends early", cborCall("PutMetricData", "\xa1\x69Namespace\x7a\xff\xff\xff\xff"), 400, "SerializationException"},
		{"CBOR of an impossible length", cborCall("PutMetricData", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff"), 400, "SerializationException"},
		{"query: number", queryCall("Action=GetMetricStatistics&Version=2010-08-01&Period=five"), 400, "<Code>MalformedInput</Code><Message>STRING_VALUE can not be converted to an Integer (at &apos;period"},
		{"query: time", queryCall("Action=GetMetricStatistics&Version=2010-08-01&StartTime=yesterday"), 400, "<Code>MalformedInput</Code><Message>timestamp must follow ISO8601"},
		{"query: float", queryCall("Action=PutMetricData&Version=2010-08-01&MetricData.member.1.Value=0x1p4"), 400, "metricData.1.member.value"},
		{"query: list without a number", queryCall("Action=PutMetricData&Version=2010-08-01&MetricData.member.x.Value=1"), 400, "MalformedInput"},
		{"query: escape", queryCall("Action=%zz"), 400, "<Code>MalformedQueryString</Code>"},
		{"query: deep", queryCall("Action=PutMetricData&a" + strings.Repeat(".a", 500) + "=1"), 400, "nested too deeply"},
		{"query: too many parameters", queryCall("Action=PutMetricData" + manyParams()), 413, "too many parameters"},
		{"too large", jsonCall(describeServices, strings.Repeat(" ", defaultMaxBody+1)), 413, "RequestEntityTooLarge"},
		{"too large for CloudWatch", queryCall(strings.Repeat("a", 1<<20+1)), 413, "RequestEntityTooLarge"},
		{"too many elements", jsonCall(describeServices, `{"services":[`+strings.Repeat("1,", 10)+`1]}`), 400, "NUMBER_VALUE"},
		{"another encoding", withHeader(jsonCall(describeServices, "{}"), "Content-Encoding", "br"), 400, "gzip"},
		{"not gzip", withHeader(jsonCall(describeServices, "{}"), "Content-Encoding", "gzip"), 400, "not valid gzip"},
		{"a gzip bomb", withHeader(jsonCall(describeServices, packed(64<<20)), "Content-Encoding", "gzip"), 413, "RequestEntityTooLarge"},
		{"unknown members are ignored", jsonCall(describeServices, `{"services":["a"],"wings":{"left":[1,{"x":null}],"right":"\u00e9\ud83d\ude00"}}`), 200, `"serviceName":"a"`},
		{"nulls are absent", jsonCall(describeServices, `{"services":["a"],"cluster":null}`), 200, `"serviceName":"a"`},
		{"a whole number with a fraction", jsonCall(describeTargets, `{"ServiceNamespace":"ecs","MaxResults":5.0}`), 200, "ScalableTargets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, _, body := s.send(t, tt.call)
			body = strings.ReplaceAll(body, "'", "&apos;")
			if want := strings.ReplaceAll(tt.want, "'", "&apos;"); status != tt.status || !strings.Contains(body, want) {
				t.Errorf("answer = %d %.300s, want %d with %s", status, body, tt.status, want)
			}
		})
	}
}

func withHeader(q request, name, value string) request {
	q.header[name] = value
	return q
}

// manyParams is more parameters than are taken, in less than CloudWatch's body.
func manyParams() string {
	var b strings.Builder
	for i := range maxParams {
		fmt.Fprintf(&b, "&%s", string([]byte{byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676%26), byte('a' + i/17576)}))
	}
	return b.String()
}

// packed is gzip of n zero bytes.
func packed(n int) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(make([]byte, n))
	w.Close()
	return b.String()
}

func TestAListCannotTakeMoreMemoryThanAllowed(t *testing.T) {
	h, err := NewHandler(Options{}, CloudWatch(always(new(sink))))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/service/GraniteServiceVersion20100801/operation/PutMetricData",
		strings.NewReader("\xa1\x6aMetricData\x9a\x00\x0f\x00\x00"+strings.Repeat("\xa0", 0xf0000)))
	r.Host = "localhost"
	r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	r.Header.Set("Authorization", fmt.Sprintf(testAuthorization, "monitoring"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status = %d, want 413", w.Code)
	}
}
