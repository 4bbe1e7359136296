package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// A Run is one of a schedule.
type Run struct {
	Schedule        string // ARN
	Account, Region string
	At              time.Time // when it was to be
	Since           time.Time // when its schedule began to count
}

// Execution is the identifier of the run: 16 digits, the same if it is made again after a
// kill.
func (r Run) Execution() string {
	sum := sha256.Sum256([]byte(r.Schedule + "\x00" + strconv.FormatInt(r.At.UnixNano(), 10) + "\x00" + strconv.FormatInt(r.Since.UnixNano(), 10)))
	return hex.EncodeToString(sum[:8])
}

// Time is when the run was to be, as it is told.
func (r Run) Time() string { return r.At.UTC().Format("2006-01-02T15:04:05Z") }

// attempt is put in when an attempt is made; all else of an input is known before.
const attempt = "<aws.scheduler.attempt-number>"

// Input is what the run sends to a target, but for the number of the attempt. Source:
// Scheduler User Guide, "Adding context attributes".
func (r Run) Input(kind Kind, t *types.Target) []byte {
	text := aws.ToString(t.Input)
	switch {
	case text == "" && kind == Tasks:
		return nil // nothing is overridden
	case text == "":
		text = r.notification()
	default:
		text = strings.NewReplacer(
			"<aws.scheduler.schedule-arn>", r.Schedule,
			"<aws.scheduler.scheduled-time>", r.Time(),
			"<aws.scheduler.execution-id>", r.Execution(),
		).Replace(text)
	}
	if kind == Bus {
		text = r.event(aws.ToString(t.EventBridgeParameters.DetailType), aws.ToString(t.EventBridgeParameters.Source), json.RawMessage(text))
	}
	return []byte(text)
}

// Attempt is an input with the number of an attempt.
func Attempt(input []byte, n int) []byte {
	return bytes.ReplaceAll(input, []byte(attempt), strconv.AppendInt(nil, int64(n), 10))
}

// notification is what a target gets that has no input. Its detail is a text.
func (r Run) notification() string {
	return r.event("Scheduled Event", "aws.scheduler", json.RawMessage(`"{}"`))
}

// event is an event of EventBridge. Its identifier is made of the run's, so that it, too,
// is the same if the run is made again.
func (r Run) event(detailType, source string, detail json.RawMessage) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// What is encoded are texts, and JSON that was checked.
	_ = e.Encode(struct {
		Version    string          `json:"version"`
		ID         string          `json:"id"`
		DetailType string          `json:"detail-type"`
		Source     string          `json:"source"`
		Account    string          `json:"account"`
		Time       string          `json:"time"`
		Region     string          `json:"region"`
		Resources  []string        `json:"resources"`
		Detail     json.RawMessage `json:"detail"`
	}{"0", r.eventID(), detailType, source, r.Account, r.Time(), r.Region, []string{r.Schedule}, detail})
	return strings.TrimSuffix(b.String(), "\n")
}

// ID is that of what the run sends, by which targets that can tell take a run once that is
// made again: FIFO queues, clusters.
func (r Run) ID() string { return r.id("invocation") }

func (r Run) eventID() string { return r.id("event") }

// id is an identifier of something of the run.
func (r Run) id(of string) string {
	sum := sha256.Sum256([]byte(of + "\x00" + r.Execution() + r.Schedule))
	id := hex.EncodeToString(sum[:16])
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}
