// Package sts is AWS Security Token Service of one account: who a caller is, and
// temporary credentials.
package sts

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"flyball/internal/cell"
	"flyball/internal/service/iam"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell *cell.Cell
	IAM  *iam.API // of the same account
}

// An API serves the operations of STS in one account, for the holder of one access
// key. Its methods may be called concurrently.
type API struct {
	cell *cell.Cell
	iam  *iam.API
	key  string // the caller's access key
}

// New returns the service with what the cell's state has of it.
func New(cfg Config) (*API, error) {
	return &API{cell: cfg.Cell, iam: cfg.IAM}, nil
}

// For returns the service as it serves the holder of an access key.
func (a *API) For(accessKey string) *API {
	own := *a
	own.key = accessKey
	return &own
}

// A Credential is what stands behind an access key.
type Credential struct {
	Secret       string
	SessionToken string    // must come with the key; "" for keys of users
	Expires      time.Time // on the wall clock; zero never
	Active       bool      // else the key must not be taken
	Principal    iam.Principal
}

// Credential is what stands behind an access key of this account.
func (a *API) Credential(ctx context.Context, accessKey string) (Credential, bool) {
	return Credential{}, false
}

// Principal is whom an access key stands for. A key that the account does not know
// stands for its root user: whether such a key is let in at all is for those to say
// who verify signatures.
func (a *API) Principal(ctx context.Context, accessKey string) iam.Principal {
	return iam.Root(a.cell)
}

// GetCallerIdentity says who the caller is. Everybody may ask.
func (a *API) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput, _ ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	p := a.Principal(ctx, a.key)
	return &sts.GetCallerIdentityOutput{Account: &p.Account, Arn: &p.ARN, UserId: &p.ID}, nil
}
