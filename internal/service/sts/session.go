package sts

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"flyball/internal/accesskey"
	"flyball/internal/optional"
	"flyball/internal/principal"
	"flyball/internal/service/iam"
	"flyball/internal/state"
)

var kindSession = state.Kind{Name: "sts.session", Version: 1}

// A session is the row of temporary credentials, by access key.
type session struct {
	Secret, Token   string
	Issued, Expires time.Time // on the wall clock
	Principal       principal.Principal
	Policy          string   `json:",omitempty"` // narrows what the principal may do
	PolicyARNs      []string `json:",omitempty"`
	SourceIdentity  string   `json:",omitempty"`
	Transitive      []string `json:",omitempty"` // keys of tags that roles assumed from here take over
	Lent            string   `json:",omitempty"` // all that the principal may do, where no role stands behind it
}

// issue makes credentials for a principal of this account.
func (a *API) issue(tx *state.Tx, s session, lasts time.Duration, atLeast *int32) *types.Credentials {
	var id string
	id, s.Secret = accesskey.New(accesskey.Session, a.Cell.Account, func(id string) bool { _, taken := a.rows.Get(id); return taken })
	s.Token = token(atLeast)
	s.Issued = a.Cell.Clock.Wall().UTC().Truncate(time.Second)
	s.Expires = s.Issued.Add(lasts)
	a.sweep(tx, s.Issued)
	a.rows.Put(tx, id, s)
	return &types.Credentials{AccessKeyId: &id, SecretAccessKey: &s.Secret, SessionToken: &s.Token, Expiration: &s.Expires}
}

// Session makes temporary credentials of a role for a service that acts for a resource.
// Whether it may is for those to judge who ask. They are on disk no later than anything
// that is done with them: nobody who starts with them waits for that.
func (a *API) Session(role iam.Role, name string, lasts time.Duration) *types.Credentials {
	return a.later(session{Principal: a.IAM.Session(role, name, nil)}, lasts)
}

// Lend makes temporary credentials in the form of a session of a role that there is not,
// which may do what a policy says.
func (a *API) Lend(role, name, policy string, lasts time.Duration) *types.Credentials {
	return a.later(session{Principal: a.IAM.Session(iam.Role{Name: role, ID: "LENT"}, name, nil), Lent: policy}, lasts)
}

// later issues a session without a wait for the disk.
func (a *API) later(s session, lasts time.Duration) (given *types.Credentials) {
	a.Cell.State.Later(func(tx *state.Tx) { given = a.issue(tx, s, lasts, nil) })
	return given
}

// Forget ends a session before its time.
func (a *API) Forget(accessKey string) {
	a.Cell.State.Later(func(tx *state.Tx) { a.rows.Delete(tx, accessKey) })
}

// Session tokens have 256 characters, unless a client asks for more.
const (
	tokenSize     = 256
	mostTokenSize = 4096
)

// token is a session token. Nothing is in it: what it stands for is kept.
func token(atLeast *int32) string {
	size := max(tokenSize, int(optional.Or(atLeast, 0)))
	b := make([]byte, size)
	_, _ = rand.Read(b) // it never fails
	return base64.StdEncoding.EncodeToString(b)[:size]
}

// measure is the size of a session token, and its share in percent of the longest.
func measure(token *string) (size, utilization *int32) {
	return aws.Int32(int32(len(*token))), aws.Int32(int32(len(*token) * 100 / mostTokenSize))
}

// checkToken refuses a session token that would be longer than any.
func checkToken(atLeast *int32) error {
	if n := optional.Or(atLeast, 0); n < 0 || n > mostTokenSize {
		return validation("1 validation error detected: Value '%d' at 'minimumSessionTokenSize' failed to satisfy constraint: Member must have value between 0 and %d", n, mostTokenSize)
	}
	return nil
}

// checkMFA refuses one-time passwords: there are no devices that make them.
func checkMFA(serial, code *string) error {
	if serial != nil || code != nil {
		return accessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	return nil
}

// Sessions that have expired are remembered for a day, so that a client is told
// that they have; they are looked for once a minute at most.
const (
	remembered  = 24 * time.Hour
	sweptAtMost = time.Minute
)

// sweep removes sessions that expired long ago, when others are made.
func (a *API) sweep(tx *state.Tx, now time.Time) {
	before := a.swept
	if now.Sub(before) < sweptAtMost {
		return
	}
	a.swept = now
	tx.Undo(func() { a.swept = before })
	for _, key := range a.rows.Keys("") {
		if s, _ := a.rows.Get(key); now.Sub(s.Expires) > remembered {
			a.rows.Delete(tx, key)
		}
	}
}

// How long credentials last that are not of a role, in seconds ("GetSessionToken").
// Those of the root user last an hour at most.
const (
	usualToken = 43200
	rootToken  = 3600
)

// GetSessionToken makes temporary credentials for the caller.
func (a *API) GetSessionToken(ctx context.Context, in *sts.GetSessionTokenInput, _ ...func(*sts.Options)) (*sts.GetSessionTokenOutput, error) {
	if err := cmp.Or(checkMFA(in.SerialNumber, in.TokenCode), checkToken(in.MinimumSessionTokenSize)); err != nil {
		return nil, err
	}
	c := a.caller(ctx)
	if c.session != nil {
		return nil, accessDenied("Cannot call GetSessionToken with session credentials")
	}
	seconds := optional.Or(in.DurationSeconds, usualToken)
	if c.Principal.Kind == principal.Root {
		seconds = min(seconds, rootToken)
	}
	out := &sts.GetSessionTokenOutput{}
	err := a.Cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		out.Credentials = a.issue(tx, session{Principal: c.Principal}, time.Duration(seconds)*time.Second, in.MinimumSessionTokenSize)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.SessionTokenSize, out.SessionTokenUtilization = measure(out.Credentials.SessionToken)
	return out, nil
}
