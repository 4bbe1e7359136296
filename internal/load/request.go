package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A Request is what is sent, but for its URL.
type Request struct {
	Method string      // GET by default
	Header http.Header // a Host in it is the request's
	Body   *Template   // nil is none
}

// make makes one of a number.
func (t Request) make(ctx context.Context, target string, n int) (*http.Request, error) {
	var body io.Reader
	if t.Body != nil {
		body = strings.NewReader(t.Body.text(newMessage(n, time.Now())))
	}
	request, err := http.NewRequestWithContext(ctx, t.Method, target, body)
	if err != nil {
		return nil, err
	}
	for name, values := range t.Header {
		request.Header[name] = values
	}
	if host := t.Header.Get("Host"); host != "" {
		request.Host = host
	}
	return request, nil
}

// request sends one request, and counts it as one made at the given time. What
// the end of the load cuts off is counted apart.
func (r *run) request(ctx context.Context, begin time.Time) error {
	n := int(r.asked.Add(1))
	r.inFlight.Add(1)
	err := r.ask(ctx, n)
	if r.Retry && kindOf(err) == failedToConnect && ctx.Err() == nil {
		err = r.ask(ctx, n)
	}
	r.inFlight.Add(-1)
	if err != nil && ctx.Err() != nil {
		if err = context.Cause(ctx); !errors.Is(err, errUnanswered) {
			r.cutOff.Add(1)
			return err
		}
	}
	r.second.add(time.Since(begin), err)
	return err
}

// ask sends a request to the next target and reads the whole answer.
func (r *run) ask(ctx context.Context, n int) error {
	target, err := r.target()
	if err != nil {
		return err
	}
	request, err := r.Request.make(ctx, target, n)
	if err != nil {
		return err
	}
	resp, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return statusError{resp.StatusCode, fmt.Sprintf("%s from %s", resp.Status, target)}
	}
	return nil
}

// target returns the next of the targets in turn.
func (r *run) target() (string, error) {
	r.targets.Lock()
	defer r.targets.Unlock()
	targets := r.Targets()
	if len(targets) == 0 {
		return "", errNoTarget
	}
	r.targets.next++
	return targets[r.targets.next%len(targets)], nil
}
