package capacity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"flyball/governor"
	"flyball/scaling"
)

// Custom are resources that answer at their address, in the way that AWS publishes for custom
// resources of Application Auto Scaling: GET tells the capacity, PATCH asks for another.
// Source: the API in the CloudFormation template of github.com/aws/aws-auto-scaling-custom-resource.
type Custom struct {
	HTTP *http.Client
	// TokenFile has a bearer token that is sent along; "": none is.
	TokenFile string
}

var _ Capacity = Custom{}

const (
	customTime  = 10 * time.Second // that an answer may take
	customBytes = 1 << 20          // that it may have
	customCalls = 8                // that are under way at a time
)

// A dimension is the scalable target dimension of a custom resource. Capacities are numbers with a
// decimal point there.
type dimension struct {
	ID      string   `json:"scalableTargetDimensionId"`
	Version string   `json:"version"`
	Actual  *float64 `json:"actualCapacity"`
	Desired *float64 `json:"desiredCapacity"`
	Status  string   `json:"scalingStatus"`
	Reason  string   `json:"failureReason"`
}

// A StatusError is an answer with a status that is no success.
type StatusError struct {
	Status int
	Text   string
}

// Error implements error.
func (e *StatusError) Error() string { return e.Text }

// Throttled reports whether the resource is asked too often.
func (e *StatusError) Throttled() bool { return e.Status == http.StatusTooManyRequests }

// Look implements Capacity. A resource that its address does not know is gone.
func (c Custom) Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	seen := make([]governor.Capacity, len(ids))
	failures := make([]error, len(ids))
	var all sync.WaitGroup
	room := make(chan struct{}, customCalls)
	for i, id := range ids {
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			seen[i], failures[i] = c.look(ctx, id)
		})
	}
	all.Wait()
	return seen, Some(failures)
}

func (c Custom) look(ctx context.Context, id scaling.ResourceID) (governor.Capacity, error) {
	d, err := c.call(ctx, http.MethodGet, id, nil)
	var status *StatusError
	if errors.As(err, &status) && status.Status == http.StatusNotFound {
		return governor.Capacity{Gone: true}, nil
	}
	if err != nil {
		return governor.Capacity{}, err
	}
	desired, err := whole(d.Desired)
	if err != nil {
		return governor.Capacity{}, fmt.Errorf("%s answers with a desiredCapacity that is none: %w", id, err)
	}
	running, err := whole(d.Actual)
	if err != nil {
		return governor.Capacity{}, fmt.Errorf("%s answers with an actualCapacity that is none: %w", id, err)
	}
	return governor.Capacity{Desired: desired, Running: running}, nil
}

// whole is a capacity of what is written as a number.
func whole(n *float64) (scaling.Capacity, error) {
	switch {
	case n == nil:
		return 0, errors.New("it is not there")
	case *n < 0 || *n > float64(scaling.MaxCapacity) || *n != math.Trunc(*n):
		return 0, fmt.Errorf("%v is no whole number", *n)
	}
	return scaling.Capacity(*n), nil
}

// Set implements Capacity.
func (c Custom) Set(ctx context.Context, id scaling.ResourceID, to scaling.Capacity) error {
	d, err := c.call(ctx, http.MethodPatch, id, map[string]any{"desiredCapacity": float64(to)})
	switch {
	case err != nil:
		return err
	case d.Status == "Failed" && d.Reason != "":
		return fmt.Errorf("%s has failed to scale: %s", id, d.Reason)
	case d.Status == "Failed":
		return fmt.Errorf("%s has failed to scale, and does not say why", id)
	}
	return nil
}

// call makes a call of the resource.
func (c Custom) call(ctx context.Context, method string, id scaling.ResourceID, body any) (d dimension, err error) {
	ctx, cancel := context.WithTimeout(ctx, customTime)
	defer cancel()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return d, err
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, string(id), sent)
	if err != nil {
		return d, err
	}
	req.Header.Set("Accept", "application/json")
	if sent != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.TokenFile != "" {
		token, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return d, fmt.Errorf("read the token: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return d, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, customBytes))
	if err != nil {
		return d, fmt.Errorf("read what %s answers: %w", id, err)
	}
	if resp.StatusCode != http.StatusOK {
		return d, &StatusError{resp.StatusCode, fmt.Sprintf("%s of %s answers with status %d%s", method, id, resp.StatusCode, said(text))}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("%s answers with what is no scalable target dimension: %w", id, err)
	}
	return d, nil
}

// said is the message of an error.
func said(text []byte) string {
	var e struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &e) != nil || e.Message == "" {
		return ""
	}
	return ": " + e.Message
}
