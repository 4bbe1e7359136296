package policydoc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// Settings are other values of a target and its policies, to ask what they would have done.
type Settings []Setting

// A Setting is one value, such as policy.cpu.target=60 or min=2.
type Setting struct {
	Policy string // "" is the target
	Field  string
	Value  string
}

// String is the setting as ParseSettings reads it.
func (s Setting) String() string {
	if s.Policy == "" {
		return s.Field + "=" + s.Value
	}
	return "policy." + s.Policy + "." + s.Field + "=" + s.Value
}

// Texts are the settings as ParseSettings reads them.
func (s Settings) Texts() []string {
	var all []string
	for _, one := range s {
		all = append(all, one.String())
	}
	return all
}

// ParseSettings reads settings: min=N and max=N of the target, and policy.NAME.FIELD=VALUE.
func ParseSettings(texts []string) (Settings, error) {
	var all Settings
	for _, text := range texts {
		one, err := parseSetting(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(s Setting) bool { return s.Policy == one.Policy && s.Field == one.Field }) {
			return nil, fmt.Errorf("%s: the value is set twice; give one of the two", text)
		}
		all = append(all, one)
	}
	return all, nil
}

const settingForm = "write one such as policy.cpu.target=60 or max=20"

func parseSetting(text string) (s Setting, err error) {
	name, value, is := strings.Cut(text, "=")
	name, s.Value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !is || name == "" || s.Value == "" {
		return s, fmt.Errorf("%q is no setting: %s", shortened(text), settingForm)
	}
	known := []string{"min", "max"}
	s.Field = name
	if of, is := strings.CutPrefix(name, "policy."); is {
		dot := strings.LastIndex(of, ".")
		if dot < 1 {
			return s, fmt.Errorf("%q names no value of a policy: %s", shortened(text), settingForm)
		}
		s.Policy, s.Field = of[:dot], of[dot+1:]
		known = SettingFields()
	}
	if !slices.Contains(known, s.Field) {
		if s.Policy == "" {
			return s, fmt.Errorf("%s is nothing that can be set: min, max and policy.NAME.FIELD are; %s", shortened(name), settingForm)
		}
		hint := strings.Join(known, ", ") + " are"
		if near := nearest(s.Field, known); near != "" {
			hint = near + " is"
		}
		return s, fmt.Errorf("policy.%s.%s is nothing that can be set; %s", shortened(s.Policy), shortened(s.Field), hint)
	}
	return s, s.check()
}

// SettingFields are the values of a policy that can be set.
func SettingFields() []string {
	return []string{"target", "scaleOutCooldown", "scaleInCooldown", "scaleIn", "cooldown", "steps", "threshold"}
}

// check refuses a value that no policy could have.
func (s Setting) check() error {
	var err error
	such := "60"
	switch s.Field {
	case "target", "threshold":
		var v float64
		if v, err = strconv.ParseFloat(s.Value, 64); err == nil && (!(v < 1e300) || v <= 0 && s.Field == "target" || v < -1e300) {
			err = errors.New("out of range")
		}
	case "scaleIn":
		_, err = strconv.ParseBool(s.Value)
		such = "false"
	case "steps":
		_, err = parseSteps(s.Value)
		such = "0:2,10:4 (from 0 above the threshold on 2 are added, from 10 on 4)"
	default:
		var n int64
		if n, err = strconv.ParseInt(s.Value, 10, 32); err == nil && n < 0 {
			err = errors.New("negative")
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %q is no value for it; write one such as %s", s, s.Value, such)
	}
	return nil
}

// parseSteps reads steps: pairs of a distance from the threshold and what is added from there on.
func parseSteps(text string) ([]types.StepAdjustment, error) {
	var steps []types.StepAdjustment
	for i, one := range strings.Split(text, ",") {
		from, add, is := strings.Cut(one, ":")
		bound, err := strconv.ParseFloat(strings.TrimSpace(from), 64)
		amount, err2 := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(add), "+"), 10, 32)
		if !is || err != nil || err2 != nil || bound != bound {
			return nil, errors.New("no steps")
		}
		if i > 0 {
			before := &steps[i-1]
			if bound <= *before.MetricIntervalLowerBound {
				return nil, errors.New("steps out of order")
			}
			before.MetricIntervalUpperBound = aws.Float64(bound)
		}
		steps = append(steps, types.StepAdjustment{MetricIntervalLowerBound: aws.Float64(bound), ScalingAdjustment: aws.Int32(int32(amount))})
	}
	return steps, nil
}

// With are the documents with other values. The documents that it is called on stay as they are.
func (d Documents) With(settings Settings) (Documents, error) {
	d.Targets, d.Policies, d.Alarms = slices.Clone(d.Targets), slices.Clone(d.Policies), slices.Clone(d.Alarms)
	for _, s := range settings {
		if err := d.set(s); err != nil {
			return d, fmt.Errorf("%s: %w", s, err)
		}
	}
	return d, nil
}

func (d *Documents) set(s Setting) error {
	if s.Policy == "" {
		if len(d.Targets) == 0 {
			return errors.New("there is no scalable target whose bounds could be set")
		}
		n, _ := strconv.ParseInt(s.Value, 10, 32)
		for i := range d.Targets {
			if s.Field == "min" {
				d.Targets[i].MinCapacity = aws.Int32(int32(n))
			} else {
				d.Targets[i].MaxCapacity = aws.Int32(int32(n))
			}
		}
		return nil
	}
	var names []string
	for i := range d.Policies {
		name := aws.ToString(d.Policies[i].PolicyName)
		if name == s.Policy {
			return d.setPolicy(&d.Policies[i], s)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return errors.New("the target has no policies")
	}
	return fmt.Errorf("there is no policy %s; there are %s", shortened(s.Policy), strings.Join(names, ", "))
}

// setPolicy sets a value of a policy in a configuration of its own.
func (d *Documents) setPolicy(p *types.ScalingPolicy, s Setting) error {
	switch {
	case p.TargetTrackingScalingPolicyConfiguration != nil:
		c := *p.TargetTrackingScalingPolicyConfiguration
		p.TargetTrackingScalingPolicyConfiguration = &c
		return s.tracking(&c)
	case p.StepScalingPolicyConfiguration != nil:
		if s.Field == "threshold" {
			return d.setThreshold(p, s)
		}
		c := *p.StepScalingPolicyConfiguration
		p.StepScalingPolicyConfiguration = &c
		return s.stepping(&c)
	case p.PredictiveScalingPolicyConfiguration != nil:
		c := *p.PredictiveScalingPolicyConfiguration
		p.PredictiveScalingPolicyConfiguration = &c
		if s.Field != "target" {
			return s.foreign("predictive", "target")
		}
		c.MetricSpecifications = slices.Clone(c.MetricSpecifications)
		for i := range c.MetricSpecifications {
			c.MetricSpecifications[i].TargetValue = s.number()
		}
	}
	return nil
}

// foreign says that a policy of a kind has no such value.
func (s Setting) foreign(kind, fields string) error {
	return fmt.Errorf("%s is a %s policy, of which %s can be set", s.Policy, kind, fields)
}

func (s Setting) number() *float64 {
	v, _ := strconv.ParseFloat(s.Value, 64)
	return &v
}

func (s Setting) seconds() *int32 {
	n, _ := strconv.ParseInt(s.Value, 10, 32)
	return aws.Int32(int32(n))
}

func (s Setting) tracking(c *types.TargetTrackingScalingPolicyConfiguration) error {
	switch s.Field {
	case "target":
		c.TargetValue = s.number()
	case "scaleOutCooldown":
		c.ScaleOutCooldown = s.seconds()
	case "scaleInCooldown":
		c.ScaleInCooldown = s.seconds()
	case "scaleIn":
		scalesIn, _ := strconv.ParseBool(s.Value)
		c.DisableScaleIn = aws.Bool(!scalesIn)
	case "cooldown":
		c.ScaleOutCooldown, c.ScaleInCooldown = s.seconds(), s.seconds()
	default:
		return s.foreign("target tracking", "target, scaleOutCooldown, scaleInCooldown, cooldown (both) and scaleIn")
	}
	return nil
}

func (s Setting) stepping(c *types.StepScalingPolicyConfiguration) error {
	switch s.Field {
	case "cooldown":
		c.Cooldown = s.seconds()
	case "steps":
		c.StepAdjustments, _ = parseSteps(s.Value)
	default:
		return s.foreign("step", "steps, cooldown and threshold (of the alarm that calls it)")
	}
	return nil
}

// setThreshold sets the threshold of the alarm that calls a step policy.
func (d *Documents) setThreshold(p *types.ScalingPolicy, s Setting) error {
	found := -1
	for i, a := range d.Alarms {
		if !slices.Contains(a.AlarmActions, aws.ToString(p.PolicyARN)) {
			continue
		}
		if found >= 0 {
			return errors.New("several alarms call the policy: which of the thresholds is meant cannot be told")
		}
		found = i
	}
	if found < 0 {
		return errors.New("no alarm that calls the policy is described")
	}
	d.Alarms[found].Threshold = s.number()
	return nil
}
