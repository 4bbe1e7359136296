package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// protectedFor is how long, on the queue's clock, a worker stays protected while
// there are always messages. It gives way then for the time of a receive: a service
// whose tasks are all protected for ever could not be scaled in.
const protectedFor = time.Minute

// How long the agent is asked for protection, at least and at most. The worker ends
// it itself: this is for one that can not.
const (
	shortestProtection = 120 // minutes
	longestProtection  = 2880
)

// A protection is that of a task from scale-in, which the task's agent is asked for
// (Amazon ECS Developer Guide, "Amazon ECS task scale-in protection endpoint").
type protection struct {
	url     string
	minutes int           // that are asked for
	lasts   time.Duration // on the wall clock, before the worker gives way
	on      bool
	since   time.Time
	client  *http.Client
}

func newProtection(agent string, s settings) (*protection, error) {
	if agent == "" {
		return nil, errors.New("PROTECT: there is no ECS_AGENT_URI; only tasks of a service can be protected")
	}
	batch := time.Duration(s.batch) * s.each
	return &protection{
		url:     agent + "/task-protection/v1/state",
		minutes: min(max(int(2*batch/time.Minute), shortestProtection), longestProtection),
		lasts:   s.real(protectedFor),
		client:  &http.Client{Timeout: callTimeout},
	}, nil
}

// lasted reports whether the task has been protected for long enough.
func (p *protection) lasted() bool { return p.on && time.Since(p.since) >= p.lasts }

// set asks for protection or for its end, unless the task has it already.
func (p *protection) set(ctx context.Context, on bool) error {
	if p.on == on {
		return nil
	}
	body := map[string]any{"ProtectionEnabled": on}
	if on {
		body["ExpiresInMinutes"] = p.minutes
	}
	if err := p.put(ctx, body); err != nil {
		return err
	}
	p.on, p.since = on, time.Now()
	return nil
}

func (p *protection) put(ctx context.Context, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, p.url, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Failure *struct{ Reason, Detail string }
		Error   *struct{ Code, Message string }
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", resp.Status, err)
	}
	switch {
	case answer.Failure != nil:
		return fmt.Errorf("%s: %s", answer.Failure.Reason, answer.Failure.Detail)
	case answer.Error != nil:
		return fmt.Errorf("%s: %s", answer.Error.Code, answer.Error.Message)
	case resp.StatusCode != http.StatusOK:
		return errors.New(resp.Status)
	}
	return nil
}
