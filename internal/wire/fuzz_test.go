package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"flyball/internal/variant"
)

// A fuzzTarget is an operation with many kinds of members.
type fuzzTarget struct {
	handler *handler
	plan    *plan
	in      reflect.Type
}

func fuzzTargets(f *testing.F) []fuzzTarget {
	var targets []fuzzTarget
	for _, tt := range []struct {
		service   Service
		operation string
	}{
		{ECS(always((*ecs.Client)(nil))), "CreateService"},
		{ECS(always((*ecs.Client)(nil))), "RegisterTaskDefinition"},
		{CloudWatch(always((*cloudwatch.Client)(nil))), "PutMetricData"},
		{CloudWatch(always((*cloudwatch.Client)(nil))), "PutMetricAlarm"},
		{ApplicationAutoScaling(always((*applicationautoscaling.Client)(nil))), "PutScalingPolicy"},
		{ApplicationAutoScaling(always((*applicationautoscaling.Client)(nil))), "TagResource"},
		{EC2(always((*ec2.Client)(nil))), "AuthorizeSecurityGroupIngress"},
		{EC2(always((*ec2.Client)(nil))), "DescribeVpcs"},
	} {
		h, err := NewHandler(Options{}, tt.service)
		if err != nil {
			f.Fatal(err)
		}
		s := h.(*handler).services[0]
		op := s.ops()[tt.operation]
		if err := s.prepare(op); err != nil {
			f.Fatal(err)
		}
		targets = append(targets, fuzzTarget{h.(*handler), op.inPlan, op.in})
	}
	return targets
}

func (target fuzzTarget) service() *service { return target.handler.services[0] }

// decodeAndBack decodes, validates, and writes what was decoded in every
// protocol. What JSON and CBOR write must be read as the same again.
func (target fuzzTarget) decodeAndBack(t *testing.T, r reader) (ok bool) {
	in := reflect.New(target.in).Elem()
	if err := target.handler.decode(target.service(), r, target.plan, in); err != nil {
		_ = target.handler.services[0].decodeFault(err)
		return false
	}
	validate(target.plan, in)
	x := &xmlWriter{}
	write(x, target.plan, in)
	if len(x.open) != 0 {
		t.Fatalf("elements are left open: %v", x.open)
	}
	j := &jsonWriter{}
	write(j, target.plan, in)
	if !json.Valid(j.buf) {
		t.Fatalf("wrote invalid JSON: %s", j.buf)
	}
	c := &cborWriter{}
	write(c, target.plan, in)
	for name, again := range map[string]reader{"JSON": &jsonReader{data: j.buf}, "CBOR": &cborReader{data: c.buf}} {
		back := reflect.New(target.in).Elem()
		if err := target.handler.decode(target.service(), again, target.plan, back); err != nil {
			t.Fatalf("%s that was written cannot be read: %v\n%s", name, err, j.buf)
		}
		w := &jsonWriter{}
		write(w, target.plan, back)
		if !bytes.Equal(w.buf, j.buf) {
			t.Fatalf("%s changed\n%s\n%s", name, j.buf, w.buf)
		}
	}
	return true
}

// seeds are bodies of variants of the targets in a protocol: each kind of value in some
// members, right and wrong.
func seeds(f *testing.F, protocol string, targets []fuzzTarget) (bodies [][]byte) {
	const oneIn, largest = 41, 2000
	for _, target := range targets {
		m, err := variant.Load(os.DirFS("model"), target.service().name)
		if err != nil {
			f.Fatal(err)
		}
		variants := m.Of(target.in, map[string]any{})
		for _, p := range m.Protocols() {
			if !strings.HasPrefix(p.Name, protocol) {
				continue
			}
			for i := 0; i < len(variants); i += oneIn {
				r, err := p.Request("http://localhost/", target.in, variant.Resolve(variants[i].Input, nil))
				if err != nil {
					f.Fatal(err)
				}
				if body, err := io.ReadAll(r.Body); err != nil {
					f.Fatal(err)
				} else if len(body) <= largest {
					bodies = append(bodies, body)
				}
			}
		}
	}
	return bodies
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"Namespace":"A","MetricData":[{"MetricName":"a","Value":1e-7,"Timestamp":1700000000.5,"Values":["NaN",0],"Dimensions":[]}]}`))
	f.Add([]byte(`{"cluster":"a\u00e9\ud83d\ude00\/","containerDefinitions":[{"name":"x","environment":[null,{"name":"A","value":"b"}],"dockerLabels":{"a":"b"}}],"cpu":null}`))
	f.Add([]byte(`{"ServiceNamespace":"ecs","Tags":{"a":"b","":null},"TargetTrackingScalingPolicyConfiguration":{"TargetValue":-0.0,"DisableScaleIn":true}}`))
	f.Add([]byte(`{"EvaluationWindow":{"SlidingWindow":{}},"x":[[[{}]],tru]}`))
	targets := fuzzTargets(f)
	for _, body := range seeds(f, "awsJson", targets) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, target := range targets {
			ok := target.decodeAndBack(t, &jsonReader{data: body})
			if ok && !json.Valid(body) {
				t.Fatalf("read what is not JSON: %q", body)
			}
		}
		// Skipping agrees with the standard library on what JSON is.
		r := &jsonReader{data: body}
		ok := r.skip() == nil && r.end()
		if !ok && json.Valid(body) && validText1(body) && strings.Count(string(body), "[")+strings.Count(string(body), "{") <= maxDepth {
			t.Fatalf("refused JSON: %q", body)
		}
		if ok && !json.Valid(body) {
			t.Fatalf("skipped what is not JSON: %q", body)
		}
	})
}

func validText1(b []byte) bool {
	_, err := validText(b)
	return err == nil
}

func FuzzCBOR(f *testing.F) {
	for _, v := range []any{
		map[string]any{"Namespace": "A", "MetricData": []any{map[string]any{"MetricName": "a", "Value": 1.5, "Counts": []any{1, math.Inf(1)}, "Timestamp": cbor.Tag{Number: 1, Content: 1.7e9}}}},
		map[string]any{"AlarmName": "a", "Threshold": 50, "Dimensions": nil, "ActionsEnabled": true, "Tags": []any{map[string]any{"Key": "k", "Value": "v"}}},
	} {
		b, err := cbor.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\xbf\x7f\x64Name\x65space\xff\x61A\xff"))
	f.Add([]byte("\x9f\x81\x81\x81\x81\xff"))
	f.Add([]byte("\xf8\x00"))                       // a simple value in a form that it may not have
	f.Add([]byte(strings.Repeat("\x81", 33) + "0")) // deeper than the library goes unless told
	deep, err := cbor.DecOptions{MaxNestedLevels: 2 * maxDepth}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	targets := fuzzTargets(f)
	for _, body := range seeds(f, "rpcv2Cbor", targets) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, target := range targets {
			target.decodeAndBack(t, &cborReader{data: body})
		}
		r := &cborReader{data: body}
		if r.skip() == nil && r.end() && deep.Wellformed(body) != nil {
			t.Fatalf("skipped what is not CBOR: %x", body)
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add("Action=PutMetricData&Namespace=A&MetricData.member.1.MetricName=a&MetricData.member.1.Value=1.5&MetricData.member.2.Timestamp=2026-01-01T00%3A00%3A00Z")
	f.Add("Dimensions.member.2.Name=b&Dimensions.member.1.Name=a&Dimensions.1=c&Tags=&EvaluationWindow.SlidingWindow=")
	f.Add("Tags.entry.1.key=a&Tags.entry.1.value=b&Tags.entry.2.key=&%zz=+")
	f.Add("GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80&IpPermissions.1.IpRanges.2.CidrIp=10.0.0.0%2F8&IpPermissions.1.Groups.1.GroupId=sg-2")
	f.Add("Filter.1.Name=tag%3AName&Filter.1.Value.1=a*&VpcId.1=vpc-1&MaxResults=5&TagSpecification.1.Tag.1.Key=a")
	targets := fuzzTargets(f)
	for _, body := range append(seeds(f, "awsQuery", targets), seeds(f, "ec2Query", targets)...) {
		f.Add(string(body))
	}
	f.Fuzz(func(t *testing.T, body string) {
		params := new(params)
		if params.parse(body) != nil {
			return
		}
		for _, target := range targets {
			target.decodeAndBack(t, &queryReader{now: &params.root})
		}
	})
}

// Whatever a client sends, it gets an answer of HTTP and no panic is logged.
func FuzzHandler(f *testing.F) {
	log := new(bytes.Buffer)
	h, err := NewHandler(Options{Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError})), Credentials: keyring},
		CloudWatch(always(new(fakeCloudWatch))), ApplicationAutoScaling(always(new(fakeScaling))), EC2(always(new(fakeEC2))))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("localhost", "AWS4-HMAC-SHA256 Credential=A/1/us-east-1/monitoring/aws4_request, SignedHeaders=h, Signature=s", "", "", "/", "", []byte("Action=TagResource&Version=2010-08-01"))
	f.Add("localhost", "AWS4-HMAC-SHA256 Credential=AKIAUSER/20261121/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=s", "", "", "/", "", []byte("Action=TagResource&Version=2010-08-01"))
	f.Add("localhost", "AWS4-HMAC-SHA256 Credential=A/1/us-east-1/ec2/aws4_request, SignedHeaders=h, Signature=s", "", "", "/", "", []byte("Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=a"))
	f.Add("127.0.0.1:1", "AWS4-X Credential=A/1/us-east-1/s/aws4_request,SignedHeaders=h,Signature=s", describeTargets, "", "/", "gzip", []byte("\x1f\x8b"))
	f.Add("[::1]", "AWS4-X Credential=A/1/s/aws4_request,SignedHeaders=h,Signature=s", "", "rpc-v2-cbor", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "", []byte("\xa0"))
	f.Fuzz(func(t *testing.T, host, authorization, target, smithyProtocol, path, encoding string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Host, r.URL.Path, r.URL.RawQuery = host, path, path
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Target", target)
		r.Header.Set("Smithy-Protocol", smithyProtocol)
		r.Header.Set("Content-Encoding", encoding)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 || log.Len() > 0 {
			t.Fatalf("status %d, log %s", w.Code, log)
		}
	})
}

func TestHalfFloatsAreThoseOfTheLibrary(t *testing.T) {
	for bits := range 1 << 16 {
		var want float64
		if err := cbor.Unmarshal([]byte{0xf9, byte(bits >> 8), byte(bits)}, &want); err != nil {
			t.Fatal(err)
		}
		if got := half(uint16(bits)); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("half(%#x) = %v, want %v", bits, got, want)
		}
	}
}

// A value is the same after JSON, and so are the times that AWS keeps.
func TestScalarsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &jsonWriter{first: true}
		text, f, n := rapid.String().Draw(t, "text"), rapid.Float64().Draw(t, "float"), rapid.Int64().Draw(t, "integer")
		ms := rapid.Int64Range(-62135596800_000, 253402300799_000).Draw(t, "ms")
		at, err := timeFromSeconds(float64(ms) / 1000)
		if err != nil || at.UnixMilli() != ms {
			t.Fatalf("time of %d ms = %v, %v", ms, at, err)
		}
		w.openList(4)
		w.item()
		w.text(text)
		w.item()
		w.float(f)
		w.item()
		w.integer(n)
		w.item()
		w.time(at)
		w.closeList()
		r := &jsonReader{data: w.buf}
		r.list()
		r.next()
		if got, err := r.text(); err != nil || string(got) != strings.ToValidUTF8(text, "\ufffd") {
			t.Errorf("text = %q, %v, want %q", got, err, text)
		}
		r.next()
		if got, err := r.float(); err != nil || got != f && !math.IsNaN(f) {
			t.Errorf("float = %v, %v, want %v", got, err, f)
		}
		r.next()
		if got, err := r.integer(); err != nil || got != n {
			t.Errorf("integer = %v, %v, want %v", got, err, n)
		}
		r.next()
		if got, err := r.time(); err != nil || !got.Equal(at) {
			t.Errorf("time = %v, %v, want %v in %s", got, err, at, w.buf)
		}
	})
}

func TestInternedStringsAreRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := newInterner()
		for _, s := range rapid.SliceOf(rapid.StringN(0, 80, -1)).Draw(t, "strings") {
			if got := in.string([]byte(s)); got != s {
				t.Fatalf("%q became %q", s, got)
			}
		}
	})
}
