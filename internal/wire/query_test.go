package wire

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

func TestQueryParameters(t *testing.T) {
	h, err := NewHandler(Options{}, CloudWatch(always((*cloudwatch.Client)(nil))))
	if err != nil {
		t.Fatal(err)
	}
	s := h.(*handler).services[0]
	op := s.ops()["PutMetricAlarm"]
	if err := s.prepare(op); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, form, want string }{
		{"elements come in the order of their numbers", "AlarmActions.member.10=c&AlarmActions.member.2=b&AlarmActions.member.1=a", `{"AlarmActions":["a","b","c"]}`},
		{"numbers may have gaps", "AlarmActions.member.1=a&AlarmActions.member.7=b", `{"AlarmActions":["a","b"]}`},
		{"a list may be flat", "AlarmActions.1=a&AlarmActions.2=b", `{"AlarmActions":["a","b"]}`},
		{"a list may be empty", "AlarmActions=", `{"AlarmActions":[]}`},
		{"members of an element may come apart", "Dimensions.member.1.Name=a&Dimensions.member.2.Name=c&Dimensions.member.1.Value=b&Dimensions.member.2.Value=d", `{"Dimensions":[{"Name":"a","Value":"b"},{"Name":"c","Value":"d"}]}`},
		{"the last value counts", "AlarmName=a&AlarmName=b", `{"AlarmName":"b"}`},
		{"escapes", "AlarmName=a+b%2Bc%C3%A9%26", `{"AlarmName":"a b+cé&"}`},
		{"an empty string is a value", "AlarmDescription=", `{"AlarmDescription":""}`},
		{"scalars", "ActionsEnabled=TRUE&Period=60&Threshold=-1.5e3", `{"ActionsEnabled":true,"Period":60,"Threshold":-1500.0}`},
		{"unknown parameters are ignored", "AlarmName=a&Wings.member.1.Left=b&X-Amz-Date=1", `{"AlarmName":"a"}`},
		{"unions", "EvaluationWindow.SlidingWindow=", `{"EvaluationWindow":{"SlidingWindow":{}}}`},
		{"text for a list", "AlarmActions=a", "error: alarmActions: Expected list or null"},
		{"text for a structure", "Metrics.member.1.MetricStat=a", "error: metrics.1.member.metricStat: Expected structure or null"},
		{"structure for text", "AlarmName.a=b", "error: alarmName: Start of structure or map found where not expected."},
		{"word in place of a number", "AlarmActions.member.x=a", "error: alarmActions: The request's parameters are not well-formed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			params := new(params)
			if err := params.parse(tt.form); err != nil {
				t.Fatal(err)
			}
			in := reflect.New(op.in).Elem()
			got := &jsonWriter{}
			if err := h.(*handler).decode(h.(*handler).services[0], &queryReader{now: &params.root}, op.inPlan, in); err != nil {
				got.buf = []byte("error: " + err.Error())
			} else {
				write(got, op.inPlan, in)
			}
			if string(got.buf) != tt.want {
				t.Errorf("got  %s\nwant %s", got.buf, tt.want)
			}
		})
	}
}

func TestManyParametersOfOneListAreFoundAgain(t *testing.T) {
	var form strings.Builder
	for _, member := range []string{"Name", "Value"} {
		for i := range 100 {
			form.WriteString("&D.member." + number(float64(i+1)) + "." + member + "=x")
		}
	}
	params := new(params)
	if err := params.parse(form.String()); err != nil {
		t.Fatal(err)
	}
	list := params.root.find("D").find("member")
	if len(list.children) != 100 || len(list.children[99].children) != 2 {
		t.Errorf("%d elements, %d members in the last", len(list.children), len(list.children[99].children))
	}
}
