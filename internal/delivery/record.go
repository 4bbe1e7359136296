package delivery

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"flyball/internal/broker"
	"flyball/internal/deliver"
)

// A parcel is a delivery as it is in the queue: what was to be delivered, and what has
// become of it so far.
type parcel struct {
	Delivery
	Accepted time.Time
	Failed   int  `json:",omitempty"` // attempts
	Busy     int  `json:"-"`          // times in a row that the target was busy
	Letter   bool `json:",omitempty"` // it is a dead letter
}

// to is the target of the parcel, or the queue of a dead letter.
func (p parcel) to() string {
	if p.Letter {
		return p.DeadLetter
	}
	return p.To
}

// A record is what is kept of a parcel beside the body. Its parameters have their types.
type record struct {
	parcel
	Parameters *parameters `json:",omitempty"`
}

// parameters are those of an invocation, of one of the types that targets have.
type parameters struct {
	ECS *types.EcsParameters `json:",omitempty"`
	SQS *types.SqsParameters `json:",omitempty"`
}

func pack(p any) (*parameters, error) {
	switch p := p.(type) {
	case nil:
		return nil, nil
	case *types.EcsParameters:
		return &parameters{ECS: p}, nil
	case *types.SqsParameters:
		return &parameters{SQS: p}, nil
	}
	return nil, fmt.Errorf("no target takes parameters of type %T", p)
}

func (p *parameters) unpack() any {
	switch {
	case p == nil:
		return nil
	case p.ECS != nil:
		return p.ECS
	case p.SQS != nil:
		return p.SQS
	}
	return nil
}

// recordName is the message attribute that holds all but the body.
const recordName = "delivery"

// message makes a message of a parcel. Its sender and source tell the lane, so that a
// delivery that waits is not decoded.
func (p parcel) message() (*broker.Message, error) {
	packed, err := pack(p.Invocation.Parameters)
	if err != nil {
		return nil, err
	}
	body := p.Invocation.Body
	p.Invocation.Body, p.Invocation.Parameters = nil, nil
	text, err := json.Marshal(record{p, packed})
	if err != nil {
		return nil, fmt.Errorf("encode a delivery: %w", err)
	}
	return &broker.Message{
		Body: string(body), Sender: p.Owner, Source: p.to(), Attributes: []broker.Attribute{{Name: recordName, Type: "String", Value: string(text)}},
	}, nil
}

// laneOf is the lane of a parcel in its message.
func laneOf(m *broker.Message) laneKey { return laneKey{owner: m.Sender, to: m.Source} }

// parcelOf reads a parcel from its message.
func parcelOf(m *broker.Message) (p parcel, err error) {
	if len(m.Attributes) != 1 || m.Attributes[0].Name != recordName {
		return p, fmt.Errorf("a message is no delivery")
	}
	var r record
	if err := json.Unmarshal([]byte(m.Attributes[0].Value), &r); err != nil {
		return p, fmt.Errorf("decode a delivery: %w", err)
	}
	p = r.parcel
	p.Invocation.Body, p.Invocation.Parameters = []byte(m.Body), r.Parameters.unpack()
	return p, nil
}

// letter is the dead letter of a parcel that could not be delivered. It is attempted for
// a day, as an invocation is by default: AWS does not say how long it tries.
func (p parcel) letter(code, text string, end Condition, now time.Time) parcel {
	attributes := map[string]string{"ERROR_CODE": code, "ERROR_MESSAGE": text, "RETRY_ATTEMPTS": fmt.Sprint(max(p.Failed-1, 0))}
	if end != "" {
		attributes["EXHAUSTED_RETRY_CONDITION"] = string(end)
	}
	for name, value := range p.Attributes {
		attributes[name] = value
	}
	body := p.Invocation.Body
	if p.Original != nil {
		body = p.Original
	}
	sent := p.Invocation
	letter := parcel{Delivery: p.Delivery, Accepted: now, Letter: true}
	letter.Invocation = deliver.Invocation{ID: sent.ID, Principal: sent.Principal, Source: sent.Source, Role: p.LetterRole, Body: body, Attributes: attributes}
	letter.Retry = Retry{Retries: letterRetries}
	letter.Original = nil
	return letter
}

// letterRetries is about as often as a day has room for.
const letterRetries = 185
