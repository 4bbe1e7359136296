package console_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"flyball/internal/server"
)

// ofOneKey is how many event streams an access key can have.
const ofOneKey = 128

// A page that opens streams without end gets as many as an access key can have, and takes them from
// nobody else: others have theirs, and pages answer.
func TestAFloodOfStreamsIsHeldOff(t *testing.T) {
	s, stop := serve(t, "127.0.0.1:0", "", func(c *server.Config) { c.Speed = 60 })
	defer stop()
	addr := strings.TrimPrefix(s.URL(), "http://")
	var open []net.Conn
	for range ofOneKey {
		open = append(open, listen(t, addr))
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(path string) *http.Response {
		t.Helper()
		res, err := client.Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	for range 3 * ofOneKey {
		if res := ask("/console/api/events"); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
			t.Fatalf("a stream too many is answered with %s", res.Status)
		}
	}
	if res := ask("/console/"); res.StatusCode != http.StatusOK {
		t.Errorf("a page during the flood: %s", res.Status)
	}
	for _, c := range open {
		c.Close()
	}
	deadline := time.Now().Add(time.Minute)
	for res := ask("/console/api/events"); res.StatusCode != http.StatusOK; res = ask("/console/api/events") {
		if time.Now().After(deadline) {
			t.Fatalf("a minute after the streams were closed another one is answered with %s", res.Status)
		}
		time.Sleep(10 * time.Millisecond) // until the server has seen that they are closed
	}
}
