package wire

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A gramophone takes a record and plays one, under the name of an operation that
// the SDK has.
type gramophone struct {
	take func(io.Reader) error
	play io.ReadCloser
}

type (
	GetMetricWidgetImageInput  struct{ Body io.Reader }
	GetMetricWidgetImageOutput struct{ Body io.ReadCloser }
)

func (g *gramophone) GetMetricWidgetImage(_ context.Context, in *GetMetricWidgetImageInput, _ ...func(any)) (*GetMetricWidgetImageOutput, error) {
	if g.take != nil {
		if err := g.take(in.Body); err != nil {
			return nil, err
		}
	}
	return &GetMetricWidgetImageOutput{Body: g.play}, nil
}

func (g *gramophone) serve(t *testing.T) *httptest.Server {
	t.Helper()
	h, err := NewHandler(Options{Log: slog.New(slog.DiscardHandler)}, serve(Service{
		name: "gramophone", target: "Gramophone", protocols: []Protocol{AWSJSON11},
	}, always(g)))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func callGramophone(t *testing.T, s *httptest.Server, body io.Reader) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization("AKID", "us-east-1", "gramophone"))
	r.Header.Set("X-Amz-Target", "Gramophone.GetMetricWidgetImage")
	return s.Client().Do(r)
}

func TestAnInputStreamsWhileItIsSent(t *testing.T) {
	heard := make(chan string)
	g := &gramophone{take: func(r io.Reader) error {
		b := make([]byte, 5)
		_, err := io.ReadFull(r, b)
		heard <- string(b)
		rest, _ := io.ReadAll(r)
		heard <- string(rest)
		return err
	}}
	s := g.serve(t)
	body, client := io.Pipe()
	go func() {
		io.WriteString(client, "first")
		// The rest is sent when the first part has arrived.
		if got := <-heard; got != "first" {
			t.Errorf("got %q", got)
		}
		io.WriteString(client, "second")
		client.Close()
		if got := <-heard; got != "second" {
			t.Errorf("got %q", got)
		}
	}()
	resp, err := callGramophone(t, s, body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(b) != "{}" {
		t.Errorf("status %d, %s", resp.StatusCode, b)
	}
}

func TestAnOutputStreamsWhileItIsMade(t *testing.T) {
	play, service := io.Pipe()
	s := (&gramophone{play: play}).serve(t)
	go io.WriteString(service, "first")
	resp, err := callGramophone(t, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != "first" {
		t.Fatalf("got %q, %v", b, err)
	}
	// The rest is made when the first part has arrived.
	io.WriteString(service, "second")
	service.Close()
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "second" {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestAStreamThatBreaksIsNotTheWhole(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("first"), &failing{})
	s := (&gramophone{play: io.NopCloser(broken)}).serve(t)
	resp, err := callGramophone(t, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the client takes %q for the whole", b)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the needle broke") }
