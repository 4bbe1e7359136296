package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/service/iam/fault"
)

// Users can have credentials that are not served here: nobody calls this server
// with them. Before a client deletes a user it lists them, and finds none.

// ofUser answers what is known of a user who has none of what is asked for.
func ofUser[T any](ctx context.Context, a *API, name *string, none *T) (*T, error) {
	if name == nil {
		return none, nil
	}
	return read(ctx, a, func() (*T, error) {
		if _, err := a.users.find(name); err != nil {
			return nil, err
		}
		return none, nil
	})
}

// ListMFADevices lists the devices of a user, of which there are none.
func (a *API) ListMFADevices(ctx context.Context, in *iam.ListMFADevicesInput, _ ...func(*iam.Options)) (*iam.ListMFADevicesOutput, error) {
	return ofUser(ctx, a, in.UserName, &iam.ListMFADevicesOutput{MFADevices: []types.MFADevice{}})
}

// ListVirtualMFADevices lists the devices of the account, of which there are none.
func (a *API) ListVirtualMFADevices(context.Context, *iam.ListVirtualMFADevicesInput, ...func(*iam.Options)) (*iam.ListVirtualMFADevicesOutput, error) {
	return &iam.ListVirtualMFADevicesOutput{VirtualMFADevices: []types.VirtualMFADevice{}}, nil
}

// ListSSHPublicKeys lists the SSH keys of a user, of which there are none.
func (a *API) ListSSHPublicKeys(ctx context.Context, in *iam.ListSSHPublicKeysInput, _ ...func(*iam.Options)) (*iam.ListSSHPublicKeysOutput, error) {
	return ofUser(ctx, a, in.UserName, &iam.ListSSHPublicKeysOutput{SSHPublicKeys: []types.SSHPublicKeyMetadata{}})
}

// ListSigningCertificates lists the certificates of a user, of which there are none.
func (a *API) ListSigningCertificates(ctx context.Context, in *iam.ListSigningCertificatesInput, _ ...func(*iam.Options)) (*iam.ListSigningCertificatesOutput, error) {
	return ofUser(ctx, a, in.UserName, &iam.ListSigningCertificatesOutput{Certificates: []types.SigningCertificate{}})
}

// ListServiceSpecificCredentials lists the credentials of a user for single
// services, of which there are none.
func (a *API) ListServiceSpecificCredentials(ctx context.Context, in *iam.ListServiceSpecificCredentialsInput, _ ...func(*iam.Options)) (*iam.ListServiceSpecificCredentialsOutput, error) {
	return ofUser(ctx, a, in.UserName, &iam.ListServiceSpecificCredentialsOutput{ServiceSpecificCredentials: []types.ServiceSpecificCredentialMetadata{}})
}

// GetLoginProfile shows the password of a user, which has none.
func (a *API) GetLoginProfile(ctx context.Context, in *iam.GetLoginProfileInput, _ ...func(*iam.Options)) (*iam.GetLoginProfileOutput, error) {
	return nil, a.noLogin(ctx, in.UserName)
}

// DeleteLoginProfile takes the password of a user, which has none.
func (a *API) DeleteLoginProfile(ctx context.Context, in *iam.DeleteLoginProfileInput, _ ...func(*iam.Options)) (*iam.DeleteLoginProfileOutput, error) {
	return nil, a.noLogin(ctx, in.UserName)
}

func (a *API) noLogin(ctx context.Context, name *string) error {
	name, err := a.userName(ctx, name)
	if err != nil {
		return err
	}
	if _, err := ofUser(ctx, a, name, new(struct{})); err != nil {
		return err
	}
	return fault.NoSuchEntity("Login Profile for User %s cannot be found.", aws.ToString(name))
}
