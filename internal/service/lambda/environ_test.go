package lambda_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"flyball/internal/clock"
	"flyball/internal/function"
	"flyball/internal/service/lambda"
)

// sessions are roles that everybody may assume; a session's name is its key.
type sessions struct{ made []string }

func (s *sessions) Assumable(context.Context, string, string) error      { return nil }
func (s *sessions) MayLog(context.Context, string, string, string) error { return nil }
func (s *sessions) Assume(_ context.Context, _, _, session string, lasts time.Duration) (lambda.Credentials, error) {
	s.made = append(s.made, session)
	return lambda.Credentials{AccessKeyID: session, Expires: time.Now().Add(lasts)}, nil
}

func TestFunctionsWithOneRoleHaveSessionsOfTheirOwn(t *testing.T) {
	w, roles := open(t), &sessions{}
	w.config.Roles = roles
	w.cell.Clock = clock.New(time.Now().Add(24*time.Hour), 60) // which has nothing to do with the end of sessions
	w.restart()
	for name, session := range map[string]string{"one": "one", "f": "f@lambda_function"} {
		arn := *w.create(name).FunctionArn
		for range 2 { // the second environment has what the first one got
			env, err := w.Environ(t.Context(), function.Function{ARN: arn}, "")
			ok(t, err)
			if !slices.Contains(env, "AWS_ACCESS_KEY_ID="+session) {
				t.Errorf("an environment of %s has %q", name, env)
			}
		}
	}
	slices.Sort(roles.made)
	if want := []string{"f@lambda_function", "one"}; !slices.Equal(roles.made, want) {
		t.Errorf("sessions %q were made, want %q", roles.made, want)
	}
}
