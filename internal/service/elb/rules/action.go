package rules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
)

// Bounds of actions ("Quotas for your Application Load Balancers").
const (
	MostGroups = 5
	maxWeight  = 999
)

// Actions are the actions of a listener or a rule as they are read back. There is
// one that routes, and none before it: those that ask clients who they are need
// others than this server.
func Actions(given []types.Action) ([]types.Action, error) {
	switch {
	case len(given) == 0:
		return nil, fault.Validation("At least one action must be specified")
	}
	if err := checkTogether(given); err != nil {
		return nil, err
	}
	actions := make([]types.Action, len(given))
	for i, a := range given {
		var err error
		if actions[i], err = action(a); err != nil {
			return nil, err
		}
	}
	return actions, nil
}

// checkTogether refuses more than one action that routes.
func checkTogether(actions []types.Action) error {
	var routing []string
	for _, a := range actions {
		switch a.Type {
		case types.ActionTypeEnumForward, types.ActionTypeEnumRedirect, types.ActionTypeEnumFixedResponse:
			routing = append(routing, string(a.Type))
		}
	}
	if len(routing) > 1 {
		return fault.InvalidAction("Action types '%s' cannot be specified together", strings.Join(routing, ","))
	}
	return nil
}

func action(a types.Action) (types.Action, error) {
	err := checkConfigs(a)
	if err != nil {
		return a, err
	}
	switch a.Type {
	case types.ActionTypeEnumForward:
		a.ForwardConfig, err = forward(a)
		a.TargetGroupArn = nil
		if err == nil && len(a.ForwardConfig.TargetGroups) == 1 {
			a.TargetGroupArn = a.ForwardConfig.TargetGroups[0].TargetGroupArn
		}
	case types.ActionTypeEnumRedirect:
		a.RedirectConfig, err = redirect(a.RedirectConfig)
	case types.ActionTypeEnumFixedResponse:
		err = checkFixedResponse(a.FixedResponseConfig)
	default:
		err = fault.NotServed("Actions of the type '" + string(a.Type) + "' are")
	}
	return a, err
}

// checkConfigs refuses what another type of action would do.
func checkConfigs(a types.Action) error {
	for _, c := range []struct {
		name  string
		of    types.ActionTypeEnum
		given bool
	}{
		{"TargetGroupArn", types.ActionTypeEnumForward, a.TargetGroupArn != nil},
		{"ForwardConfig", types.ActionTypeEnumForward, a.ForwardConfig != nil},
		{"RedirectConfig", types.ActionTypeEnumRedirect, a.RedirectConfig != nil},
		{"FixedResponseConfig", types.ActionTypeEnumFixedResponse, a.FixedResponseConfig != nil},
		{"AuthenticateCognitoConfig", types.ActionTypeEnumAuthenticateCognito, a.AuthenticateCognitoConfig != nil},
		{"AuthenticateOidcConfig", types.ActionTypeEnumAuthenticateOidc, a.AuthenticateOidcConfig != nil},
		{"JwtValidationConfig", types.ActionTypeEnumJwtValidation, a.JwtValidationConfig != nil},
	} {
		if c.given && c.of != a.Type {
			return fault.InvalidAction("%s cannot be specified with the action type '%s'", c.name, a.Type)
		}
	}
	return nil
}

// forward is where an action forwards to. One target group can be named in two
// ways, and is read back in both.
func forward(a types.Action) (*types.ForwardActionConfig, error) {
	f := a.ForwardConfig
	if f == nil || len(f.TargetGroups) == 0 {
		if a.TargetGroupArn == nil {
			return nil, fault.Validation("A target group ARN must be specified")
		}
		f = &types.ForwardActionConfig{TargetGroups: []types.TargetGroupTuple{{TargetGroupArn: a.TargetGroupArn}}}
		if a.ForwardConfig != nil {
			f.TargetGroupStickinessConfig = a.ForwardConfig.TargetGroupStickinessConfig
		}
	} else if a.TargetGroupArn != nil && (len(f.TargetGroups) > 1 || aws.ToString(f.TargetGroups[0].TargetGroupArn) != *a.TargetGroupArn) {
		return nil, fault.Validation("You can specify both a target group list and a top-level target group ARN only if the ARNs match")
	}
	if len(f.TargetGroups) > MostGroups {
		return nil, fault.TooManyActions("You cannot specify more than %d target groups per action", MostGroups)
	}
	whole := &types.ForwardActionConfig{TargetGroups: slices.Clone(f.TargetGroups), TargetGroupStickinessConfig: f.TargetGroupStickinessConfig}
	for i := range whole.TargetGroups {
		if err := checkTuple(&whole.TargetGroups[i], whole.TargetGroups[:i], len(whole.TargetGroups) > 1); err != nil {
			return nil, err
		}
	}
	return whole, checkStickiness(whole)
}

// checkTuple checks a target group of an action. One of several has to say how much it
// gets, and one alone gets all.
func checkTuple(t *types.TargetGroupTuple, before []types.TargetGroupTuple, several bool) error {
	arn := aws.ToString(t.TargetGroupArn)
	if t.Weight == nil && !several {
		t.Weight = aws.Int32(1)
	}
	switch {
	case arn == "":
		return fault.Validation("A target group ARN must be specified")
	case several && (t.Weight == nil || *t.Weight < 0 || *t.Weight > maxWeight):
		return fault.Validation("The weight for each target group must be between 0 and %d, inclusive", maxWeight)
	case !several && (*t.Weight < 1 || *t.Weight > maxWeight):
		return fault.Validation("The weight for the target group must be between 1 and %d, inclusive", maxWeight)
	case slices.ContainsFunc(before, func(b types.TargetGroupTuple) bool { return *b.TargetGroupArn == arn }):
		return fault.Validation("Target group '%s' was specified multiple times", arn)
	}
	return nil
}

func checkStickiness(f *types.ForwardActionConfig) error {
	s := f.TargetGroupStickinessConfig
	if s == nil {
		f.TargetGroupStickinessConfig = &types.TargetGroupStickinessConfig{Enabled: aws.Bool(false)}
		return nil
	}
	f.TargetGroupStickinessConfig = &types.TargetGroupStickinessConfig{Enabled: cmp.Or(s.Enabled, aws.Bool(false)), DurationSeconds: s.DurationSeconds}
	switch d := s.DurationSeconds; {
	case !aws.ToBool(s.Enabled) && aws.ToInt32(d) == 0: // Terraform says 0 where there is none
	case d == nil:
		return fault.Validation("You must provide a duration when enabling target group stickiness")
	case *d < 1 || *d > week:
		return fault.Validation("Target group stickiness duration must be between 1 and %d seconds", week)
	}
	return nil
}

// redirect is where an action redirects to: what is not given is the request's.
func redirect(r *types.RedirectActionConfig) (*types.RedirectActionConfig, error) {
	if r == nil {
		return nil, fault.Validation("For actions of type 'redirect', you must specify the following fields: 'RedirectConfig'")
	}
	whole := &types.RedirectActionConfig{
		StatusCode: r.StatusCode,
		Protocol:   cmp.Or(r.Protocol, aws.String("#{protocol}")), Host: cmp.Or(r.Host, aws.String("#{host}")),
		Port: cmp.Or(r.Port, aws.String("#{port}")), Path: cmp.Or(r.Path, aws.String("/#{path}")), Query: cmp.Or(r.Query, aws.String("#{query}")),
	}
	if port := *whole.Port; port != "#{port}" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, fault.Validation("The Port parameter must be either an integer between 1 and 65535 or '#{port}'.")
		}
	}
	switch {
	case !strings.HasPrefix(*whole.Path, "/"):
		return nil, fault.Validation("The Path parameter must be a valid path, should start with a '/', and may contain up to one of each of these placeholders: " +
			"'#{path}', '#{host}', '#{port}'.")
	case *whole.Protocol == "#{protocol}" && *whole.Host == "#{host}" && *whole.Port == "#{port}" && *whole.Path == "/#{path}":
		return nil, fault.InvalidAction("The redirect configuration is not valid because it creates a loop")
	}
	return whole, nil
}

var contentTypes = []string{"text/html", "application/json", "application/javascript", "text/css", "text/plain"}

func checkFixedResponse(f *types.FixedResponseActionConfig) error {
	if f == nil {
		return fault.Validation("For actions of type 'fixed-response', you must specify the following fields: 'FixedResponseConfig'")
	}
	if t := aws.ToString(f.ContentType); t != "" && !slices.Contains(contentTypes, t) {
		return fault.InvalidAction("The ContentType must be one of:'%s'", strings.Join(contentTypes, "', '"))
	}
	return nil
}

// Groups are the target groups that actions forward to.
func Groups(actions []types.Action) (arns []string) {
	for _, a := range actions {
		if a.ForwardConfig == nil {
			continue
		}
		for _, t := range a.ForwardConfig.TargetGroups {
			arns = append(arns, *t.TargetGroupArn)
		}
	}
	return arns
}
