package polling

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

var orders = Source{ARN: "arn:aws:sqs:us-east-2:123456789012:my-queue", Region: "us-east-2"}

func record(t testing.TB, id, body string) Record {
	t.Helper()
	r, err := NewRecord(orders, types.Message{MessageId: &id, ReceiptHandle: aws.String("receipt " + id), Body: &body})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The example of the page "Using Lambda with Amazon SQS", with attributes as they come
// in events.
func TestTheRecordOfAMessage(t *testing.T) {
	r, err := NewRecord(orders, types.Message{
		MessageId: aws.String("059f36b4-87a3-44ab-83d2-661975830a7d"), ReceiptHandle: aws.String("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a..."),
		Body: aws.String(`Test <message> & "more".`), MD5OfBody: aws.String("e4e68fb7bd0e697a0ae8f1bb342846b3"),
		MD5OfMessageAttributes: aws.String("00484c68"),
		Attributes: map[string]string{
			"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183", "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1545082649185",
		},
		MessageAttributes: map[string]types.MessageAttributeValue{
			"myAttribute": {DataType: aws.String("String"), StringValue: aws.String("myValue")},
			"picture":     {DataType: aws.String("Binary"), BinaryValue: []byte("gif")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := NewBatch(Rules{Size: 1})
	b.Add(b.closes, r)
	want := `{"Records":[{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","receiptHandle":"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",` +
		`"body":"Test <message> & \"more\".",` +
		`"attributes":{"ApproximateFirstReceiveTimestamp":"1545082649185","ApproximateReceiveCount":"1","SenderId":"AIDAIENQZJOLO23YVJ4VO","SentTimestamp":"1545082649183"},` +
		`"messageAttributes":{"myAttribute":{"stringValue":"myValue","stringListValues":[],"binaryListValues":[],"dataType":"String"},` +
		`"picture":{"binaryValue":"Z2lm","stringListValues":[],"binaryListValues":[],"dataType":"Binary"}},` +
		`"md5OfMessageAttributes":"00484c68","md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3",` +
		`"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:my-queue","awsRegion":"us-east-2"}]}`
	if got := string(b.Event()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestARecordOfAMessageWithoutAttributesHasNoDigestOfThem(t *testing.T) {
	for from, want := range map[Source]string{
		{}:            `"messageAttributes":{},"md5OfBody":"d"`,
		{Waits: true}: `"messageAttributes":{},"md5OfMessageAttributes":null,"md5OfBody":"d"`,
	} {
		r, err := NewRecord(from, types.Message{MessageId: aws.String("m"), Body: aws.String("b"), MD5OfBody: aws.String("d")})
		if err != nil {
			t.Fatal(err)
		}
		b := NewBatch(Rules{Size: 1})
		b.Add(b.closes, r)
		if !strings.Contains(string(b.Event()), want) {
			t.Errorf("got %s, want %s in it", b.Event(), want)
		}
	}
}

// contains is a filter that looks for a text.
type contains string

func (c contains) Matches(event []byte) (bool, error) {
	return strings.Contains(string(event), string(c)), nil
}

func TestFiltersLookIntoABodyThatIsJSON(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		filters []Filter
		want    bool
	}{
		"no filter":                  {"anything", nil, true},
		"an object":                  {`{"RecordNumber": 1}`, []Filter{contains(`"body":{"RecordNumber":1}`)}, true},
		"one of two":                 {`{"RecordNumber": 1}`, []Filter{contains("none"), contains("RecordNumber")}, true},
		"a text":                     {"plain", []Filter{contains(`"body":"plain"`)}, true},
		"what only looks like JSON":  {"{plain", []Filter{contains(`"body":"{plain"`)}, true},
		"an object that none wants":  {`{"RecordNumber": 1}`, []Filter{contains("none")}, false},
		"JSON that is no object":     {"[1]", []Filter{contains(`"body":"[1]"`)}, true},
		"an object in a JSON string": {`"{}"`, []Filter{contains(`"body":"\"{}\""`)}, true},
	} {
		if got, err := record(t, "1", c.body).Passes(c.filters); got != c.want || err != nil {
			t.Errorf("%s: %t, %v; want %t", name, got, err, c.want)
		}
	}
}

func FuzzAnyBodyIsSentWhole(f *testing.F) {
	f.Add("plain")
	f.Add(`{"a": "<&>"}`)
	f.Add("{\"a\": \u2028}")
	f.Fuzz(func(t *testing.T, body string) {
		r := record(t, "1", body)
		b := NewBatch(Rules{Size: 1})
		b.Add(b.closes, r)
		var event struct{ Records []struct{ Body string } }
		if err := json.Unmarshal(b.Event(), &event); err != nil || len(event.Records) != 1 || event.Records[0].Body != strings.ToValidUTF8(body, "\ufffd") && strings.ToValidUTF8(body, "") == body {
			t.Fatalf("%v: %+v", err, event)
		}
		if _, err := r.Passes([]Filter{contains("")}); err != nil {
			t.Fatal(err)
		}
	})
}
