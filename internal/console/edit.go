package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go"

	"flyball/internal/awscommand"
	"flyball/internal/client"
	"flyball/scaling"
)

// An editPage changes how a service is scaled. Each form is one call, which is shown as a command,
// and as Terraform has it.
type editPage struct {
	Cluster, Name string
	Forms         []form
	Done          string // the command that was carried out
}

// A form is what one call is made of.
type form struct {
	ID      string // on its page
	Do      string // names it in the request
	Title   string
	Verb    string // of its button; empty: Change
	Fields  []field
	Command string // of the aws CLI, with the values as they are
	HCL     string // of Terraform; empty: it has no resource of its own
	Problem string // AWS's words for why it was not carried out
	Deletes bool   // what the page is about
	Grave   bool   // what it does cannot be taken back
	Answer  string // to the call, once it was carried out
	make    func(values values) (call, error)
}

// A field is one value of a form.
type field struct {
	Name, Label, Value string
	Check              bool // it is on or off
	On                 bool
	Words              bool     // it is no number
	Long               bool     // it may have several lines
	Optional           bool     // it may be empty
	Choices            []string // which it has to be one of
	Says               []string // other words for it in errors of AWS, in lower case and without spaces
	Problem            string   // what is wrong with it, in AWS's words
}

// values are those that were typed, by the names of fields.
type values func(name string) string

// A call is one that a form makes.
type call struct {
	command, hcl string
	send         func(context.Context) error
	answer       func() string // to it, where there is one
}

// edit shows the forms.
func (c *console) edit(v *visit) error {
	p, err := readEditPage(v)
	if err != nil {
		return err
	}
	return c.showEdit(v, http.StatusOK, p)
}

// change carries out one form. What is refused is shown beside it, and nothing has changed.
func (c *console) change(v *visit) error {
	p, err := readEditPage(v)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(p.Forms, func(f form) bool { return f.Do == v.r.PostFormValue("do") })
	if i < 0 {
		return &missing{"There is no form " + v.r.PostFormValue("do") + " here any more. Open the page again, and look what there is now."}
	}
	done, ok := p.Forms[i].submit(v)
	if !ok {
		return c.showEdit(v, http.StatusBadRequest, p)
	}
	c.snapshots.forget()
	if p, err = readEditPage(v); err != nil {
		return err
	}
	p.Done = done
	return c.showEdit(v, http.StatusOK, p)
}

func (c *console) showEdit(v *visit, status int, p editPage) error {
	c.show(v, status, "edit.html", page{Title: "Change " + p.Cluster + "/" + p.Name, Section: "services", Body: p})
	return nil
}

// submit carries out a form with what was typed, and returns the command for it. What is refused is
// told in the form, and nothing has changed.
func (f *form) submit(v *visit) (done string, ok bool) {
	typed := func(name string) string { return strings.ReplaceAll(v.r.PostFormValue(name), "\r\n", "\n") } // browsers end lines so
	made, err := f.make(typed)
	if err == nil {
		err = made.send(v.r.Context())
	}
	if err != nil {
		f.fill(typed)
		f.Command, f.HCL = cmp.Or(made.command, f.Command), made.hcl
		if wrong := f.blamed(err); wrong != nil {
			wrong.Problem = problem(err)
		} else {
			f.Problem = problem(err)
		}
		return "", false
	}
	if made.answer != nil {
		f.Answer = made.answer()
	}
	return made.command, true
}

// blamed is the field that an error is about: the one that it names first, else the one whose value it
// has in quotes; nil where it is about none.
func (f *form) blamed(err error) (found *field) {
	text := err.Error()
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		text = api.ErrorMessage() // its code has words of its own
	}
	plain := strings.NewReplacer(" ", "", "-", "").Replace(strings.ToLower(text))
	first := len(plain)
	for i := range f.Fields {
		one := &f.Fields[i]
		for _, word := range append([]string{strings.ToLower(one.Name)}, one.Says...) {
			if at := strings.Index(plain, word); at >= 0 && at < first && !one.Check {
				found, first = one, at
			}
		}
	}
	for i := range f.Fields {
		one := &f.Fields[i]
		if found == nil && !one.Check && (strings.Contains(text, strconv.Quote(one.Value)) || one.Value != "" && strings.Contains(text, "'"+one.Value+"'")) {
			found = one
		}
	}
	return found
}

// preview shows the call with the values as they are.
func (f *form) preview() {
	if made, _ := f.make(f.value); made.send != nil {
		f.Command, f.HCL = made.command, made.hcl
	}
}

// fill keeps what was typed.
func (f *form) fill(typed values) {
	for i := range f.Fields {
		f.Fields[i].Value, f.Fields[i].On = typed(f.Fields[i].Name), typed(f.Fields[i].Name) != ""
	}
}

// problem is an error in AWS's words, and what to do.
func problem(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return problemOf(api)
	}
	return sentence(err)
}

// readEditPage reads what can be changed of a service.
func readEditPage(v *visit) (editPage, error) {
	p := editPage{Cluster: v.r.PathValue("cluster"), Name: v.r.PathValue("service")}
	ctx, c := v.r.Context(), v.Client
	out, err := c.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &p.Cluster, Services: []string{p.Name}})
	if err != nil {
		return p, err
	}
	if len(out.Services) == 0 {
		return p, &missing{"There is no service " + p.Cluster + "/" + p.Name + " in region " + v.Region + "."}
	}
	forms := []form{desiredForm(c, p.Cluster, p.Name, out.Services[0].DesiredCount)}
	id := scaling.ServiceID(p.Cluster, p.Name)
	targets, err := c.AutoScaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceIds: []string{string(id)},
	})
	if err != nil {
		return p, err
	}
	for _, t := range targets.ScalableTargets {
		forms = append(forms, boundsForm(c, t))
	}
	policies, err := c.AutoScaling.DescribeScalingPolicies(ctx, &applicationautoscaling.DescribeScalingPoliciesInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(string(id)),
	})
	if err != nil {
		return p, err
	}
	for _, policy := range policies.ScalingPolicies {
		if policy.TargetTrackingScalingPolicyConfiguration != nil {
			forms = append(forms, targetForm(c, policy))
		}
	}
	for i := range forms {
		forms[i].ID = fmt.Sprintf("form-%d", i)
		forms[i].preview()
	}
	p.Forms = forms
	return p, nil
}

// value is what a field holds.
func (f *form) value(name string) string {
	for _, field := range f.Fields {
		if field.Name == name && field.Check && field.On {
			return "on"
		}
		if field.Name == name && !field.Check {
			return field.Value
		}
	}
	return ""
}

// desiredForm sets the desired count.
func desiredForm(c *client.Client, cluster, service string, desired int32) form {
	return form{
		Do: "desired", Title: "Desired count", Fields: []field{{Name: "desired", Label: "Tasks", Value: fmt.Sprint(desired)}},
		make: func(typed values) (call, error) {
			count, err := whole(typed("desired"))
			in := &ecs.UpdateServiceInput{Cluster: &cluster, Service: &service, DesiredCount: count}
			return call{command: awscommand.Format("ecs", "update-service", in), send: func(ctx context.Context) error {
				_, err := c.ECS.UpdateService(ctx, in)
				return err
			}}, err
		},
	}
}

// boundsForm sets the bounds of a target, and what of its scaling is suspended.
func boundsForm(c *client.Client, t types.ScalableTarget) form {
	s := t.SuspendedState
	if s == nil {
		s = &types.SuspendedState{}
	}
	return form{
		Do: "bounds", Title: "Bounds and suspended scaling",
		Fields: []field{
			{Name: "min", Label: "Minimum", Value: fmt.Sprint(aws.ToInt32(t.MinCapacity))},
			{Name: "max", Label: "Maximum", Value: fmt.Sprint(aws.ToInt32(t.MaxCapacity))},
			{Name: "out", Label: "Suspend scale-out", Check: true, On: aws.ToBool(s.DynamicScalingOutSuspended)},
			{Name: "in", Label: "Suspend scale-in", Check: true, On: aws.ToBool(s.DynamicScalingInSuspended)},
			{Name: "scheduled", Label: "Suspend schedules", Check: true, On: aws.ToBool(s.ScheduledScalingSuspended)},
		},
		make: func(typed values) (call, error) {
			least, err := whole(typed("min"))
			most, otherErr := whole(typed("max"))
			in := &applicationautoscaling.RegisterScalableTargetInput{
				ServiceNamespace: t.ServiceNamespace, ResourceId: t.ResourceId, ScalableDimension: t.ScalableDimension, MinCapacity: least, MaxCapacity: most,
				SuspendedState: &types.SuspendedState{
					DynamicScalingOutSuspended: aws.Bool(typed("out") != ""), DynamicScalingInSuspended: aws.Bool(typed("in") != ""),
					ScheduledScalingSuspended: aws.Bool(typed("scheduled") != ""),
				},
			}
			return call{
				command: awscommand.Format("application-autoscaling", "register-scalable-target", in), hcl: targetHCL(in, ""),
				send: func(ctx context.Context) error {
					_, err := c.AutoScaling.RegisterScalableTarget(ctx, in)
					return err
				},
			}, cmp.Or(err, otherErr)
		},
	}
}

// targetForm sets the target value of a policy, of which all else stays.
func targetForm(c *client.Client, p types.ScalingPolicy) form {
	config := *p.TargetTrackingScalingPolicyConfiguration
	return form{
		Do: "policy " + aws.ToString(p.PolicyName), Title: "Policy " + aws.ToString(p.PolicyName),
		Fields: []field{{Name: "target", Label: "Target value", Value: number(aws.ToFloat64(config.TargetValue))}},
		make: func(typed values) (call, error) {
			target, err := strconv.ParseFloat(strings.TrimSpace(typed("target")), 64)
			if err != nil {
				return call{}, fmt.Errorf("the target value %q is no number; write one such as 50", typed("target"))
			}
			changed := config
			changed.TargetValue = &target
			in := &applicationautoscaling.PutScalingPolicyInput{
				ServiceNamespace: p.ServiceNamespace, ResourceId: p.ResourceId, ScalableDimension: p.ScalableDimension,
				PolicyName: p.PolicyName, PolicyType: p.PolicyType, TargetTrackingScalingPolicyConfiguration: &changed,
			}
			return call{
				command: awscommand.Format("application-autoscaling", "put-scaling-policy", in), hcl: policyHCL(in, false),
				send: func(ctx context.Context) error {
					_, err := c.AutoScaling.PutScalingPolicy(ctx, in)
					return err
				},
			}, nil
		},
	}
}

// whole reads a count.
func whole(text string) (*int32, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%q is no whole number; write one such as 4", text)
	}
	return aws.Int32(int32(n)), nil
}
