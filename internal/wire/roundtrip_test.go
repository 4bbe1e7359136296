package wire

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchschemas "github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	smithydocument "github.com/aws/smithy-go/document"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"

	"flyball/internal/service/logs"
)

// newer are operations that the SDK has in another form than the models here, or that
// these do not have.
var newer = map[string]bool{
	"DeleteResourcePolicy": true, "GetDurableExecution": true, "GetResourcePolicy": true, "PutResourcePolicy": true,
}

// Each operation of each service is called by the SDK's client with every
// member set, and answers with every member set. Both sides must see what the
// other sent.
func TestEveryMemberOfEveryOperationSurvives(t *testing.T) {
	for name, tt := range map[string]struct {
		service Service
		client  func(aws.Config) any
	}{
		"ecs awsJson1.1": {ECS(always((*ecs.Client)(nil))), func(c aws.Config) any { return ecs.NewFromConfig(c) }},
		"application-autoscaling awsJson1.1": {
			ApplicationAutoScaling(always((*applicationautoscaling.Client)(nil))),
			func(c aws.Config) any { return applicationautoscaling.NewFromConfig(c) },
		},
		"ecr awsJson1.1":      {ECR(always((*ecr.Client)(nil))), func(c aws.Config) any { return ecr.NewFromConfig(c) }},
		"ec2 ec2Query":        {EC2(always((*ec2.Client)(nil))), func(c aws.Config) any { return ec2.NewFromConfig(c) }},
		"logs awsJson1.1":     {Logs(always((*logs.API)(nil))), func(c aws.Config) any { return cloudwatchlogs.NewFromConfig(c) }},
		"lambda restJson1":    {Lambda(always((*lambda.Client)(nil))), func(c aws.Config) any { return lambda.NewFromConfig(c) }},
		"scheduler restJson1": {Scheduler(always((*scheduler.Client)(nil))), func(c aws.Config) any { return scheduler.NewFromConfig(c) }},
		"cloudwatch rpcv2Cbor": {
			CloudWatch(always((*cloudwatch.Client)(nil))),
			func(c aws.Config) any { return cloudwatch.NewFromConfig(c) },
		},
		"cloudwatch awsJson1.0": {
			CloudWatch(always((*cloudwatch.Client)(nil))),
			func(c aws.Config) any {
				return cloudwatch.NewFromConfig(c, func(o *cloudwatch.Options) {
					o.Protocol = awsjson.New10(cloudwatchschemas.GraniteServiceVersion20100801)
				})
			},
		},
		"cloudwatch awsQuery": {
			CloudWatch(always((*cloudwatch.Client)(nil))),
			func(c aws.Config) any {
				return cloudwatch.NewFromConfig(c, func(o *cloudwatch.Options) {
					o.Protocol = awsquery.New(cloudwatchschemas.GraniteServiceVersion20100801)
				})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			mirror := newMirror(t, tt.service)
			client := reflect.ValueOf(tt.client(clientConfig(mirror)))
			modelled, err := loadModel(tt.service.name)
			if err != nil {
				t.Fatal(err)
			}
			for _, operation := range slices.Sorted(maps.Keys(mirror.service.ops())) {
				if _, served := mirror.service.model().Operations[operation]; !served && name == "ec2 ec2Query" {
					continue // another service has one of that name
				}
				if newer[operation] {
					continue
				}
				if tt.service.name == "ec2" && modelled.Operations[operation] == "" {
					continue // it is served of another service, and not of EC2
				}
				t.Run(operation, func(t *testing.T) { mirror.call(t, client, operation) })
			}
		})
	}
}

func clientConfig(client aws.HTTPClient) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://127.0.0.1:4566"),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   client,
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// A mirror is the HTTP client of an SDK client, and the handler that it talks
// to. Any operation answers with its output filled.
type mirror struct {
	service  *service
	handler  *handler
	in       reflect.Value // as the handler decoded it
	out      reflect.Value // what the handler answered
	populate populator
}

func newMirror(t *testing.T, s Service) *mirror {
	h, err := NewHandler(Options{Log: slog.New(slog.DiscardHandler)}, s)
	if err != nil {
		t.Fatal(err)
	}
	m := &mirror{handler: h.(*handler), service: h.(*handler).services[0]}
	for _, u := range s.unions {
		m.populate.unions = append(m.populate.unions, reflect.TypeOf(u))
	}
	m.populate.document = s.document
	for _, op := range m.service.ops() {
		op.unchecked = true // filled values break patterns
		op.method = reflect.MakeFunc(op.method.Type(), func(args []reflect.Value) []reflect.Value {
			m.in = args[2].Elem()
			return []reflect.Value{m.out.Addr(), reflect.Zero(errorType)}
		})
	}
	return m
}

func (m *mirror) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = io.NopCloser(bytes.NewReader(nil))
	}
	r.Host = r.URL.Host
	m.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

func (m *mirror) call(t *testing.T, client reflect.Value, operation string) {
	op := m.service.ops()[operation]
	in := reflect.New(op.in)
	m.populate.fill(in.Elem())
	m.out = reflect.New(op.out).Elem()
	m.populate.fill(m.out)
	m.mindHeaders(t, op, in.Elem())
	m.in = reflect.Value{}
	result := client.MethodByName(operation).Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
	if err := result[1].Interface(); err != nil {
		t.Fatal(err)
	}
	if !m.in.IsValid() {
		t.Fatal("was not called")
	}
	if diff := difference(op.in.Name(), in.Elem(), m.in); diff != "" {
		t.Errorf("request: %s", diff)
	}
	if diff := difference(op.out.Name(), m.out, result[0].Elem()); diff != "" {
		t.Errorf("response: %s", diff)
	}
}

// mindHeaders gives members that are in restJson's headers or are its status values that
// can be there.
func (m *mirror) mindHeaders(t *testing.T, op *operation, in reflect.Value) {
	if err := m.service.prepare(op); err != nil {
		t.Fatal(err)
	}
	for v, p := range map[*reflect.Value]*plan{&in: op.inPlan, &m.out: op.outPlan} {
		for _, f := range p.fields {
			member := reflect.Indirect(v.Field(f.index))
			switch {
			case f.in == inStatus:
				member.SetInt(202)
			case f.in == inHeader && f.plan.kind == kindString:
				member.SetString("a \"b\", c")
			}
		}
	}
}

// A populator sets every member of a struct.
type populator struct {
	n        int
	unions   []reflect.Type
	document func(any) any
}

func (p *populator) fill(v reflect.Value) {
	p.n++
	t := v.Type()
	switch {
	case t == metadataType:
	case t == readerType:
		v.Set(reflect.ValueOf(strings.NewReader("{}")))
	case t == timeType:
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000+int64(p.n), int64(p.n%1000)*1e6).UTC()))
	case t.Kind() == reflect.Interface && t.Implements(documentType):
		v.Set(reflect.ValueOf(p.document(map[string]any{"a": []any{"b", true}})))
	case t.Kind() == reflect.Interface:
		for _, u := range p.unions {
			if u.Implements(t) {
				arm := reflect.New(u.Elem())
				p.fill(arm.Elem().FieldByName("Value"))
				v.Set(arm)
			}
		}
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		p.fill(v.Elem())
	case t.Kind() == reflect.String:
		v.SetString(" <é&\"\U0001f600\n>+%" + string(rune('a'+p.n%26)))
		if values := enumValues(t, nil); values != nil {
			v.SetString(values[p.n%len(values)])
		}
	case t.Kind() == reflect.Bool:
		v.SetBool(true)
	case t.Kind() == reflect.Int32 || t.Kind() == reflect.Int64:
		v.SetInt(int64(p.n) - 50)
	case t.Kind() == reflect.Float64:
		v.SetFloat(float64(p.n) / 7)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		v.SetBytes([]byte{0, 1, 255, byte(p.n)})
	case t.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(t, 2, 2))
		p.fill(v.Index(0))
		p.fill(v.Index(1))
	case t.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(t))
		for range 2 {
			key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			p.fill(key)
			p.fill(elem)
			v.SetMapIndex(key, elem)
		}
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				p.fill(v.Field(i))
			}
		}
	}
}

// difference tells where two values differ, or "".
func difference(path string, a, b reflect.Value) string {
	t := a.Type()
	switch {
	case t == metadataType, t == readerType:
		return ""
	case t == timeType:
		if !a.Interface().(time.Time).Equal(b.Interface().(time.Time)) {
			return path + ": times differ"
		}
		return ""
	case t.Kind() == reflect.Interface && t.Implements(documentType):
		return documentDifference(path, a, b)
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				return path + ": one is nil"
			}
			return ""
		}
		return difference(path, a.Elem(), b.Elem())
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				if d := difference(path+"."+t.Field(i).Name, a.Field(i), b.Field(i)); d != "" {
					return d
				}
			}
		}
		return ""
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		if a.Len() != b.Len() {
			return path + ": lengths differ"
		}
		for i := range a.Len() {
			if d := difference(path, a.Index(i), b.Index(i)); d != "" {
				return d
			}
		}
		return ""
	case !reflect.DeepEqual(a.Interface(), b.Interface()):
		return path + ": values differ"
	}
	return ""
}

func documentDifference(path string, a, b reflect.Value) string {
	if a.IsNil() || b.IsNil() {
		return path + ": a document is nil"
	}
	x, _ := a.Interface().(smithydocument.Marshaler).MarshalSmithyDocument()
	y, _ := b.Interface().(smithydocument.Marshaler).MarshalSmithyDocument()
	if !bytes.Equal(x, y) {
		return path + ": documents differ"
	}
	return ""
}
