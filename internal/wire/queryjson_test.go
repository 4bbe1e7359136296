package wire

import (
	"context"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// fakeSQS has one message, or none in a queue called empty.
type fakeSQS struct{}

func (fakeSQS) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	if strings.HasSuffix(aws.ToString(in.QueueUrl), "empty") {
		return &sqs.ReceiveMessageOutput{}, nil
	}
	number := sqstypes.MessageAttributeValue{DataType: aws.String("Number"), StringValue: aws.String("7")}
	return &sqs.ReceiveMessageOutput{Messages: []sqstypes.Message{{
		MessageId:         aws.String("m"),
		Body:              aws.String(`"quoted"`),
		Attributes:        map[string]string{"SenderId": "A", "SentTimestamp": "1"},
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{"n": number},
	}}}, nil
}

func (fakeSQS) DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	return nil, nil
}

func TestQueryIsAnsweredInJSONToThoseWhoAcceptThatAlone(t *testing.T) {
	h, err := NewHandler(Options{}, SQS(always(fakeSQS{})), CloudWatch(always(&fakeCloudWatch{fail: &cwtypes.DashboardNotFoundError{Message: aws.String("none")}})))
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`"RequestId":"[^"]+"`)
	for _, c := range []struct{ name, service, accept, action, want string }{
		{
			"members without a value are null, and maps that are flat in XML are lists", "sqs", "application/json", "ReceiveMessage&QueueUrl=full",
			`{"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":[{` +
				`"Attributes":[{"Name":"SenderId","Value":"A"},{"Name":"SentTimestamp","Value":"1"}],"Body":"\"quoted\"","MD5OfBody":null,"MD5OfMessageAttributes":null,` +
				`"MessageAttributes":[{"Name":"n","Value":{"BinaryListValues":null,"BinaryValue":null,"DataType":"Number","StringListValues":null,"StringValue":"7"}}],` +
				`"MessageId":"m","ReceiptHandle":null}]},"ResponseMetadata":{"RequestId":"ID"}}}`,
		},
		{"a list without elements that was not set is null", "sqs", "application/json;q=1, text/xml", "ReceiveMessage&QueueUrl=empty", `{"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":null},"ResponseMetadata":{"RequestId":"ID"}}}`},
		{"an operation without an output has no result", "sqs", "application/json", "DeleteMessage&QueueUrl=full", `{"DeleteMessageResponse":{"ResponseMetadata":{"RequestId":"ID"}}}`},
		{"an error", "monitoring", "application/json", "GetDashboard&DashboardName=d", `{"Error":{"Type":"Sender","Code":"ResourceNotFound","Message":"none"},"RequestId":"ID"}`},
		{"an operation that is none", "sqs", "application/json", "Fly", `{"Error":{"Type":"Sender","Code":"InvalidAction","Message":"The action Fly is not valid for this endpoint."},"RequestId":"ID"}`},
		{"XML for no action at all", "sqs", "application/json", "", "<UnknownOperationException/>"},
		{"XML for those who accept it first", "sqs", "text/xml, application/json", "DeleteMessage&QueueUrl=full", `<DeleteMessageResponse xmlns=`},
		{"XML for those who do not care", "sqs", "*/*", "DeleteMessage&QueueUrl=full", `<DeleteMessageResponse xmlns=`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://127.0.0.1/?Action="+c.action, nil)
			r.Header.Set("Accept", c.accept)
			r.Header.Set("Authorization", strings.Replace(testAuthorization, "%s", c.service, 1))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got, xml := id.ReplaceAllString(w.Body.String(), `"RequestId":"ID"`), strings.HasPrefix(c.want, "<")
			if got != c.want && (!xml || !strings.HasPrefix(got, c.want)) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if typ := w.Header().Get("Content-Type"); typ != map[bool]string{true: "text/xml", false: "application/json"}[xml] {
				t.Errorf("Content-Type: %s", typ)
			}
		})
	}
}
