package lambda

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"flyball/internal/function"
)

// A wallet keeps the credentials of functions, for all environments that start while they
// are good for long enough.
type wallet struct {
	mu   sync.Mutex
	kept map[session]Credentials
}

// A session is a role as a function has assumed it: the trust of a role can be in one
// function alone, and who calls is told by the function's name.
type session struct{ role, function string }

// take is what is kept for a session, if that is good for some time.
func (w *wallet) take(of session, now time.Time) (Credentials, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.kept[of]
	return c, ok && c.Expires.Sub(now) > credentialsTime+maxTimeout
}

func (w *wallet) keep(of session, c Credentials) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kept == nil {
		w.kept = map[session]Credentials{}
	}
	for other, old := range w.kept { // of functions that are gone, too
		if time.Now().After(old.Expires) {
			delete(w.kept, other)
		}
	}
	w.kept[of] = c
}

// maxTimeout is the longest that an invocation takes.
const maxTimeout = 15 * time.Minute

// Environ are the variables of a function's new environment that tell of this server, which
// it finds at endpoint, and the credentials of its role.
func (a *API) Environ(ctx context.Context, fn function.Function, endpoint string) ([]string, error) {
	t, err := a.find(ctx, &fn.ARN, nil)
	if err != nil {
		return nil, err
	}
	env := []string{"FLYBALL_SPEED=" + strconv.FormatFloat(a.cell.Clock.Speed(), 'f', -1, 64)}
	if _, own := t.version.Settings.Environment["AWS_ENDPOINT_URL"]; !own && endpoint != "" {
		env = append(env, "AWS_ENDPOINT_URL="+endpoint)
	}
	c, err := a.credentials(ctx, t.version)
	if err != nil {
		return nil, fmt.Errorf("the function's role %s cannot be assumed: %w", t.version.Settings.Role, err)
	}
	return append(env, "AWS_ACCESS_KEY_ID="+c.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+c.SecretAccessKey, "AWS_SESSION_TOKEN="+c.SessionToken), nil
}

// credentials are those of a version's role.
func (a *API) credentials(ctx context.Context, v version) (Credentials, error) {
	if a.cfg.Roles == nil {
		return Credentials{AccessKeyID: a.cell.Account, SecretAccessKey: "none", SessionToken: "none"}, nil
	}
	of := session{v.Settings.Role, v.Function}
	if c, ok := a.wallet.take(of, a.cell.Clock.Wall()); ok {
		return c, nil
	}
	c, err := a.cfg.Roles.Assume(ctx, of.role, a.arn(v.Function), sessionName(v.Function), 2*credentialsTime)
	if err == nil {
		a.wallet.keep(of, c)
	}
	return c, err
}

// sessionName is the name of a function's sessions: its own, or a longer one where STS would
// refuse that as too short.
func sessionName(function string) string {
	if len(function) < 2 {
		return function + "@lambda_function"
	}
	return function
}
