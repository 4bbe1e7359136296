package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/awscommand"
	"flyball/internal/loadtest"
)

// trafficCharts are the metrics of a load balancer, and of a target group of one.
var trafficCharts = []itemChart{
	{"requests", "Requests a minute", "", []itemLine{
		{"requests", "load", "RequestCount", "Sum", true, 1}, {"of targets, 4xx", "threshold", "HTTPCode_Target_4XX_Count", "Sum", true, 1}, {"of targets, 5xx", "bad", "HTTPCode_Target_5XX_Count", "Sum", true, 1},
	}},
	{"response", "Time of targets", "ms", []itemLine{
		{"p50", "metric", "TargetResponseTime", "p50", false, 1000}, {"p95", "load", "TargetResponseTime", "p95", false, 1000}, {"p99", "bad", "TargetResponseTime", "p99", false, 1000},
	}},
}

// ownCharts are what a load balancer measures beside.
var ownCharts = []itemChart{
	{"own", "Answers of its own a minute", "", []itemLine{{"4xx", "threshold", "HTTPCode_ELB_4XX_Count", "Sum", false, 1}, {"5xx", "bad", "HTTPCode_ELB_5XX_Count", "Sum", false, 1}}},
	{"connections", "Connections", "", []itemLine{{"active", "metric", "ActiveConnectionCount", "Maximum", false, 1}, {"new a minute", "load", "NewConnectionCount", "Sum", false, 1}}},
}

// hostCharts are what is measured of the targets of a group.
var hostCharts = []itemChart{
	{"hosts", "Targets", "", []itemLine{{"healthy", "good", "HealthyHostCount", "Minimum", false, 1}, {"unhealthy", "bad", "UnHealthyHostCount", "Maximum", false, 1}}},
}

func (c *console) loadBalancerCharts(v *visit) error {
	b, err := findBalancer(v)
	if err != nil {
		return err
	}
	return itemCharts(v, "AWS/ApplicationELB", dimensions("LoadBalancer", balancerDimension(aws.ToString(b.LoadBalancerArn))), slices.Concat(trafficCharts, ownCharts))
}

func (c *console) targetGroupCharts(v *visit) error {
	g, err := findGroup(v)
	if err != nil {
		return err
	}
	of := groupDimensions(g)
	return itemCharts(v, "AWS/ApplicationELB", of, slices.Concat(trafficCharts, hostCharts))
}

// balancerDimension is the end of an ARN, as metrics have it.
func balancerDimension(arn string) string {
	_, name, _ := strings.Cut(arn, ":loadbalancer/")
	return name
}

// groupDimensions are those of the metrics of a target group, behind its load balancer if it has one.
func groupDimensions(g types.TargetGroup) []cwtypes.Dimension {
	arn := aws.ToString(g.TargetGroupArn)
	of := []string{"TargetGroup", arn[strings.LastIndexByte(arn, ':')+1:]}
	if len(g.LoadBalancerArns) > 0 {
		of = append(of, "LoadBalancer", balancerDimension(g.LoadBalancerArns[0]))
	}
	return dimensions(of...)
}

// findBalancer finds the load balancer that an address names.
func findBalancer(v *visit) (b types.LoadBalancer, err error) {
	name := v.r.PathValue("name")
	out, err := v.Client.LoadBalancing.DescribeLoadBalancers(v.r.Context(), &elb.DescribeLoadBalancersInput{Names: []string{name}})
	if errors.As(err, new(*types.LoadBalancerNotFoundException)) || err == nil && len(out.LoadBalancers) == 0 {
		return b, &missing{"There is no load balancer " + name + " in region " + v.Region + "."}
	}
	if err != nil {
		return b, err
	}
	return out.LoadBalancers[0], nil
}

// findGroup finds the target group that an address names.
func findGroup(v *visit) (g types.TargetGroup, err error) {
	name := v.r.PathValue("name")
	out, err := v.Client.LoadBalancing.DescribeTargetGroups(v.r.Context(), &elb.DescribeTargetGroupsInput{Names: []string{name}})
	if errors.As(err, new(*types.TargetGroupNotFoundException)) || err == nil && len(out.TargetGroups) == 0 {
		return g, &missing{"There is no target group " + name + " in region " + v.Region + "."}
	}
	if err != nil {
		return g, err
	}
	return out.TargetGroups[0], nil
}

// loadBalancerItem reads one load balancer.
func (c *console) loadBalancerItem(v *visit) (*itemPage, error) {
	b, err := findBalancer(v)
	if err != nil {
		return nil, err
	}
	name, arn, l := aws.ToString(b.LoadBalancerName), aws.ToString(b.LoadBalancerArn), linksOf(v)
	p := &itemPage{Name: name, Section: "load-balancers", List: "Load balancers", Links: []cell{
		{Text: "Load test", Link: loadTestCell(v, loadtest.LoadBalancer, name).Link}, {Text: "As code", Link: l.To("load-balancers", name, "code")},
	}}
	if b.State != nil {
		p.State, p.Well = string(b.State.Code), b.State.Code == types.LoadBalancerStateEnumActive
		p.tell(said("Why", aws.ToString(b.State.Reason)))
	}
	var zones []string
	for _, z := range b.AvailabilityZones {
		zones = append(zones, strings.TrimSpace(aws.ToString(z.ZoneName)+" "+aws.ToString(z.SubnetId)))
	}
	p.tell(said("ARN", arn), said("Address", aws.ToString(b.DNSName)), said("Kind", string(b.Type)), said("Scheme", string(b.Scheme)), said("VPC", aws.ToString(b.VpcId)), said("Zones", zones...),
		said("Security groups", b.SecurityGroups...), said("Created", written(b.CreatedTime, "2006-01-02 15:04:05")), tagsOf(v, arn))
	listeners, err := listenerTable(v, arn)
	if err != nil {
		return nil, err
	}
	p.add("listeners", listeners)
	groups, err := c.groupTable(v, &elb.DescribeTargetGroupsInput{LoadBalancerArn: &arn})
	if err != nil {
		return nil, err
	}
	p.add("groups", groups)
	of := dimensions("LoadBalancer", balancerDimension(arn))
	if err := c.followedBy(v, p, of); err != nil {
		return nil, err
	}
	out, err := v.Client.LoadBalancing.DescribeLoadBalancerAttributes(v.r.Context(), &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &arn})
	if err != nil {
		return nil, err
	}
	attributes := map[string]string{}
	for _, a := range out.Attributes {
		attributes[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
	p.attributes(attributes, func(key, value string) call {
		in := &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &arn, Attributes: []types.LoadBalancerAttribute{{Key: &key, Value: &value}}}
		return call{command: awscommand.Format("elbv2", "modify-load-balancer-attributes", in), send: func(ctx context.Context) error {
			_, err := v.Client.LoadBalancing.ModifyLoadBalancerAttributes(ctx, in)
			return err
		}}
	})
	p.Forms = append(p.Forms, sure(name, form{ID: "delete", Do: "delete", Title: "Delete the load balancer", Verb: "Delete", Deletes: true, make: func(values) (call, error) {
		in := &elb.DeleteLoadBalancerInput{LoadBalancerArn: &arn}
		return call{command: awscommand.Format("elbv2", "delete-load-balancer", in), send: func(ctx context.Context) error {
			_, err := v.Client.LoadBalancing.DeleteLoadBalancer(ctx, in)
			return err
		}}, nil
	}}))
	return p, nil
}

// followedBy lists who follows the metrics of a thing: policies and alarms.
func (c *console) followedBy(v *visit, p *itemPage, of []cwtypes.Dimension) error {
	policies, err := c.policyTable(v, of)
	if err != nil {
		return err
	}
	p.add("policies", policies)
	alarms, err := alarmTable(v, of)
	p.add("alarms", alarms)
	return err
}

// tagsOf are the tags of a resource of load balancing. Who may not read them sees none.
func tagsOf(v *visit, arn string) fact {
	out, err := v.Client.LoadBalancing.DescribeTags(v.r.Context(), &elb.DescribeTagsInput{ResourceArns: []string{arn}})
	if err != nil || len(out.TagDescriptions) == 0 {
		return fact{}
	}
	all := map[string]string{}
	for _, t := range out.TagDescriptions[0].Tags {
		all[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return said("Tags", mapText(all))
}

// attributes lists attributes, and has a form that changes one of them.
func (p *itemPage) attributes(all map[string]string, change func(key, value string) call) {
	t := table{Title: "Attributes", Columns: []column{{Name: "Attribute"}, {Name: "Value"}}}
	f := form{ID: "attributes", Do: "attributes", Title: "Change an attribute", Fields: []field{{Name: "key", Label: "Attribute"}, {Name: "value", Label: "Value", Words: true, Optional: true}}}
	for key, value := range all {
		t.Rows = append(t.Rows, []cell{{Text: key}, {Text: cmp.Or(value, "–")}})
		f.Fields[0].Choices = append(f.Fields[0].Choices, key)
	}
	if len(all) == 0 {
		return
	}
	slices.SortFunc(t.Rows, func(a, b []cell) int { return strings.Compare(a[0].Text, b[0].Text) })
	slices.Sort(f.Fields[0].Choices)
	f.Fields[0].Value = f.Fields[0].Choices[0]
	f.Fields[1].Value = all[f.Fields[0].Value]
	f.make = func(typed values) (call, error) { return change(typed("key"), typed("value")), nil }
	p.add("attributes", t)
	p.Forms = append(p.Forms, f)
}

// listenerTable lists the listeners of a load balancer with their rules.
func listenerTable(v *visit, balancer string) (table, error) {
	t := table{Title: "Listeners and rules", Columns: []column{{Name: "Listener"}, {Name: "If"}, {Name: "Then"}}, Empty: "It listens nowhere: aws elbv2 create-listener makes a listener."}
	pages := elb.NewDescribeListenersPaginator(v.Client.LoadBalancing, &elb.DescribeListenersInput{LoadBalancerArn: &balancer})
	for pages.HasMorePages() {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return t, err
		}
		for _, listener := range page.Listeners {
			name := fmt.Sprintf("%s:%d", listener.Protocol, aws.ToInt32(listener.Port))
			rules, err := v.Client.LoadBalancing.DescribeRules(v.r.Context(), &elb.DescribeRulesInput{ListenerArn: listener.ListenerArn})
			if err != nil {
				return t, err
			}
			for _, r := range rules.Rules {
				t.Rows = append(t.Rows, []cell{{Text: name}, {Text: conditionsText(r), Note: "priority " + aws.ToString(r.Priority)}, actionsCell(linksOf(v), r.Actions)})
			}
		}
	}
	return t, nil
}

// conditionsText are the conditions of a rule in words.
func conditionsText(r types.Rule) string {
	if aws.ToBool(r.IsDefault) {
		return "no other rule does"
	}
	var parts []string
	for _, c := range r.Conditions {
		values := c.Values
		switch {
		case c.PathPatternConfig != nil:
			values = c.PathPatternConfig.Values
		case c.HostHeaderConfig != nil:
			values = c.HostHeaderConfig.Values
		case c.HttpHeaderConfig != nil:
			values = c.HttpHeaderConfig.Values
		case c.HttpRequestMethodConfig != nil:
			values = c.HttpRequestMethodConfig.Values
		case c.SourceIpConfig != nil:
			values = c.SourceIpConfig.Values
		}
		parts = append(parts, aws.ToString(c.Field)+" is "+strings.Join(values, " or "))
	}
	return strings.Join(parts, " and ")
}

// actionsCell are the actions of a rule. The last is the one that answers.
func actionsCell(l links, actions []types.Action) cell {
	if len(actions) == 0 {
		return cell{}
	}
	a := actions[len(actions)-1]
	switch {
	case a.ForwardConfig != nil && len(a.ForwardConfig.TargetGroups) > 1:
		var parts []string
		for _, g := range a.ForwardConfig.TargetGroups {
			parts = append(parts, fmt.Sprintf("%s with weight %d", groupName(aws.ToString(g.TargetGroupArn)), aws.ToInt32(g.Weight)))
		}
		return cell{Text: "forward to " + strings.Join(parts, ", ")}
	case a.TargetGroupArn != nil:
		name := groupName(*a.TargetGroupArn)
		return cell{Text: "forward to " + name, Link: l.To("target-groups", name)}
	case a.FixedResponseConfig != nil:
		return cell{Text: "answer " + aws.ToString(a.FixedResponseConfig.StatusCode)}
	case a.RedirectConfig != nil:
		return cell{Text: "redirect, " + string(a.RedirectConfig.StatusCode)}
	}
	return cell{Text: string(a.Type)}
}

// groupTable lists target groups with the services that use them.
func (c *console) groupTable(v *visit, in *elb.DescribeTargetGroupsInput) (table, error) {
	t := table{Title: "Target groups", Columns: []column{{Name: "Target group"}, {Name: "Protocol"}, {Name: "Services"}, {"Healthy", true}}, Empty: "It has none."}
	users, err := c.usersOf(v)
	if err != nil {
		return t, err
	}
	pages := elb.NewDescribeTargetGroupsPaginator(v.Client.LoadBalancing, in)
	for pages.HasMorePages() && len(t.Rows) < mostShown {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return t, err
		}
		for _, g := range page.TargetGroups {
			name, arn := aws.ToString(g.TargetGroupName), aws.ToString(g.TargetGroupArn)
			health, err := readHealth(v.r.Context(), v.Client, arn)
			if err != nil {
				return t, err
			}
			healthy := 0
			for _, h := range health {
				if h.State == string(types.TargetHealthStateEnumHealthy) {
					healthy++
				}
			}
			service := cell{Text: strings.Join(users[arn], ", ")}
			if len(users[arn]) == 1 {
				cluster, name, _ := strings.Cut(service.Text, "/")
				service.Link = linksOf(v).To("services", cluster, name)
			}
			t.Rows = append(t.Rows, []cell{
				{Text: name, Link: linksOf(v).To("target-groups", name)}, {Text: fmt.Sprintf("%s:%d", g.Protocol, aws.ToInt32(g.Port)), Note: string(g.TargetType)},
				service, {Text: fmt.Sprintf("%d of %d", healthy, len(health))},
			})
		}
	}
	return t, nil
}

// usersOf are the services of target groups, by the ARNs of these.
func (c *console) usersOf(v *visit) (map[string][]string, error) {
	state, err := c.snapshots.of(v.r.Context(), v.Visitor)
	if err != nil {
		return nil, err
	}
	users := map[string][]string{}
	for _, r := range state.Resources {
		for _, g := range r.Groups {
			users[g] = append(users[g], r.Name)
		}
	}
	return users, nil
}
