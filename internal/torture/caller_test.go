package main

import (
	"context"
	"errors"
	"net/http"
	"testing"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestWhatACallerKnows(t *testing.T) {
	answer := func(status int) error {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: errors.New("no more")}
	}
	for _, c := range []struct {
		rule   string
		err    error
		known  string
		cutOff bool
	}{
		{"a call that was acknowledged has happened", nil, "new", false},
		{"an acknowledgement counts, though its body broke off", answer(http.StatusOK), "new", false},
		{"a call that was refused has not happened", answer(http.StatusBadRequest), "old", false},
		{"a call that failed inside may have happened", answer(http.StatusInternalServerError), "old", true},
		{"a call without an answer may have happened", errors.New("connection reset"), "old", true},
		{"an answer to a look before says nothing of the call", before(answer(http.StatusOK)), "old", true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			one := caller{known: facts{targetKey: "old"}}
			goOn := one.do(context.Background(), change{call: "call", set: facts{targetKey: "new"}}, func(context.Context) error { return c.err })
			if one.known[targetKey] != c.known || (one.cutOff != nil) != c.cutOff || goOn == c.cutOff {
				t.Errorf("knows %q, cut off %v, goes on %v", one.known[targetKey], one.cutOff, goOn)
			}
		})
	}
}
