package wire

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
)

// sink is a CloudWatch that only takes datapoints.
type sink struct{ metrics int }

func (s *sink) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	s.metrics += len(in.MetricData)
	return &cloudwatch.PutMetricDataOutput{}, nil
}

// putMetricData is a full request: 1,000 metrics with two dimensions each.
func putMetricData(values int) *cloudwatch.PutMetricDataInput {
	in := &cloudwatch.PutMetricDataInput{Namespace: aws.String("Shop/Checkout")}
	for i := range 1000 {
		d := types.MetricDatum{
			MetricName: aws.String("RequestLatency"),
			Unit:       types.StandardUnitMilliseconds,
			Timestamp:  aws.Time(time.Unix(1_700_000_000+int64(i), 250e6)),
			Dimensions: []types.Dimension{
				{Name: aws.String("Service"), Value: aws.String("web")},
				{Name: aws.String("Task"), Value: aws.String(fmt.Sprintf("task-%04d", i))},
			},
		}
		if values == 1 {
			d.Value = aws.Float64(float64(i) + 0.125)
		}
		for v := range values {
			if values > 1 {
				d.Values = append(d.Values, float64(v)+0.125)
				d.Counts = append(d.Counts, float64(1+v%3))
			}
		}
		in.MetricData = append(in.MetricData, d)
	}
	return in
}

// A tape is an HTTP client that keeps the request.
type tape struct{ body []byte }

func (c *tape) Do(r *http.Request) (*http.Response, error) {
	c.body, _ = io.ReadAll(r.Body)
	return &http.Response{StatusCode: 500, Body: http.NoBody, Header: http.Header{}}, nil
}

func recordBody(b testing.TB, in *cloudwatch.PutMetricDataInput, opts func(*cloudwatch.Options)) []byte {
	tape := new(tape)
	client := cloudwatch.NewFromConfig(clientConfig(tape), func(o *cloudwatch.Options) { o.DisableRequestCompression = true }, opts)
	client.PutMetricData(context.Background(), in)
	if len(tape.body) == 0 {
		b.Fatal("no request was made")
	}
	return tape.body
}

var cloudwatchProtocols = map[string]func(*cloudwatch.Options){
	"rpcv2Cbor":  func(*cloudwatch.Options) {},
	"awsJson1.0": func(o *cloudwatch.Options) { o.Protocol = awsjson.New10(schemas.GraniteServiceVersion20100801) },
	"awsQuery":   func(o *cloudwatch.Options) { o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801) },
}

func benchReader(b testing.TB, protocol string, body []byte) reader {
	switch protocol {
	case "rpcv2Cbor":
		return &cborReader{data: body}
	case "awsJson1.0":
		return &jsonReader{data: body}
	}
	params := new(params)
	if err := params.parse(string(body)); err != nil {
		b.Fatal(err)
	}
	return &queryReader{now: &params.root}
}

// BenchmarkDecode reads full PutMetricData requests and validates them. The
// figure to watch is ns/datapoint.
func BenchmarkDecode(b *testing.B) {
	h, err := NewHandler(Options{}, CloudWatch(always(new(sink))))
	if err != nil {
		b.Fatal(err)
	}
	s := h.(*handler).services[0]
	op := s.ops()["PutMetricData"]
	if err := s.prepare(op); err != nil {
		b.Fatal(err)
	}
	for protocol, opts := range cloudwatchProtocols {
		for _, values := range []int{1, 150} {
			if values > 1 && protocol == "awsQuery" {
				continue // more than fits into a request
			}
			body := recordBody(b, putMetricData(values), opts)
			b.Run(fmt.Sprintf("%s/values=%d", protocol, values), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					in := reflect.New(op.in)
					if err := h.(*handler).decode(s, benchReader(b, protocol, body), op.inPlan, in.Elem()); err != nil {
						b.Fatal(err)
					}
					if m := validate(op.inPlan, in.Elem()).message(); m != "" {
						b.Fatal(m)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000/float64(values), "ns/datapoint")
			})
		}
	}
}

// BenchmarkPutMetricData is the whole way over loopback, the SDK's client
// included.
func BenchmarkPutMetricData(b *testing.B) {
	h, err := NewHandler(Options{Log: slog.New(slog.DiscardHandler)}, CloudWatch(always(new(sink))))
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	for protocol, opts := range cloudwatchProtocols {
		for _, values := range []int{1, 150} {
			if values > 1 && protocol != "rpcv2Cbor" {
				continue
			}
			b.Run(fmt.Sprintf("%s/values=%d", protocol, values), func(b *testing.B) {
				config := clientConfig(http.DefaultClient)
				config.BaseEndpoint = aws.String(server.URL)
				in := putMetricData(values)
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					client := cloudwatch.NewFromConfig(config, opts)
					for pb.Next() {
						if _, err := client.PutMetricData(context.Background(), in); err != nil {
							b.Error(err)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N)*1000*float64(values)/b.Elapsed().Seconds(), "datapoints/s")
			})
		}
	}
}
