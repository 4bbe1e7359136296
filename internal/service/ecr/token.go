package ecr

import (
	"context"
	"encoding/base64"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/endpoint"
	"flyball/internal/registry"
)

// GetAuthorizationToken gives out the password for docker login. It stands for the
// caller's access key, and ends with that or after 12 hours of real time.
func (a *API) GetAuthorizationToken(ctx context.Context, in *ecr.GetAuthorizationTokenInput, _ ...func(*ecr.Options)) (*ecr.GetAuthorizationTokenOutput, error) {
	expires := a.Cell.Clock.Wall().Add(registry.PasswordLife)
	password := a.Password(registry.Grant{AccessKey: a.key, Account: a.Cell.Account, Region: a.Cell.Region, Expires: expires})
	data := types.AuthorizationData{
		AuthorizationToken: aws.String(base64.StdEncoding.EncodeToString([]byte(registry.User + ":" + password))),
		ExpiresAt:          &expires,
		ProxyEndpoint:      aws.String(endpoint.URL(ctx, a.Endpoint())),
	}
	//lint:ignore SA1019 older clients ask for several registries, and want the same for each
	registries := max(len(in.RegistryIds), 1)
	return &ecr.GetAuthorizationTokenOutput{AuthorizationData: slices.Repeat([]types.AuthorizationData{data}, registries)}, nil
}
