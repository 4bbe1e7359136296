package polling

import (
	"bytes"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A Source is the queue that messages come from.
type Source struct {
	ARN    string
	Region string
	Waits  bool // for more messages: the mapping has a batching window
}

// A Record is a message as a function is sent it.
type Record struct {
	ID      string
	Receipt string
	event   []byte // its JSON
	document
}

// A document is the record of a message in an event of Lambda.
type document struct {
	MessageID         string               `json:"messageId"`
	ReceiptHandle     string               `json:"receiptHandle"`
	Body              any                  `json:"body"`
	Attributes        map[string]string    `json:"attributes"`
	MessageAttributes map[string]attribute `json:"messageAttributes"`
	MD5OfAttributes   any                  `json:"md5OfMessageAttributes,omitempty"` // a nil *string is null
	MD5OfBody         string               `json:"md5OfBody"`
	EventSource       string               `json:"eventSource"`
	EventSourceARN    string               `json:"eventSourceARN"`
	AWSRegion         string               `json:"awsRegion"`
}

// An attribute is one of a message's own. Lists are in the document though SQS has none.
type attribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// NewRecord is the record of a message that was received with all its attributes.
func NewRecord(from Source, m types.Message) (Record, error) {
	r := Record{ID: aws.ToString(m.MessageId), Receipt: aws.ToString(m.ReceiptHandle)}
	r.document = document{
		MessageID: r.ID, ReceiptHandle: r.Receipt, Body: aws.ToString(m.Body),
		Attributes: m.Attributes, MessageAttributes: map[string]attribute{},
		MD5OfBody:   aws.ToString(m.MD5OfBody),
		EventSource: "aws:sqs", EventSourceARN: from.ARN, AWSRegion: from.Region,
	}
	if m.MD5OfMessageAttributes != nil || from.Waits { // as was recorded: with a batching window it is null where there is none
		r.MD5OfAttributes = m.MD5OfMessageAttributes
	}
	if r.Attributes == nil {
		r.Attributes = map[string]string{}
	}
	for name, v := range m.MessageAttributes {
		r.MessageAttributes[name] = attribute{
			StringValue: v.StringValue, BinaryValue: v.BinaryValue, DataType: aws.ToString(v.DataType),
			StringListValues: []string{}, BinaryListValues: [][]byte{},
		}
	}
	var err error
	r.event, err = encode(r.document)
	return r, err
}

// encode writes JSON as Lambda does, where < is no special character.
func encode(d document) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(d)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// A Filter is an event pattern.
type Filter interface {
	Matches(event []byte) (bool, error)
}

// Passes reports whether a record is one that some filter wants, or whether there is
// none. Filters look into a body that is a JSON object; any other is a string to them
// ("Properly filtering Amazon SQS messages").
func (r Record) Passes(filters []Filter) (bool, error) {
	if len(filters) == 0 {
		return true, nil
	}
	event := r.event
	if body, _ := r.Body.(string); isObject(body) {
		d := r.document
		d.Body = json.RawMessage(body)
		var err error
		if event, err = encode(d); err != nil {
			return false, err
		}
	}
	for _, f := range filters {
		if passes, err := f.Matches(event); passes || err != nil {
			return passes, err
		}
	}
	return false, nil
}

func isObject(text string) bool {
	text = string(bytes.TrimLeft([]byte(text), " \t\r\n"))
	return len(text) > 0 && text[0] == '{' && json.Valid([]byte(text))
}
