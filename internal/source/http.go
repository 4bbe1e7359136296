package source

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"flyball/metric"
)

const (
	// answerTime is how long an answer may take, and answerBytes how long it may be.
	answerTime  = 10 * time.Second
	answerBytes = 16 << 20
)

// get reads what is behind an address.
func get(ctx context.Context, client *http.Client, address, tokenFile string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", "application/json")
	if tokenFile != "" {
		token, err := os.ReadFile(tokenFile)
		if err != nil {
			return 0, nil, fmt.Errorf("read the token: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	if client == nil {
		client = direct
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, silent{err}
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, answerBytes+1))
	switch {
	case err != nil:
		err = silent{err}
	case len(body) > answerBytes:
		err = fmt.Errorf("%s answers with more than %d MiB", address, answerBytes>>20)
	}
	return resp.StatusCode, body, err
}

var direct = &http.Client{Transport: Transport()}

// Transport is http.DefaultTransport that keeps a connection for each call that is under way, where that keeps two and
// makes the others anew.
func Transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = lanesEach
	return t
}

// Host is the host of an address, with its port.
func Host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// A JSONValue is a number in JSON behind an address.
type JSONValue struct {
	URL       string
	Pointer   string // RFC 6901; "": the whole answer
	TokenFile string // with a bearer token; "": none
}

// A JSON reads numbers in JSON behind addresses.
type JSON struct {
	Values  map[metric.Key]JSONValue
	HTTP    *http.Client
	Samples *Samples
}

func (*JSON) forgets() {}

// Read implements Source.
func (j *JSON) Read(ctx context.Context, queries []Query) []Answer {
	return readNow(ctx, j.Samples, queries, func(q Query) (reading, error) {
		v := j.Values[q.Metric.Key()]
		return reading{about: v.URL + "#" + v.Pointer, read: func(ctx context.Context) (float64, error) { return v.read(ctx, j.HTTP) }}, nil
	})
}

func (v JSONValue) read(ctx context.Context, client *http.Client) (float64, error) {
	status, body, err := get(ctx, client, v.URL, v.TokenFile)
	switch {
	case err != nil:
		return 0, err
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return 0, fmt.Errorf("%w: %s answers with status %d", ErrThrottled, v.URL, status)
	case status != http.StatusOK:
		return 0, fmt.Errorf("%s answers with status %d", v.URL, status)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return 0, fmt.Errorf("%s answers with what is not JSON: %w", v.URL, err)
	}
	found, err := pointed(value, v.Pointer)
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrQuery, v.URL, err)
	}
	switch n := found.(type) {
	case json.Number:
		return n.Float64()
	case string:
		if f, err := strconv.ParseFloat(n, 64); err == nil {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%w: %s: what %q points at is no number", ErrQuery, v.URL, v.Pointer)
}

// pointed is what a JSON pointer points at.
func pointed(value any, pointer string) (any, error) {
	if pointer == "" {
		return value, nil
	}
	for _, name := range strings.Split(pointer, "/")[1:] {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
		switch of := value.(type) {
		case map[string]any:
			member, ok := of[name]
			if !ok {
				return nil, fmt.Errorf("%q points at nothing: there is no %s", pointer, name)
			}
			value = member
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(of) {
				return nil, fmt.Errorf("%q points at nothing: the list has no %s", pointer, name)
			}
			value = of[i]
		default:
			return nil, fmt.Errorf("%q points at nothing: %s is not in a list or an object", pointer, name)
		}
	}
	return value, nil
}
