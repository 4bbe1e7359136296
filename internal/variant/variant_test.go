package variant

import (
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func load(t *testing.T, service string) *Model {
	t.Helper()
	m, err := Load(os.DirFS("../wire/model"), service)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A variant is named by the operation, the path of the value and what the value is.
func TestVariantsMeetTheModelOrBreakIt(t *testing.T) {
	for _, tt := range []struct {
		service string
		input   reflect.Type
		valid   string
		want    map[string]Want
	}{
		{"sts", reflect.TypeFor[sts.AssumeRoleInput](), `{"RoleArn": "arn:aws:iam::123456789012:role/a", "RoleSessionName": "me"}`, map[string]Want{
			"AssumeRole with an unknown member":                      Same,
			"AssumeRole.RoleSessionName absent":                      Broken,
			"AssumeRole.RoleSessionName of length 1":                 Broken,
			"AssumeRole.RoleSessionName of length 2":                 Allowed,
			"AssumeRole.RoleSessionName of length 64":                Allowed,
			"AssumeRole.RoleSessionName of length 65":                Broken,
			"AssumeRole.RoleSessionName unlike the pattern":          Broken,
			"AssumeRole.RoleArn ARN of 999999999999":                 Either,
			"AssumeRole.RoleArn list":                                Unreadable,
			"AssumeRole.ExternalId null":                             Same,
			"AssumeRole.DurationSeconds 899":                         Broken,
			"AssumeRole.DurationSeconds 900":                         Allowed,
			"AssumeRole.DurationSeconds words":                       Unreadable,
			"AssumeRole.Tags too many":                               Broken,
			"AssumeRole.Tags[0].Key absent":                          Broken,
			"AssumeRole.PolicyArns[0].arn of length 19":              Broken,
			"AssumeRole.ProvidedContexts[0].ContextAssertion absent": Either,
		}},
		{"ecs", reflect.TypeFor[ecs.DescribeServicesInput](), `{"services": ["a"]}`, map[string]Want{
			"DescribeServices.services absent":                 Broken,
			"DescribeServices.services[0] number":              Unreadable,
			"DescribeServices.include[0] enum TAGS":            Allowed,
			"DescribeServices.include[0] no value of the enum": Broken,
			"DescribeServices.cluster not UTF-8":               Unreadable,
			"DescribeServices.cluster another's cluster":       Allowed,
			"DescribeServices.cluster ARN of nosuch":           -1,
			"DescribeServices with an unknown member":          Same,
			"DescribeServices.services too many":               -1,
		}},
		{"lambda", reflect.TypeFor[lambda.GetFunctionInput](), `{"FunctionName": "web"}`, map[string]Want{
			"GetFunction.FunctionName absent":        Either, // of another path
			"GetFunction.FunctionName of length 141": -1,
			"GetFunction.Qualifier of length 129":    Broken,
			"GetFunction.Qualifier number":           Either, // which is text in a query
		}},
	} {
		got := map[string]Want{}
		for _, v := range load(t, tt.service).Of(tt.input, Parse(tt.valid)) {
			got[v.String()] = v.Want
		}
		for name, want := range tt.want {
			if is, made := got[name]; made != (want >= 0) || made && is != want {
				t.Errorf("%s: %v, %v; want %v", name, is, made, want)
			}
		}
	}
}

func TestProtocolsPutInputsOnHTTP(t *testing.T) {
	for _, tt := range []struct {
		service  string
		protocol int
		input    reflect.Type
		in, want string
	}{
		{"ecs", 0, reflect.TypeFor[ecs.DescribeServicesInput](), `{"services": ["a"]}`, `POST / {"services":["a"]}`},
		{"monitoring", 1, reflect.TypeFor[cloudwatch.GetDashboardInput](), `{"DashboardName": "a"}`,
			"POST /service/GraniteServiceVersion20100801/operation/GetDashboard \xa1mDashboardNameaa"},
		{"sts", 0, reflect.TypeFor[sts.AssumeRoleInput](), `{"PolicyArns": [{"arn": "x"}], "Tags": []}`, "POST / Action=AssumeRole&PolicyArns.member.1.arn=x&Tags=&Version=2011-06-15"},
		{"sqs", 1, reflect.TypeFor[sqs.SendMessageInput](), `{"MessageAttributes": {"a": {"DataType": "String"}}}`,
			"POST / Action=SendMessage&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String&Version=2012-11-05"},
		{"ec2", 0, reflect.TypeFor[ec2.CreateTagsInput](), `{"ResourceId": ["a"], "Tag": [{"Key": "k"}]}`,
			"POST / Action=CreateTags&ResourceId.member.1=a&Tag.member.1.Key=k&Version=2016-11-15"},
		{"scheduler", 0, reflect.TypeFor[scheduler.CreateScheduleInput](), `{"Name": "a", "GroupName": "g"}`, `POST /schedules/a? {"GroupName":"g"}`},
	} {
		p := load(t, tt.service).Protocols()[tt.protocol]
		r, err := p.Request("http://localhost/", tt.input, Resolve(Parse(tt.in), nil))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		got := r.Method + " " + strings.Replace(r.URL.RequestURI(), "//", "/", 1) + " " + string(body)
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s in %s: %q, want %q", tt.service, p.Name, got, tt.want)
		}
	}
}

func TestAnswersAreJudged(t *testing.T) {
	ok := Answer{Status: 200}
	refused := func(code, message string) Answer { return Answer{Status: 400, Code: code, Message: message} }
	broken := Variant{Want: Broken, said: "a.b", must: mustBeThere}
	for _, tt := range []struct {
		name, service string
		v             Variant
		a             Answer
		right         bool
	}{
		{"a fault of the server", "ecs", Variant{}, Answer{Status: 500, Code: "InternalFailure", Message: "x"}, false},
		{"an error without a message", "ecs", Variant{}, refused("X", ""), false},
		{"an error without a code", "ecs", Variant{}, refused("", "x"), false},
		{"what is broken was taken", "events", broken, ok, false},
		{"a constraint told", "events", broken, refused("ValidationException", "Value null at 'a.b' failed to satisfy constraint: Member must not be null"), true},
		{"a constraint told of another place", "events", broken, refused("ValidationException", "Value null at 'a' failed to satisfy constraint: Member must not be null"), false},
		{"a constraint told with another code", "events", broken, refused("InvalidParameterException", "Value null at 'a.b' failed to satisfy constraint: Member must not be null"), false},
		{"an unknown value told as ECS does", "ecs", Variant{Want: Broken, must: "Member must satisfy enum value set: ["}, refused("InvalidParameterException", "sort should be one of [ASC,DESC]"), true},
		{"a constraint of EC2", "ec2", broken, refused("MissingParameter", "The request must contain the parameter a"), true},
		{"an entry of a batch of SQS", "sqs", Variant{Want: Broken, said: "entries.1.member.id", must: mustBeThere}, ok, true},
		{"what is allowed was held to be broken", "events", Variant{Want: Allowed, said: "a", kept: keptByValue}, refused("ValidationException", "Value 'x' at 'a' failed to satisfy constraint: Member must have length less than or equal to 5"), false},
		{"what is allowed was refused by the operation", "events", Variant{Want: Allowed, said: "a"}, refused("ResourceNotFoundException", "There is no a"), true},
		{"another type was taken", "ecs", Variant{Want: Unreadable}, ok, false},
		{"another type told", "ecs", Variant{Want: Unreadable}, refused("SerializationException", "STRING_VALUE can not be converted to an Integer"), true},
		{"another type told by Lambda", "lambda", Variant{Want: Unreadable}, refused("InvalidRequestContentException", "Could not parse request body into json"), true},
		{"not the answer of the valid call", "ecs", Variant{Want: Same}, refused("ClientException", "x"), false},
	} {
		m := load(t, tt.service)
		if err := m.Judge(tt.v, m.Protocols()[0], tt.a, ok); (err == nil) != tt.right {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestWholesChangeRequests(t *testing.T) {
	p := load(t, "ecs").Protocols()[0]
	bodies := map[string]string{}
	for _, w := range p.Wholes() {
		r, err := p.Request("http://localhost/", reflect.TypeFor[ecs.DescribeServicesInput](), Parse(`{"services": ["a"]}`))
		if err != nil {
			t.Fatal(err)
		}
		Sign(r, "test", "us-east-1", "ecs")
		if err := w.Send(r); err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || int64(len(body)) != r.ContentLength {
			t.Errorf("%s: %d bytes, said to be %d, %v", w.Name, len(body), r.ContentLength, err)
		}
		bodies[w.Name] = r.Header.Get("Authorization")[:min(60, len(r.Header.Get("Authorization")))] + " " + string(body)
	}
	for name, want := range map[string]string{
		"cut":                 `{"services":["a"]`,
		"with a name twice":   `{"services":["a"],"services":["a"]}`,
		"in another account":  "Credential=999999999999/20260101/us-eas",
		"in another region":   "Credential=test/20260101/eu-west-3/",
		"without a signature": ` {"services":["a"]}`,
	} {
		if !strings.Contains(bodies[name], want) {
			t.Errorf("%s: %q, want %q in it", name, bodies[name], want)
		}
	}
	if names := slices.Collect(func(yield func(string) bool) {
		for _, w := range load(t, "sts").Protocols()[0].Wholes() {
			yield(w.Name)
		}
	}); !slices.Contains(names, "without an action") {
		t.Errorf("awsQuery has %q", names)
	}
}
