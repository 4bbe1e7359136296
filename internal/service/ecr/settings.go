package ecr

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/optional"
	"flyball/internal/state"
)

var kindSettings = state.Kind{Name: "ecr.settings", Version: 1}

// settings are what is set of the registry as a whole; one row.
type settings struct {
	Policy      string                  `json:",omitempty"`
	Scanning    *scanning               `json:",omitempty"`
	Replication []types.ReplicationRule `json:",omitempty"`
	Account     map[string]string       `json:",omitempty"` // account settings that are not at their defaults
}

const settingsKey = "registry"

// setting are the settings.
func (s *service) setting(ctx context.Context) (row settings) {
	s.Cell.State.View(ctx, func() { row, _ = s.settings.Get(settingsKey) })
	return row
}

// set changes the settings.
func (s *service) set(ctx context.Context, f func(*settings) error) error {
	return s.change(ctx, func(tx *state.Tx) error {
		row, _ := s.settings.Get(settingsKey)
		if err := f(&row); err != nil {
			return err
		}
		s.settings.Put(tx, settingsKey, row)
		return nil
	})
}

// DescribeRegistry describes what is replicated, which is nothing: rules are kept.
func (a *API) DescribeRegistry(ctx context.Context, _ *ecr.DescribeRegistryInput, _ ...func(*ecr.Options)) (*ecr.DescribeRegistryOutput, error) {
	return &ecr.DescribeRegistryOutput{
		RegistryId:               &a.Cell.Account,
		ReplicationConfiguration: &types.ReplicationConfiguration{Rules: optional.List(a.setting(ctx).Replication)},
	}, nil
}

// PutReplicationConfiguration keeps rules of replication.
func (a *API) PutReplicationConfiguration(ctx context.Context, in *ecr.PutReplicationConfigurationInput, _ ...func(*ecr.Options)) (*ecr.PutReplicationConfigurationOutput, error) {
	rules := in.ReplicationConfiguration.Rules
	for _, r := range rules {
		for _, d := range r.Destinations {
			if aws.ToString(d.Region) == a.Cell.Region && aws.ToString(d.RegistryId) == a.Cell.Account {
				return nil, unmet("replicationConfiguration", "Replication destination cannot be the same as the source registry")
			}
		}
	}
	if err := a.set(ctx, func(s *settings) error { s.Replication = rules; return nil }); err != nil {
		return nil, err
	}
	return &ecr.PutReplicationConfigurationOutput{ReplicationConfiguration: &types.ReplicationConfiguration{Rules: optional.List(rules)}}, nil
}

// An accountSetting is one of an account, with the values that it can have, the first of
// which it has by itself ("PutAccountSetting" of the ECR API).
var accountSettings = map[string][]string{
	blobMounting:              {"DISABLED", "ENABLED"},
	"BASIC_SCAN_TYPE_VERSION": {"AWS_NATIVE"},
	"REGISTRY_POLICY_SCOPE":   {"V2"},
}

// blobMounting lets layers be mounted from other repositories of the registry.
const blobMounting = "BLOB_MOUNTING"

// accountSetting is the value of a setting.
func (s settings) accountSetting(name string) string {
	if value, ok := s.Account[name]; ok {
		return value
	}
	return accountSettings[name][0]
}

// GetAccountSetting reads a setting.
func (a *API) GetAccountSetting(ctx context.Context, in *ecr.GetAccountSettingInput, _ ...func(*ecr.Options)) (*ecr.GetAccountSettingOutput, error) {
	name := aws.ToString(in.Name)
	if accountSettings[name] == nil {
		return nil, noSetting(name)
	}
	return &ecr.GetAccountSettingOutput{Name: &name, Value: aws.String(a.setting(ctx).accountSetting(name))}, nil
}

// PutAccountSetting changes a setting.
func (a *API) PutAccountSetting(ctx context.Context, in *ecr.PutAccountSettingInput, _ ...func(*ecr.Options)) (*ecr.PutAccountSettingOutput, error) {
	name, value := aws.ToString(in.Name), aws.ToString(in.Value)
	switch values := accountSettings[name]; {
	case values == nil:
		return nil, noSetting(name)
	case !slices.Contains(values, value):
		return nil, &types.ValidationException{Message: aws.String("The setting " + name + " cannot have the value '" + value + "'.")}
	}
	err := a.set(ctx, func(s *settings) error {
		account := map[string]string{name: value}
		for k, v := range s.Account {
			if k != name {
				account[k] = v
			}
		}
		s.Account = account
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.PutAccountSettingOutput{Name: &name, Value: &value}, nil
}

func noSetting(name string) error {
	return &types.ValidationException{Message: aws.String("There is no account setting '" + name + "'.")}
}
