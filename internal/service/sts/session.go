package sts

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"flyball/internal/accesskey"
	"flyball/internal/optional"
	"flyball/internal/service/iam"
	"flyball/internal/state"
)

var kindSession = state.Kind{Name: "sts.session", Version: 1}

// A session is the row of temporary credentials, by access key.
type session struct {
	Secret, Token   string
	Issued, Expires time.Time // on the wall clock
	Principal       iam.Principal
	Policy          string   `json:",omitempty"` // narrows what the principal may do
	PolicyARNs      []string `json:",omitempty"`
	SourceIdentity  string   `json:",omitempty"`
	Transitive      []string `json:",omitempty"` // keys of tags that roles assumed from here take over
}

// issue makes credentials for a principal of this account.
func (a *API) issue(tx *state.Tx, s session, lasts time.Duration) *types.Credentials {
	var id string
	id, s.Secret = accesskey.New(accesskey.Session, a.Cell.Account)
	s.Token = token()
	s.Issued = time.Now().UTC().Truncate(time.Second)
	s.Expires = s.Issued.Add(lasts)
	a.sweep(tx, s.Issued)
	a.rows.Put(tx, id, s)
	return &types.Credentials{AccessKeyId: &id, SecretAccessKey: &s.Secret, SessionToken: &s.Token, Expiration: &s.Expires}
}

// token is a session token: random, and of a length that clients are used to.
func token() string {
	var b [192]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.StdEncoding.EncodeToString(b[:])
}

// Sessions that have expired are remembered for a day, so that a client is told
// that they have; they are looked for once a minute at most.
const (
	remembered  = 24 * time.Hour
	sweptAtMost = time.Minute
)

// sweep removes sessions that expired long ago, when others are made.
func (a *API) sweep(tx *state.Tx, now time.Time) {
	before := a.swept.Load()
	if now.Unix()-before < int64(sweptAtMost/time.Second) {
		return
	}
	a.swept.Store(now.Unix())
	tx.Undo(func() { a.swept.Store(before) })
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
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, accessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	c, known := a.Credential(ctx, a.key)
	if known && c.session != nil {
		return nil, accessDenied("Cannot call GetSessionToken with session credentials")
	}
	s := session{Principal: iam.Root(a.Cell)}
	seconds := optional.Or(in.DurationSeconds, usualToken)
	if known {
		s.Principal = c.Principal
	} else {
		seconds = min(seconds, rootToken)
	}
	out := &sts.GetSessionTokenOutput{}
	err := a.Cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		out.Credentials = a.issue(tx, s, time.Duration(seconds)*time.Second)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.SessionTokenSize = aws.Int32(int32(len(*out.Credentials.SessionToken)))
	return out, nil
}
