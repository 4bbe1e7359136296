package events

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"flyball/internal/service/events/fault"
	"flyball/internal/service/events/pattern"
)

// An envelope is an event as it is sent, in the order of its members on AWS ("AWS service
// event metadata").
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// An event is one on its way through a bus.
type event struct {
	envelope
	document []byte
	parsed   *pattern.Event
	ingested time.Time
	trace    string // its X-Ray trace header
	hops     int    // buses that it came through
}

// An Event is what happened, for a bus of the cell.
type Event struct {
	ID         string // empty: a new one
	Source     string // such as aws.ecs
	DetailType string
	Time       time.Time // zero: now
	Resources  []string
	Detail     json.RawMessage // an object
	Trace      string          // an X-Ray trace header
}

// event makes an event of what happened in the cell. Its time has seconds.
func (a *API) event(e Event) (*event, error) {
	now := a.cell.Clock.Now()
	if e.ID == "" {
		e.ID = uuid.NewString()
	}
	if e.Time.IsZero() {
		e.Time = now
	}
	if e.Resources == nil {
		e.Resources = []string{}
	}
	out := &event{ingested: now, trace: e.Trace, envelope: envelope{
		Version: "0", ID: e.ID, DetailType: e.DetailType, Source: e.Source, Account: a.cell.Account,
		Time: e.Time.UTC().Format("2006-01-02T15:04:05Z"), Region: a.cell.Region, Resources: e.Resources, Detail: e.Detail,
	}}
	return out, out.write()
}

// write makes the document of an event out of its envelope.
func (e *event) write() error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e.envelope); err != nil {
		return err
	}
	e.document = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	var err error
	e.parsed, err = pattern.ParseEvent(e.document)
	return err
}

// readEvent reads an event that comes from another bus.
func readEvent(document []byte, now time.Time) (*event, error) {
	e := &event{document: document, ingested: now}
	if err := json.Unmarshal(document, &e.envelope); err != nil {
		return nil, err
	}
	var err error
	e.parsed, err = pattern.ParseEvent(document)
	return e, err
}

// isObject tells whether a document, which is JSON, is an object.
func isObject(document string) bool {
	return strings.HasPrefix(strings.TrimLeft(document, " \t\r\n"), "{")
}

// checkEvent refuses an event of TestEventPattern that lacks what AWS itself would have
// given it. AWS does without resources, though its reference calls them mandatory.
func checkEvent(document string) error {
	var e map[string]json.RawMessage
	err := json.Unmarshal([]byte(document), &e)
	for _, name := range []string{"id", "account", "source", "time", "region", "detail-type"} {
		if _, ok := e[name]; err != nil || !ok {
			return fault.Invalid("Parameter Event is not valid.")
		}
	}
	return nil
}
