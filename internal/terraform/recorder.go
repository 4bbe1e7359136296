package terraform

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
)

// kept are the headers that a protocol goes by.
var kept = []string{"Content-Type", "X-Amz-Target", "Smithy-Protocol", "Accept", "X-Amzn-Query-Mode"}

// A Recorder passes calls on to a server, as they are signed, and keeps them.
type Recorder struct {
	to   string // the server's URL
	mu   sync.Mutex
	step string
	made Recording
}

// NewRecorder records the calls to a server.
func NewRecorder(to string) *Recorder { return &Recorder{to: strings.TrimSuffix(to, "/")} }

// Step names what the calls that follow belong to.
func (r *Recorder) Step(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.step = name
}

// Recording is what was recorded so far.
func (r *Recorder) Recording() *Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	made := r.made
	return &made
}

// ServeHTTP implements http.Handler.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, err := http.NewRequestWithContext(in.Context(), in.Method, r.to+in.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	// The signature is one over the Host that the client knows.
	out.Header, out.Host = in.Header.Clone(), in.Host
	answer, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	r.keep(in, body, answer.StatusCode, text)
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text) // the client may be gone
}

func (r *Recorder) keep(in *http.Request, body []byte, status int, answer []byte) {
	region, service := scope(in.Header.Get("Authorization"))
	c := Call{
		Service: service, Region: region, Method: in.Method, Path: in.URL.RequestURI(), Header: map[string]string{},
		Body: body, Status: status, Answer: answer,
	}
	for _, name := range kept {
		if value := in.Header.Get(name); value != "" {
			c.Header[name] = value
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.Step = r.step
	r.made.Calls = append(r.made.Calls, c)
}

// scope is the region and the service that a call is signed for.
func scope(authorization string) (region, service string) {
	_, credential, _ := strings.Cut(authorization, "Credential=")
	credential, _, _ = strings.Cut(credential, ",")
	parts := strings.Split(credential, "/") // key, date, region, service, aws4_request
	if len(parts) != 5 {
		return "", ""
	}
	return parts[2], parts[3]
}
