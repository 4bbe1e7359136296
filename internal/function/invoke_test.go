package function

import (
	"strings"
	"testing"
	"time"
)

func TestAFunctionAnswers(t *testing.T) {
	logs := &record{}
	h := newHost(t, Options{Logs: logs})
	fn := function(t, "echo")
	first := invoke(t, h, fn, `{"voucher":1}`)
	if string(first.Payload) != `{"voucher":1}` || first.Error != "" || !first.Cold || first.Init == 0 {
		t.Errorf("first answer: %+v, payload %s", first, first.Payload)
	}
	second := invoke(t, h, fn, `{"voucher":2}`)
	if string(second.Payload) != `{"voucher":2}` || second.Cold || second.Init != 0 {
		t.Errorf("second answer: %+v, payload %s", second, second.Payload)
	}
	for _, want := range []string{
		"START RequestId: 8f5c1a52-0d7b-4a51-9a0d-3c7be1c1d001 Version: $LATEST\n",
		"got {\"voucher\":2}\n", "END RequestId: 8f5c1a52-0d7b-4a51-9a0d-3c7be1c1d001\n", "REPORT RequestId: ",
	} {
		if !strings.Contains(string(second.Log), want) {
			t.Errorf("the log's end has no %q:\n%s", want, second.Log)
		}
	}
	if strings.Contains(string(second.Log), "got {\"voucher\":1}") {
		t.Errorf("the log's end tells of the invocation before:\n%s", second.Log)
	}
}

func TestAFunctionsFailureIsItsAnswer(t *testing.T) {
	h := newHost(t, Options{})
	for _, test := range []struct{ handler, want string }{
		{"fail", `{"errorMessage":"no such voucher","errorType":"errorString"}`},
		{"exit", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 8f5c1a52-0d7b-4a51-9a0d-3c7be1c1d001 Error: Runtime exited with error: exit status 7"}`},
		{"sleep", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 8f5c1a52-0d7b-4a51-9a0d-3c7be1c1d001 Error: Task timed out after 0.50 seconds"}`},
	} {
		t.Run(test.handler, func(t *testing.T) {
			fn := function(t, test.handler)
			fn.ARN += test.handler
			if test.handler == "sleep" { // the others have all the time that they need
				fn.Timeout = 500 * time.Millisecond
			}
			answer := invoke(t, h, fn, `{}`)
			if string(answer.Payload) != test.want || answer.Error != Unhandled {
				t.Errorf("answered %q, %s, want %s", answer.Error, answer.Payload, test.want)
			}
		})
	}
}
