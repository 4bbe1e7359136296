package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"flyball/internal/service/iam/fault"
	"flyball/internal/state"
	"flyball/policy"
)

var kindAlias = state.Kind{Name: "iam.alias", Version: 1}

// theAlias is the key of the one alias that an account can have.
const theAlias = "alias"

// CreateAccountAlias names the account, which has at most one other name.
func (a *API) CreateAccountAlias(ctx context.Context, in *iam.CreateAccountAliasInput, _ ...func(*iam.Options)) (*iam.CreateAccountAliasOutput, error) {
	alias := aws.ToString(in.AccountAlias)
	return &iam.CreateAccountAliasOutput{}, a.write(ctx, func(tx *state.Tx) error {
		if have, _ := a.alias.Get(theAlias); have == alias {
			return fault.AlreadyExists("The account alias %s already exists.", alias)
		}
		a.alias.Put(tx, theAlias, alias)
		return nil
	})
}

// DeleteAccountAlias takes the account's other name away.
func (a *API) DeleteAccountAlias(ctx context.Context, in *iam.DeleteAccountAliasInput, _ ...func(*iam.Options)) (*iam.DeleteAccountAliasOutput, error) {
	return &iam.DeleteAccountAliasOutput{}, a.write(ctx, func(tx *state.Tx) error {
		if have, ok := a.alias.Get(theAlias); !ok || have != aws.ToString(in.AccountAlias) {
			return fault.NoSuchEntity("The account alias with name %s cannot be found.", aws.ToString(in.AccountAlias))
		}
		a.alias.Delete(tx, theAlias)
		return nil
	})
}

// ListAccountAliases lists the account's other name, if it has one.
func (a *API) ListAccountAliases(ctx context.Context, in *iam.ListAccountAliasesInput, _ ...func(*iam.Options)) (*iam.ListAccountAliasesOutput, error) {
	return read(ctx, a, func() (*iam.ListAccountAliasesOutput, error) {
		l, err := list(a.alias.Rows(""), itself, in.Marker, in.MaxItems)
		return &iam.ListAccountAliasesOutput{AccountAliases: shown(l.items, itself), Marker: l.marker, IsTruncated: l.truncated}, err
	})
}

// GetAccountSummary counts what the account has, beside its quotas.
func (a *API) GetAccountSummary(ctx context.Context, _ *iam.GetAccountSummaryInput, _ ...func(*iam.Options)) (*iam.GetAccountSummaryOutput, error) {
	var n map[string]int
	a.cell.State.View(ctx, func() { n = a.summary() })
	summary := make(map[string]int32, len(n))
	for name, count := range n {
		summary[name] = int32(count)
	}
	return &iam.GetAccountSummaryOutput{SummaryMap: summary}, nil
}

func (a *API) summary() map[string]int {
	versions := 0
	for _, p := range a.policies.all() {
		versions += len(p.Versions)
	}
	return map[string]int{
		"AccessKeysPerUserQuota":            keysPerUser.most,
		"AccountAccessKeysPresent":          0,
		"AccountMFAEnabled":                 0,
		"AccountPasswordPresent":            1,
		"AccountSigningCertificatesPresent": 0,
		"AssumeRolePolicySizeQuota":         policy.MaxTrustSize,
		"AttachedPoliciesPerGroupQuota":     a.groups.attachable.most,
		"AttachedPoliciesPerRoleQuota":      a.roles.attachable.most,
		"AttachedPoliciesPerUserQuota":      a.users.attachable.most,
		"GlobalEndpointTokenVersion":        1,
		"GroupPolicySizeQuota":              a.groups.inline,
		"Groups":                            a.groups.rows.Len(),
		"GroupsPerUserQuota":                groupsPerUser.most,
		"GroupsQuota":                       a.groups.quota.most,
		"InstanceProfiles":                  a.profiles.rows.Len(),
		"InstanceProfilesQuota":             a.profiles.quota.most,
		"MFADevices":                        0,
		"MFADevicesInUse":                   0,
		"Policies":                          a.policies.rows.Len(),
		"PoliciesQuota":                     a.policies.quota.most,
		"PolicySizeQuota":                   policy.MaxManagedSize,
		"PolicyVersionsInUse":               versions,
		"PolicyVersionsInUseQuota":          10000,
		"Providers":                         0,
		"RolePolicySizeQuota":               a.roles.inline,
		"Roles":                             a.roles.rows.Len(),
		"RolesQuota":                        a.roles.quota.most,
		"ServerCertificates":                0,
		"ServerCertificatesQuota":           20,
		"SigningCertificatesPerUserQuota":   2,
		"UserPolicySizeQuota":               a.users.inline,
		"Users":                             a.users.rows.Len(),
		"UsersQuota":                        a.users.quota.most,
		"VersionsPerPolicyQuota":            maxVersions,
	}
}
