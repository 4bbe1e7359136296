package function

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whatever a program sends to the Runtime API, the answer is one of the API's, and the
// environment is in a state that it knows.
func FuzzRuntimeAPI(f *testing.F) {
	f.Add("POST", "/2018-06-01/runtime/invocation/1/response", "streaming", "Error", "e30=", "{}")
	f.Add("POST", "/2018-06-01/runtime/invocation/1/error", "", "Runtime.Unknown", "", "{}")
	f.Add("POST", "/2018-06-01/runtime/init/error", "", "", "", "")
	f.Add("GET", "/2018-06-01/runtime/invocation/next", "", "", "", "")
	f.Add("PUT", "/2020-08-15/logs", "buffered", "\n", "%", "\x00")
	api := newAPI()
	f.Fuzz(func(t *testing.T, method, path, mode, kind, trailer, body string) {
		if strings.ContainsAny(method, " \r\n\t") || strings.ContainsAny(path, " \r\n\t?#%") || !strings.HasPrefix(path, "/") || method == "" {
			t.Skip("no request")
		}
		e := &environment{ended: make(chan struct{}), ready: make(chan struct{}), refused: make(chan struct{}), calls: make(chan *invocation, 1)}
		close(e.ended)
		v := &invocation{call: Call{RequestID: "1"}, deadline: time.Now(), done: make(chan struct{})}
		e.take(v)
		for range 2 {
			request := httptest.NewRequestWithContext(context.WithValue(t.Context(), environmentKey{}, e), "POST", "/", strings.NewReader(body))
			request.Method, request.URL.Path = method, path
			request.Header[headerMode], request.Header[headerErrorType] = []string{mode}, []string{kind}
			request.Trailer = map[string][]string{headerErrorType: {kind}, headerErrorBody: {trailer}}
			response := httptest.NewRecorder()
			api.Handler.ServeHTTP(response, request)
			if code := response.Code; code >= 500 || code < 200 {
				t.Errorf("answered %d", code)
			}
		}
		if e.state.String() == "" || v.answered != (e.state == answered || e.state == waiting) {
			t.Errorf("answered: %v, in state %s", v.answered, e.state)
		}
	})
}
