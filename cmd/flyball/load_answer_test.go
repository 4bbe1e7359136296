package main

import (
	"strings"
	"testing"
	"time"

	"flyball/internal/load"
)

func TestALoadSaysAtOnceWhatItWaitsFor(t *testing.T) {
	refused := load.Second{Requests: 9, Errors: 9, Failures: load.Failures{"connect": 9}, Err: "http://127.0.0.1:1/: nothing listens there"}
	unavailable := load.Second{Requests: 9, Errors: 9, Failures: load.Failures{"503": 9}}
	silent := load.Second{InFlight: 10}
	late := load.Second{Requests: 10, Errors: 10, Failures: load.Failures{"timeout": 10}, Err: "no answer came in time"}
	for _, tt := range []struct {
		name    string
		seconds []load.Second
		want    string // what is said, with the second
		ended   string // what the end of the load is told with
	}{
		{"nothing listens", []load.Second{refused, refused, refused, refused}, "1: Waiting for the first answer: http://127.0.0.1:1/: nothing listens there. Start what is to answer, or name another address; without an answer this ends after 3s (--wait-timeout).", " within 3s, so the load was ended (--wait-timeout)"},
		{"what answers later", []load.Second{refused, refused, {Requests: 9, Errors: 8, Failures: load.Failures{"connect": 8}}, refused, refused},
			"1: Waiting for the first answer: http://127.0.0.1:1/: nothing listens there. Start what is to answer, or name another address; without an answer this ends after 3s (--wait-timeout).\n3: The first answer came after 3s.", ""},
		{"an error is an answer", []load.Second{unavailable, refused, refused, refused}, "", ""},
		{"a slow service", []load.Second{silent, silent, silent, silent, silent}, "3: Waiting for the first answer: 10 requests are under way, and each has 30s (--timeout).", ""},
		{"a service that never answers", []load.Second{silent, silent, silent, silent, late}, "3: Waiting for the first answer: 10 requests are under way, and each has 30s (--timeout).", " within 5s, so the load was ended (--wait-timeout)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var said []string
			now, ended := "", false
			first := firstAnswer{patience: 3 * time.Second, timeout: 30 * time.Second, say: func(text string) { said = append(said, now+": "+text) }, end: func(error) { ended = true }}
			for i, s := range tt.seconds {
				s.Elapsed = time.Duration(i+1) * time.Second
				now = s.Elapsed.String()[:1]
				first.see(s)
			}
			if got := strings.Join(said, "\n"); got != tt.want || ended != (tt.ended != "") {
				t.Errorf("ended %t, and said\n%s\nwant\n%s", ended, got, tt.want)
			}
			if err := first.check(load.Summary{Requests: 10, Errors: 10}); !strings.Contains(err.Error(), "no request was answered"+tt.ended) {
				t.Error(err)
			}
		})
	}
}
