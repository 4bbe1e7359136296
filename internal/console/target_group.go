package console

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/awscommand"
)

// targetGroupItem reads one target group.
func (c *console) targetGroupItem(v *visit) (*itemPage, error) {
	g, err := findGroup(v)
	if err != nil {
		return nil, err
	}
	api, ctx, l := v.Client.LoadBalancing, v.r.Context(), linksOf(v)
	name, arn := aws.ToString(g.TargetGroupName), aws.ToString(g.TargetGroupArn)
	p := &itemPage{Name: name, Section: "load-balancers", List: "Load balancers", Links: []cell{{Text: "As code", Link: l.To("target-groups", name, "code")}}}
	p.tell(said("ARN", arn), said("Targets are", string(g.TargetType)), said("Protocol", strings.TrimSpace(fmt.Sprintf("%s:%d %s", g.Protocol, aws.ToInt32(g.Port), aws.ToString(g.ProtocolVersion)))), said("VPC", aws.ToString(g.VpcId)))
	var balancers []cell
	for _, b := range g.LoadBalancerArns {
		one := strings.Split(balancerDimension(b), "/")
		balancers = append(balancers, cell{Text: one[min(1, len(one)-1)], Link: l.To("load-balancers", one[min(1, len(one)-1)])})
	}
	p.tell(fact{"Load balancer", balancers})
	users, err := c.usersOf(v)
	if err != nil {
		return nil, err
	}
	var services []cell
	for _, s := range users[arn] {
		cluster, service, _ := strings.Cut(s, "/")
		services = append(services, cell{Text: s, Link: l.To("services", cluster, service)})
	}
	p.tell(fact{"Services", services}, healthCheck(g), tagsOf(v, arn))
	health, err := api.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &arn})
	if err != nil {
		return nil, err
	}
	counts := map[types.TargetHealthStateEnum]int{}
	t := table{Title: "Targets", Columns: []column{{Name: "Target"}, {Name: "State"}, {Name: "Why"}}, Empty: "No target is registered."}
	for _, h := range health.TargetHealthDescriptions {
		counts[h.TargetHealth.State]++
		t.Rows = append(t.Rows, []cell{
			{Text: targetText(h.Target), Note: aws.ToString(h.Target.AvailabilityZone)}, {Text: string(h.TargetHealth.State)},
			{Text: aws.ToString(h.TargetHealth.Description), Note: string(h.TargetHealth.Reason)},
		})
	}
	p.add("targets", t)
	p.Figures = []figure{
		{"Targets", fmt.Sprint(len(health.TargetHealthDescriptions)), ""}, {"Healthy", fmt.Sprint(counts[types.TargetHealthStateEnumHealthy]), ""},
		{"Unhealthy", fmt.Sprint(counts[types.TargetHealthStateEnumUnhealthy]), ""},
	}
	if err := c.followedBy(v, p, dimensions("TargetGroup", arn[strings.LastIndexByte(arn, ':')+1:])); err != nil {
		return nil, err
	}
	out, err := api.DescribeTargetGroupAttributes(ctx, &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: &arn})
	if err != nil {
		return nil, err
	}
	p.Forms = append(p.Forms, healthForm(api, g))
	attributes := map[string]string{}
	for _, a := range out.Attributes {
		attributes[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
	p.attributes(attributes, func(key, value string) call {
		in := &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: &arn, Attributes: []types.TargetGroupAttribute{{Key: &key, Value: &value}}}
		return call{command: awscommand.Format("elbv2", "modify-target-group-attributes", in), send: func(ctx context.Context) error {
			_, err := api.ModifyTargetGroupAttributes(ctx, in)
			return err
		}}
	})
	p.Forms = append(p.Forms, targetForms(api, arn, health.TargetHealthDescriptions)...)
	p.Forms = append(p.Forms, sure(name, form{ID: "delete", Do: "delete", Title: "Delete the target group", Verb: "Delete", Deletes: true, make: func(values) (call, error) {
		in := &elb.DeleteTargetGroupInput{TargetGroupArn: &arn}
		return call{command: awscommand.Format("elbv2", "delete-target-group", in), send: func(ctx context.Context) error {
			_, err := api.DeleteTargetGroup(ctx, in)
			return err
		}}, nil
	}}))
	return p, nil
}

// targetText is a target with its port.
func targetText(t *types.TargetDescription) string {
	if t == nil {
		return ""
	}
	if t.Port == nil {
		return aws.ToString(t.Id)
	}
	return fmt.Sprintf("%s:%d", aws.ToString(t.Id), *t.Port)
}

// healthCheck is how the targets of a group are looked at.
func healthCheck(g types.TargetGroup) fact {
	if !aws.ToBool(g.HealthCheckEnabled) {
		return said("Health checks", "none")
	}
	what := strings.TrimSpace(string(g.HealthCheckProtocol) + " " + aws.ToString(g.HealthCheckPath) + " at port " + aws.ToString(g.HealthCheckPort))
	every := fmt.Sprintf("every %d s, for %d s; healthy after %d, unhealthy after %d", aws.ToInt32(g.HealthCheckIntervalSeconds), aws.ToInt32(g.HealthCheckTimeoutSeconds),
		aws.ToInt32(g.HealthyThresholdCount), aws.ToInt32(g.UnhealthyThresholdCount))
	if g.Matcher != nil {
		every += "; well is " + cmp.Or(aws.ToString(g.Matcher.HttpCode), aws.ToString(g.Matcher.GrpcCode))
	}
	return said("Health checks", what, every)
}

// healthForm changes how the targets of a group are looked at.
func healthForm(api *elb.Client, g types.TargetGroup) form {
	f := form{
		ID: "health", Do: "health", Title: "Health checks",
		Fields: []field{
			{Name: "path", Label: "Path", Value: aws.ToString(g.HealthCheckPath), Words: true, Optional: true}, {Name: "interval", Label: "Every, s", Value: digits(g.HealthCheckIntervalSeconds)},
			{Name: "timeout", Label: "Timeout, s", Value: digits(g.HealthCheckTimeoutSeconds)}, {Name: "healthy", Label: "Healthy after", Value: digits(g.HealthyThresholdCount)},
			{Name: "unhealthy", Label: "Unhealthy after", Value: digits(g.UnhealthyThresholdCount)},
		},
	}
	if g.Matcher != nil && g.Matcher.HttpCode != nil {
		f.Fields = append(f.Fields, field{Name: "codes", Label: "Codes that are well", Value: *g.Matcher.HttpCode, Words: true})
	}
	f.make = func(typed values) (call, error) {
		in := &elb.ModifyTargetGroupInput{TargetGroupArn: g.TargetGroupArn, HealthCheckPath: optionalText(typed("path"))}
		if codes := optionalText(typed("codes")); codes != nil {
			in.Matcher = &types.Matcher{HttpCode: codes}
		}
		var err error
		for name, to := range map[string]**int32{"interval": &in.HealthCheckIntervalSeconds, "timeout": &in.HealthCheckTimeoutSeconds, "healthy": &in.HealthyThresholdCount, "unhealthy": &in.UnhealthyThresholdCount} {
			n, bad := whole(typed(name))
			*to, err = n, cmp.Or(err, bad)
		}
		return call{command: awscommand.Format("elbv2", "modify-target-group", in), send: func(ctx context.Context) error {
			_, err := api.ModifyTargetGroup(ctx, in)
			return err
		}}, err
	}
	return f
}

// targetForms register a target, and deregister one.
func targetForms(api *elb.Client, arn string, there []types.TargetHealthDescription) []form {
	forms := []form{{
		ID: "register", Do: "register", Title: "Register a target", Verb: "Register",
		Fields: []field{{Name: "target", Label: "Address, instance or ARN", Words: true}, {Name: "port", Label: "Port; empty: that of the group", Optional: true}},
		make: func(typed values) (call, error) {
			target := types.TargetDescription{Id: aws.String(strings.TrimSpace(typed("target")))}
			var err error
			if text := typed("port"); text != "" {
				target.Port, err = whole(text)
			}
			in := &elb.RegisterTargetsInput{TargetGroupArn: &arn, Targets: []types.TargetDescription{target}}
			return call{command: awscommand.Format("elbv2", "register-targets", in), send: func(ctx context.Context) error {
				_, err := api.RegisterTargets(ctx, in)
				return err
			}}, err
		},
	}}
	byText := map[string]*types.TargetDescription{}
	leave := field{Name: "leaving", Label: "Target"}
	for _, h := range there {
		byText[targetText(h.Target)] = h.Target
		leave.Choices = append(leave.Choices, targetText(h.Target))
	}
	if len(leave.Choices) == 0 {
		return forms
	}
	leave.Value = leave.Choices[0]
	return append(forms, form{
		ID: "deregister", Do: "deregister", Title: "Deregister a target", Verb: "Deregister", Fields: []field{leave},
		make: func(typed values) (call, error) {
			target := byText[typed("leaving")]
			if target == nil {
				return call{}, fmt.Errorf("%q is no target of this group", typed("leaving"))
			}
			in := &elb.DeregisterTargetsInput{TargetGroupArn: &arn, Targets: []types.TargetDescription{{Id: target.Id, Port: target.Port}}}
			return call{command: awscommand.Format("elbv2", "deregister-targets", in), send: func(ctx context.Context) error {
				_, err := api.DeregisterTargets(ctx, in)
				return err
			}}, nil
		},
	})
}
