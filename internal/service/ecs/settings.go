package ecs

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/page"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/state"
)

// A settingKey names one account setting of one principal. The account's
// default is stored under its root user.
type settingKey struct {
	principal string
	name      types.SettingName
}

func (k settingKey) String() string { return string(k.name) + "/" + k.principal }

// A settingRule is what a setting may be and what it is before anyone sets it.
type settingRule struct {
	values  []string
	initial string
}

var onOff = []string{"enabled", "disabled"}

// The account settings, from the API reference of PutAccountSetting.
var settingRules = map[types.SettingName]settingRule{
	types.SettingNameServiceLongArnFormat:            {onOff, "enabled"},
	types.SettingNameTaskLongArnFormat:               {onOff, "enabled"},
	types.SettingNameContainerInstanceLongArnFormat:  {onOff, "enabled"},
	types.SettingNameAwsvpcTrunking:                  {onOff, "disabled"},
	types.SettingNameContainerInsights:               {[]string{"enhanced", "enabled", "disabled"}, "disabled"},
	types.SettingNameFargateFipsMode:                 {onOff, "disabled"},
	types.SettingNameTagResourceAuthorization:        {[]string{"on", "off"}, "off"},
	types.SettingNameFargateTaskRetirementWaitPeriod: {[]string{"0", "7", "14"}, "7"},
	types.SettingNameGuardDutyActivate:               {[]string{"on", "off"}, "off"},
	types.SettingNameDefaultLogDriverMode:            {[]string{"blocking", "non-blocking"}, "non-blocking"},
	types.SettingNameFargateEventWindows:             {onOff, "disabled"},
	"dualStackIPv6":                                  {onOff, "enabled"}, // which the SDK does not list
}

func settingNames() []string {
	var names []string
	for name := range settingRules {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return names
}

func checkSetting(name types.SettingName, value string) error {
	rule, ok := settingRules[name]
	if !ok {
		return fault.InvalidParameter("%s should be one of [%s]", name, strings.Join(settingNames(), ","))
	}
	if name == types.SettingNameGuardDutyActivate {
		return fault.InvalidParameter("The %s setting is read-only.", name)
	}
	if strings.HasSuffix(string(name), "LongArnFormat") && value == "disabled" {
		return fault.InvalidParameter("You can no longer disable Long Arn settings")
	}
	if !slices.Contains(rule.values, value) {
		return fault.InvalidParameter("Invalid setting 'value'")
	}
	return nil
}

// rootARN is the account's root user.
func (a *API) rootARN() string { return a.cell.GlobalARN("iam", "root") }

// effectiveSetting is a principal's own setting, else the account's default,
// else the initial one.
func (a *API) effectiveSetting(principal string, name types.SettingName) string {
	if v, ok := a.settings[settingKey{principal, name}]; ok {
		return v
	}
	if v, ok := a.settings[settingKey{a.rootARN(), name}]; ok {
		return v
	}
	return settingRules[name].initial
}

// principal is the user, role or root that a call names; the root if none.
func (a *API) principal(ref *string) (string, error) {
	if aws.ToString(ref) == "" {
		return a.rootARN(), nil
	}
	if p, err := arn.Parse(*ref); err != nil || p.Service != "iam" || p.AccountID != a.cell.Account {
		return "", fault.InvalidParameter("The principal ARN is not valid. Specify the ARN of a user, a role or the root user of this account.")
	}
	return *ref, nil
}

func (a *API) putSetting(ctx context.Context, key settingKey, value string) (*types.Setting, error) {
	if err := checkSetting(key.name, value); err != nil {
		return nil, err
	}
	return answer(setting(key, value), a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		put(tx, a.settings, key, value)
		tx.Put(kindSetting, key.String(), value)
		return nil
	}))
}

func setting(key settingKey, value string) *types.Setting {
	s := &types.Setting{Name: key.name, Value: aws.String(value), PrincipalArn: aws.String(key.principal), Type: types.SettingTypeUser}
	if key.name == types.SettingNameGuardDutyActivate {
		s.Type = types.SettingTypeAwsManaged
	}
	return s
}

// PutAccountSetting sets a principal's setting; without a principal, that of the
// account's root user.
func (a *API) PutAccountSetting(ctx context.Context, in *ecs.PutAccountSettingInput, _ ...func(*ecs.Options)) (*ecs.PutAccountSettingOutput, error) {
	principal, err := a.principal(in.PrincipalArn)
	if err != nil {
		return nil, err
	}
	s, err := a.putSetting(ctx, settingKey{principal, in.Name}, aws.ToString(in.Value))
	if err != nil {
		return nil, err
	}
	return &ecs.PutAccountSettingOutput{Setting: s}, nil
}

// PutAccountSettingDefault sets what holds for all who have not set it.
func (a *API) PutAccountSettingDefault(ctx context.Context, in *ecs.PutAccountSettingDefaultInput, _ ...func(*ecs.Options)) (*ecs.PutAccountSettingDefaultOutput, error) {
	s, err := a.putSetting(ctx, settingKey{a.rootARN(), in.Name}, aws.ToString(in.Value))
	if err != nil {
		return nil, err
	}
	return &ecs.PutAccountSettingDefaultOutput{Setting: s}, nil
}

// DeleteAccountSetting removes a principal's setting. The answer shows what
// holds from then on.
func (a *API) DeleteAccountSetting(ctx context.Context, in *ecs.DeleteAccountSettingInput, _ ...func(*ecs.Options)) (*ecs.DeleteAccountSettingOutput, error) {
	if _, ok := settingRules[in.Name]; !ok {
		return nil, fault.InvalidParameter("%s should be one of [%s]", in.Name, strings.Join(settingNames(), ","))
	}
	principal, err := a.principal(in.PrincipalArn)
	if err != nil {
		return nil, err
	}
	key := settingKey{principal, in.Name}
	out := &ecs.DeleteAccountSettingOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		drop(tx, a.settings, key)
		tx.Delete(kindSetting, key.String())
		out.Setting = setting(key, a.effectiveSetting(key.principal, key.name))
		return nil
	}))
}

// ListAccountSettings lists a principal's own settings, or with
// effectiveSettings all that hold for it.
func (a *API) ListAccountSettings(ctx context.Context, in *ecs.ListAccountSettingsInput, _ ...func(*ecs.Options)) (*ecs.ListAccountSettingsOutput, error) {
	if _, ok := settingRules[in.Name]; in.Name != "" && !ok {
		return nil, fault.InvalidParameter("%s should be one of [%s]", in.Name, strings.Join(settingNames(), ","))
	}
	principal, err := a.principal(in.PrincipalArn)
	if err != nil {
		return nil, err
	}
	settings := []types.Setting{}
	a.cell.State.View(ctx, func() {
		for _, name := range settingNames() {
			key := settingKey{principal, types.SettingName(name)}
			value, own := a.settings[key]
			if in.EffectiveSettings {
				value, own = a.effectiveSetting(principal, key.name), true
			}
			if own && (in.Name == "" || in.Name == key.name) && (in.Value == nil || *in.Value == value) {
				settings = append(settings, *setting(key, value))
			}
		}
	})

	limit := 10
	if in.MaxResults > 0 && in.MaxResults < 10 {
		limit = int(in.MaxResults)
	}
	settings, next, err := page.Of(settings, func(s types.Setting) string { return string(s.Name) }, in.NextToken, limit)
	if err != nil {
		return nil, fault.InvalidParameter("Invalid token: %s", aws.ToString(in.NextToken))
	}
	return &ecs.ListAccountSettingsOutput{Settings: settings, NextToken: next}, nil
}
