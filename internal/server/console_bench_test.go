package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"flyball/internal/peer"
)

// BenchmarkConsole makes the first page of a server with a thousand services, each with a
// target tracking policy and its two alarms, and other pages of it, with all read anew.
func BenchmarkConsole(b *testing.B) {
	s := benchServer(b)
	defer s.Close()
	const services = 1000
	s.each(b, services, s.benchService)
	s.each(b, services, s.benchTarget)
	ask := func(b *testing.B, handler http.Handler, path string) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "localhost"
		me := &visitor{"127.0.0.1", func() (peer.Peer, error) { return peer.Peer{}, peer.ErrUnsupported }}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r.WithContext(context.WithValue(b.Context(), visitorKey{}, me)))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
		b.ReportMetric(float64(w.Body.Len())/1024, "KiB/page")
	}
	for name, path := range map[string]string{
		"overview": "/console/", "service": "/console/services/production/checkout-000001", "charts": "/console/services/production/checkout-000001/charts?range=1w",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				handler, err := s.handler() // one that has read nothing yet
				if err != nil {
					b.Fatal(err)
				}
				ask(b, handler, "/console/sign-in")
				b.StartTimer()
				ask(b, handler, path)
			}
		})
	}
}
