package wire

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	smithy "github.com/aws/smithy-go"
)

// fakeLambda keeps what it was given.
type fakeLambda struct {
	in   any
	out  lambda.InvokeOutput
	fail error
}

func (f *fakeLambda) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	f.in = in
	return &f.out, f.fail
}

func (f *fakeLambda) InvokeAsync(_ context.Context, in *lambda.InvokeAsyncInput, _ ...func(*lambda.Options)) (*lambda.InvokeAsyncOutput, error) {
	args, err := io.ReadAll(in.InvokeArgs)
	f.in = string(args)
	return &lambda.InvokeAsyncOutput{Status: 202}, err
}

func (f *fakeLambda) ListFunctions(_ context.Context, in *lambda.ListFunctionsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
	f.in = in
	return &lambda.ListFunctionsOutput{Functions: []lambdatypes.FunctionConfiguration{}}, f.fail
}

func (f *fakeLambda) UpdateFunctionCode(_ context.Context, in *lambda.UpdateFunctionCodeInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionCodeOutput, error) {
	f.in = in
	return &lambda.UpdateFunctionCodeOutput{}, f.fail
}

func (f *fakeLambda) DeleteAlias(_ context.Context, in *lambda.DeleteAliasInput, _ ...func(*lambda.Options)) (*lambda.DeleteAliasOutput, error) {
	f.in = in
	return &lambda.DeleteAliasOutput{}, f.fail
}

// fakeScheduler keeps what it was given.
type fakeScheduler struct {
	in   any
	fail error
}

func (f *fakeScheduler) GetSchedule(_ context.Context, in *scheduler.GetScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error) {
	f.in = in
	return &scheduler.GetScheduleOutput{
		StartDate: aws.Time(time.UnixMilli(1_700_000_000_500).UTC()),
		Target:    &schedulertypes.Target{EcsParameters: &schedulertypes.EcsParameters{CapacityProviderStrategy: []schedulertypes.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE")}}}},
	}, f.fail
}

func (f *fakeScheduler) UntagResource(_ context.Context, in *scheduler.UntagResourceInput, _ ...func(*scheduler.Options)) (*scheduler.UntagResourceOutput, error) {
	f.in = in
	return nil, f.fail
}

// restRequest is a call as a client of a service sends it.
func restRequest(service, method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Authorization", strings.ReplaceAll(testAuthorization, "%s", service))
	return r
}

func restHandler(t testing.TB, f *fakeLambda, s *fakeScheduler, opts Options) http.Handler {
	t.Helper()
	opts.Log = slog.New(slog.DiscardHandler)
	h, err := NewHandler(opts, CloudWatch(always(new(fakeCloudWatch))), Lambda(always(f)), Scheduler(always(s)))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRESTMembersAreFoundInAllPartsOfARequest(t *testing.T) {
	for _, tt := range []struct {
		name, service, method, target, body string
		header                              map[string]string
		want                                any
	}{
		{
			"an ARN in a label, headers, and the body as it is", "lambda", "POST",
			"/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Aweb/invocations?Qualifier=live", "not JSON",
			map[string]string{"X-Amz-Invocation-Type": "Event", "x-amz-client-context": "e30="},
			&lambda.InvokeInput{
				FunctionName: aws.String("arn:aws:lambda:eu-west-1:000000000000:function:web"), Qualifier: aws.String("live"),
				InvocationType: lambdatypes.InvocationTypeEvent, ClientContext: aws.String("e30="), Payload: []byte("not JSON"),
			},
		},
		{
			"no payload", "lambda", "POST", "/2015-03-31/functions/web/invocations", "", nil,
			&lambda.InvokeInput{FunctionName: aws.String("web")},
		},
		{
			"a slash at the end of the path", "lambda", "GET", "/2015-03-31/functions/?MaxItems=7&Marker=a%2Bb+c", "", nil,
			&lambda.ListFunctionsInput{MaxItems: aws.Int32(7), Marker: aws.String("a+b c")},
		},
		{
			"a member of the path that the body has, too", "lambda", "PUT", "/2015-03-31/functions/web/code", `{"FunctionName":"other","ZipFile":"AAE=","DryRun":true}`, nil,
			&lambda.UpdateFunctionCodeInput{FunctionName: aws.String("web"), ZipFile: []byte{0, 1}, DryRun: true},
		},
		{
			"a blob that streams", "lambda", "POST", "/2014-11-13/functions/web/invoke-async/", `{"a":1}`, nil, `{"a":1}`,
		},
		{
			"a body that no member has", "lambda", "DELETE", "/2015-03-31/functions/web/aliases/live", "{{{", nil,
			&lambda.DeleteAliasInput{FunctionName: aws.String("web"), Name: aws.String("live")},
		},
		{
			"a slash in a label, and a list in the query", "scheduler", "DELETE", "/tags/arn%3Aaws%3Ascheduler%3Aeu-west-1%3A000000000000%3Aschedule-group%2Fshop?TagKeys=a&TagKeys=b%2Cc", "", nil,
			&scheduler.UntagResourceInput{ResourceArn: aws.String("arn:aws:scheduler:eu-west-1:000000000000:schedule-group/shop"), TagKeys: []string{"a", "b,c"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, s := new(fakeLambda), new(fakeScheduler)
			r := restRequest(tt.service, tt.method, tt.target, tt.body)
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			restHandler(t, f, s, Options{}).ServeHTTP(w, r)
			got := f.in
			if got == nil {
				got = s.in
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v; answer %d %s", got, tt.want, w.Code, w.Body)
			}
		})
	}
}

func TestRESTAnswersHaveTheirOwnStatusHeadersAndBody(t *testing.T) {
	for _, tt := range []struct {
		name                    string
		service, method, target string
		out                     lambda.InvokeOutput
		status                  int
		header                  map[string]string
		body                    string
	}{
		{
			"a payload as it is, beside headers", "lambda", "POST", "/2015-03-31/functions/web/invocations",
			lambda.InvokeOutput{StatusCode: 200, FunctionError: aws.String("Unhandled"), ExecutedVersion: aws.String("$LATEST"), Payload: []byte("not JSON")},
			200, map[string]string{"X-Amz-Function-Error": "Unhandled", "X-Amz-Executed-Version": "$LATEST", "Content-Length": "8"}, "not JSON",
		},
		{
			"a status that the output says", "lambda", "POST", "/2015-03-31/functions/web/invocations",
			lambda.InvokeOutput{StatusCode: 202}, 202, map[string]string{"Content-Length": "0", "X-Amz-Function-Error": ""}, "",
		},
		{
			"nothing at all", "lambda", "POST", "/2015-03-31/functions/web/invocations",
			lambda.InvokeOutput{StatusCode: 204}, 204, map[string]string{"Content-Length": ""}, "",
		},
		{
			"the status of the model", "lambda", "DELETE", "/2015-03-31/functions/web/aliases/live",
			lambda.InvokeOutput{}, 204, map[string]string{"Content-Length": ""}, "",
		},
		{
			"seconds, and names that are not the SDK's", "scheduler", "GET", "/schedules/web",
			lambda.InvokeOutput{}, 200, map[string]string{"Content-Type": "application/json"},
			`{"StartDate":1700000000.5,"Target":{"EcsParameters":{"CapacityProviderStrategy":[{"base":0,"capacityProvider":"FARGATE","weight":0}]}}}`,
		},
		{
			"no members", "scheduler", "DELETE", "/tags/arn?TagKeys=a", lambda.InvokeOutput{}, 200, nil, "{}",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := restHandler(t, &fakeLambda{out: tt.out}, new(fakeScheduler), Options{})
			for _, op := range h.(*handler).services[2].ops() {
				op.unchecked = true // the ARN is short
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, restRequest(tt.service, tt.method, tt.target, ""))
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("got %d %s\nwant %d %s", w.Code, w.Body, tt.status, tt.body)
			}
			for name, value := range tt.header {
				if got := w.Header().Get(name); got != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
		})
	}
}

func TestRESTErrorsAreThoseOfEachService(t *testing.T) {
	invoke := "/2015-03-31/functions/web/invocations"
	for _, tt := range []struct {
		name                          string
		service, method, target, body string
		fail                          error
		status                        int
		code, want                    string
	}{
		{
			"Lambda's own", "lambda", "POST", invoke, "", &lambdatypes.ResourceNotFoundException{Message: aws.String("Function not found"), Type: aws.String("User")},
			404, "ResourceNotFoundException", `{"Message":"Function not found","Type":"User"}`,
		},
		{
			"Lambda's with a small message", "lambda", "POST", invoke, "", &lambdatypes.InvalidParameterValueException{Message: aws.String("No."), Type: aws.String("User")},
			400, "InvalidParameterValueException", `{"message":"No.","Type":"User"}`,
		},
		{
			"members beside the message", "lambda", "POST", invoke, "",
			&lambdatypes.TooManyRequestsException{Message: aws.String("Rate Exceeded."), Reason: lambdatypes.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded, RetryAfterSeconds: aws.String("1"), Type: aws.String("User")},
			429, "TooManyRequestsException", `{"message":"Rate Exceeded.","Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User"}`,
		},
		{
			"a value that the model refuses", "lambda", "GET", "/2015-03-31/functions?MaxItems=0", "", nil,
			400, "ValidationException", `{"message":"1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"}`,
		},
		{
			"a body that is not JSON", "lambda", "PUT", "/2015-03-31/functions/web/code", "{{{", nil,
			400, "InvalidRequestContentException", `{"message":"Could not parse request body into json: The request body is not valid JSON"}`,
		},
		{
			"a payload far over 6 MB", "lambda", "POST", invoke, strings.Repeat("x", 8<<20+1), nil,
			413, "RequestEntityTooLargeException", `{"message":"Request must be smaller than 8388608 bytes for the Invoke operation"}`,
		},
		{
			"an archive over 50 MB", "lambda", "PUT", "/2015-03-31/functions/web/code", strings.Repeat("x", 70_167_212), nil,
			413, "RequestEntityTooLargeException", `{"message":"Request must be smaller than 70167211 bytes for the UpdateFunctionCode operation"}`,
		},
		{
			"the Scheduler's own", "scheduler", "GET", "/schedules/web", "", &schedulertypes.ResourceNotFoundException{Message: aws.String("Schedule web does not exist.")},
			404, "ResourceNotFoundException", `{"Message":"Schedule web does not exist."}`,
		},
		{
			"the Scheduler's without a type", "scheduler", "GET", "/schedules/web", "", &smithy.GenericAPIError{Code: "ServiceQuotaExceededException", Message: "Full."},
			402, "ServiceQuotaExceededException", `{"Message":"Full."}`,
		},
		{
			"a name that the model refuses", "scheduler", "GET", "/schedules/a%20b", "", nil,
			400, "ValidationException", `{"Message":"1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$"}`,
		},
		{
			"what a policy does not allow", "scheduler", "GET", "/schedules/web", "", &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "No."},
			403, "AccessDeniedException", `{"message":"No."}`,
		},
		{
			"a path that nobody knows", "lambda", "GET", "/2015-03-31/aeroplanes", "", nil,
			404, "UnknownOperationException", `{"message":"Unknown operation GET /2015-03-31/aeroplanes"}`,
		},
		{
			"an operation that is not served", "lambda", "GET", "/2018-10-31/layers", "", nil,
			404, "UnknownOperationException", `{"message":"The operation ListLayers is not available in Flyball"}`,
		},
		{
			"a query that is not one", "lambda", "GET", "/2015-03-31/functions?a=%zz", "", nil,
			400, "SerializationException", `{"message":"The query string is not well-formed"}`,
		},
		{
			"a number that is none", "scheduler", "GET", "/schedules?MaxResults=x", "", nil,
			404, "UnknownOperationException", `{"message":"The operation ListSchedules is not available in Flyball"}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			restHandler(t, &fakeLambda{fail: tt.fail}, &fakeScheduler{fail: tt.fail}, Options{}).ServeHTTP(w, restRequest(tt.service, tt.method, tt.target, tt.body))
			if w.Code != tt.status || w.Header().Get("X-Amzn-Errortype") != tt.code || w.Body.String() != tt.want {
				t.Errorf("got %d %s %s\nwant %d %s %s", w.Code, w.Header().Get("X-Amzn-Errortype"), w.Body, tt.status, tt.code, tt.want)
			}
			if tt.code == "TooManyRequestsException" && w.Header().Get("Retry-After") != "1" {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

func TestRESTCallsFromWebPagesAreRefused(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"foreign origin":       header("Origin", "https://evil.example"),
		"no signature":         func(r *http.Request) { r.Header.Del("Authorization") },
		"unknown host":         func(r *http.Request) { r.Host = "evil.example" },
		"signed URL in a page": func(r *http.Request) { signURL(r); r.Header.Set("Referer", "https://evil.example/") },
		"signed URL opened":    func(r *http.Request) { signURL(r); r.Header.Set("Sec-Fetch-Mode", "navigate") },
	} {
		f := new(fakeLambda)
		r := restRequest("lambda", "POST", "/2015-03-31/functions/web/invocations", "{}")
		change(r)
		w := httptest.NewRecorder()
		restHandler(t, f, nil, Options{}).ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || f.in != nil {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func signURL(r *http.Request) {
	r.Header.Del("Authorization")
	r.URL.RawQuery = strings.Replace(signedQuery[1:], "monitoring", "lambda", 1)
}

func TestRESTDoesNotBelieveAKeyThatIsNotKnown(t *testing.T) {
	w := httptest.NewRecorder()
	restHandler(t, nil, nil, Options{Admit: nobody}).ServeHTTP(w, restRequest("scheduler", "GET", "/schedules/web", ""))
	if w.Code != http.StatusForbidden || w.Header().Get("X-Amzn-Errortype") != "UnrecognizedClientException" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// A literal comes before a label, a label before a greedy one, and what the query has
// to say before what it need not.
func TestRoutesPreferWhatSaysMore(t *testing.T) {
	routes := routesOf(&model{HTTP: map[string]binding{
		"Get":     {"GET", "/things/{Name}", 200},
		"List":    {"GET", "/things/list", 200},
		"Find":    {"GET", "/things/{Name}?find=it", 200},
		"Objects": {"GET", "/things/{Name}/{Key+}", 200},
		"Parts":   {"GET", "/things/{Name}/{Key+}/parts", 200},
		"Owner":   {"GET", "/things/{Name}/owner", 200},
		"Root":    {"GET", "/", 200},
	}})
	for _, tt := range []struct {
		method, path, query string
		want                string
		labels              map[string]string
	}{
		{"GET", "/things/a", "", "Get", map[string]string{"Name": "a"}},
		{"GET", "/things/a/", "", "Get", map[string]string{"Name": "a"}},
		{"GET", "/things/list", "", "List", nil},
		{"GET", "/things/list%20", "", "Get", map[string]string{"Name": "list "}},
		{"GET", "/things/a%2Fb", "", "Get", map[string]string{"Name": "a/b"}},
		{"GET", "/things/a", "find=it", "Find", map[string]string{"Name": "a"}},
		{"GET", "/things/a", "find=her", "Get", map[string]string{"Name": "a"}},
		{"GET", "/things/a/owner", "", "Owner", map[string]string{"Name": "a"}},
		{"GET", "/things/a/b/c%2Fd/e", "", "Objects", map[string]string{"Name": "a", "Key": "b/c/d/e"}},
		{"GET", "/things/a/b/c/parts", "", "Parts", map[string]string{"Name": "a", "Key": "b/c"}},
		{"GET", "/things/a/parts", "", "Objects", map[string]string{"Name": "a", "Key": "parts"}},
		{"GET", "/", "", "Root", nil},
		{"POST", "/things/a", "", "", nil},
		{"GET", "/things", "", "", nil},
		{"GET", "/things//owner", "", "", nil},
		{"GET", "/others/a", "", "", nil},
	} {
		query, _ := url.ParseQuery(tt.query)
		got, labels := find(routes, tt.method, segments(tt.path), query)
		if got != tt.want || !maps.Equal(labels, tt.labels) {
			t.Errorf("%s %s?%s: %s %v, want %s %v", tt.method, tt.path, tt.query, got, labels, tt.want, tt.labels)
		}
	}
}

// Each operation is found at its own URI.
func TestEveryRouteLeadsToItsOperation(t *testing.T) {
	for _, service := range restServices {
		m, err := loadModel(service)
		if err != nil || len(m.HTTP) == 0 {
			t.Fatalf("%s: %d operations, %v", service, len(m.HTTP), err)
		}
		routes := routesOf(m)
		for operation, b := range m.HTTP {
			path, rawQuery, _ := strings.Cut(b.URI, "?")
			query, err := url.ParseQuery(rawQuery)
			if err != nil {
				t.Errorf("%s: %v", operation, err)
			}
			path = strings.NewReplacer("{", "arn%3Aof%2F", "}", "").Replace(path)
			if got, _ := find(routes, b.Method, segments(path), query); got != operation {
				t.Errorf("%s leads to %q", operation, got)
			}
		}
	}
}

// The places that neither Lambda nor the Scheduler uses, and all kinds of values in them.
type (
	GetFunctionInput struct {
		Key      *string
		Since    *time.Time
		Ratio    *float64
		Deep     *bool
		Numbers  []int32
		Names    []string
		Labels   map[string]string
		Lists    map[string][]string
		Modified *time.Time
		Body     *inner
	}
	GetFunctionOutput struct {
		Modified *time.Time
		Raw      []byte
		Numbers  []int32
		Deep     *bool
		Ratio    *float64
		Labels   map[string]string
		Status   *int32
		Body     *inner
	}
	inner struct{ A *string }
)

type fakePlaces struct {
	in  *GetFunctionInput
	out GetFunctionOutput
}

func (f *fakePlaces) GetFunction(_ context.Context, in *GetFunctionInput, _ ...func(*struct{})) (*GetFunctionOutput, error) {
	f.in = in
	return &f.out, nil
}

func placesModel() *model {
	at := func(in, name string) member { return member{In: in, Name: name} }
	return &model{
		Operations: map[string]string{"GetFunction": "In"}, Outputs: map[string]string{"GetFunction": "Out"},
		HTTP: map[string]binding{"GetFunction": {"PUT", "/x/{Key+}", 201}},
		Shapes: map[string]shape{
			"In": {Members: map[string]member{
				"Key": at("uri", ""), "Since": at("querystring", "since"), "Ratio": at("querystring", "ratio"), "Deep": at("querystring", "deep"),
				"Numbers": at("querystring", "n"), "Lists": at("querystring", ""), "Names": at("header", "X-Names"),
				"Labels": at("headers", "X-Meta-"), "Modified": at("header", "If-Modified-Since"), "Body": at("payload", ""),
			}},
			"Out": {Members: map[string]member{
				"Modified": at("header", "Last-Modified"), "Raw": at("header", "X-Raw"), "Numbers": at("header", "X-Numbers"), "Deep": at("header", "X-Deep"),
				"Ratio": at("header", "X-Ratio"), "Labels": at("headers", "X-Meta-"), "Status": at("statusCode", ""), "Body": at("payload", ""),
			}},
		},
	}
}

func TestRESTPlacesThatFewServicesUse(t *testing.T) {
	when := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	f := &fakePlaces{out: GetFunctionOutput{
		Modified: &when, Raw: []byte{1, 2}, Numbers: []int32{1, 2}, Deep: aws.Bool(true), Ratio: aws.Float64(0.5),
		Labels: map[string]string{"team": "shop"}, Body: &inner{A: aws.String("b")},
	}}
	h, err := NewHandler(Options{Log: slog.New(slog.DiscardHandler)}, serve(Service{name: "lambda", protocols: []Protocol{RESTJSON}}, always(f)))
	if err != nil {
		t.Fatal(err)
	}
	h.(*handler).services[0].model = placesModel
	r := restRequest("lambda", "PUT", "/x/a/b%2Fc?since=2026-11-26T10:00:00Z&ratio=0.5&deep=true&n=1&n=2&other=y&other=z", `{"A":"b"}`)
	r.Header.Add("X-Names", "a, b")
	r.Header.Add("X-Names", "c")
	r.Header.Set("X-Meta-Team", "shop")
	r.Header.Set("If-Modified-Since", "Thu, 26 Nov 2026 10:00:00 GMT")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	want := &GetFunctionInput{
		Key: aws.String("a/b/c"), Since: &when, Ratio: aws.Float64(0.5), Deep: aws.Bool(true), Numbers: []int32{1, 2}, Names: []string{"a", "b", "c"},
		Labels: map[string]string{"team": "shop"}, Lists: map[string][]string{"other": {"y", "z"}}, Modified: &when, Body: &inner{A: aws.String("b")},
	}
	if !reflect.DeepEqual(f.in, want) {
		t.Errorf("got %+v, want %+v; %s", f.in, want, w.Body)
	}
	if w.Code != http.StatusCreated || w.Body.String() != `{"A":"b"}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for name, value := range map[string]string{
		"Last-Modified": "Thu, 26 Nov 2026 10:00:00 GMT", "X-Raw": "AQI=", "X-Numbers": "1, 2", "X-Deep": "true", "X-Ratio": "0.5", "X-Meta-Team": "shop",
	} {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

// Whatever the path, the query, the headers and the body are, there is an answer of
// HTTP and no panic is logged.
func FuzzREST(f *testing.F) {
	log := new(bytes.Buffer)
	h, err := NewHandler(Options{Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))},
		Lambda(always(new(fakeLambda))), Scheduler(always(new(fakeScheduler))))
	if err != nil {
		f.Fatal(err)
	}
	places, err := NewHandler(Options{Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))},
		serve(Service{name: "lambda", protocols: []Protocol{RESTJSON}}, always(new(fakePlaces))))
	if err != nil {
		f.Fatal(err)
	}
	places.(*handler).services[0].model = placesModel
	f.Add("lambda", "POST", "/2015-03-31/functions/arn%3Aaws/invocations", "Qualifier=1", "Event", []byte("{}"))
	f.Add("lambda", "PUT", "/2015-03-31/functions/a/code", "", "", []byte(`{"ZipFile":"AA=="}`))
	f.Add("scheduler", "DELETE", "/tags/a%2Fb/", "TagKeys=a&TagKeys=%zz", "", []byte(nil))
	f.Add("lambda", "PUT", "/x/a//b%2F", "n=1&n=x&since=1e400&other=&=", "a,,b", []byte(`{"A":null}`))
	f.Fuzz(func(t *testing.T, service, method, path, query, header string, body []byte) {
		for _, h := range []http.Handler{h, places} {
			u, err := url.ParseRequestURI("/" + path)
			if err != nil {
				return
			}
			r := restRequest(service, http.MethodPost, "/", string(body))
			r.Method, r.URL = method, u
			r.URL.RawQuery = query
			for _, name := range []string{"X-Amz-Invocation-Type", "X-Names", "X-Meta-A", "If-Modified-Since"} {
				r.Header.Set(name, header)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code >= 500 || log.Len() > 0 {
				t.Fatalf("status %d, log %s", w.Code, log)
			}
		}
	})
}

func TestRESTSignaturesAreVerified(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*http.Request)
		status int
		code   string
	}{
		"as it was signed": {func(*http.Request) {}, 200, ""},
		"an altered body":  {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{}")) }, 403, "InvalidSignatureException"},
		"an altered query": {func(r *http.Request) { r.URL.RawQuery = "Qualifier=2" }, 403, "InvalidSignatureException"},
		"an altered path":  {func(r *http.Request) { r.URL.Path = "/2015-03-31/functions/other/invocations" }, 403, "InvalidSignatureException"},
	} {
		f := new(fakeLambda)
		r := request{path: "/2015-03-31/functions/web/invocations", body: "payload"}.unsigned()
		signer{userKey, "lambda", "us-east-1", time.Now()}.sign(t, r)
		tt.change(r)
		w := httptest.NewRecorder()
		restHandler(t, f, nil, Options{Credentials: keyring}).ServeHTTP(w, r)
		if w.Code != tt.status || w.Header().Get("X-Amzn-Errortype") != tt.code || (f.in != nil) != (tt.status == 200) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
