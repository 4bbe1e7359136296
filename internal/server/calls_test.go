package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatEndsWaitsForTheCallsUnderWay(t *testing.T) {
	for name, tt := range map[string]struct{ takes, waited time.Duration }{
		"a call that ends":       {time.Second, time.Second},
		"one that does not":      {time.Hour, 3 * time.Second},
		"one that is over by it": {0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var c calls
			h := c.counted(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(tt.takes) }))
			call := func() int {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
				return w.Code
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				call()
			}()
			synctest.Wait()
			began := time.Now()
			c.drain(3 * time.Second)
			if waited := time.Since(began); waited != tt.waited {
				t.Errorf("%s is waited for %v, want %v", name, waited, tt.waited)
			}
			if status := call(); status != http.StatusServiceUnavailable {
				t.Errorf("a call afterwards has status %d", status)
			}
			<-ended
		})
	}
}
