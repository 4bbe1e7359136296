package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/awscommand"
	"flyball/internal/hcl"
)

// writeBalancers writes the load balancers that the page lists with their target groups.
func writeBalancers(v *visit) (all code, err error) {
	pages := elb.NewDescribeLoadBalancersPaginator(v.Client.LoadBalancing, &elb.DescribeLoadBalancersInput{})
	for pages.HasMorePages() && len(all.plan) < mostWritten {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return all, err
		}
		for _, b := range page.LoadBalancers {
			if err := all.balancer(v, b); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// writeBalancer writes the load balancer that an address names.
func writeBalancer(v *visit) (all code, err error) {
	b, err := findBalancer(v)
	if err != nil {
		return all, err
	}
	return all, all.balancer(v, b)
}

// writeGroup writes the target group that an address names.
func writeGroup(v *visit) (all code, err error) {
	g, err := findGroup(v)
	if err != nil {
		return all, err
	}
	return all, all.group(v, g)
}

// groupWithBalancers writes a target group, and the load balancers that send it requests.
func (c *code) groupWithBalancers(v *visit, arn string) error {
	groups, err := v.Client.LoadBalancing.DescribeTargetGroups(v.r.Context(), &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{arn}})
	if err != nil || len(groups.TargetGroups) == 0 {
		return err
	}
	g := groups.TargetGroups[0]
	if len(g.LoadBalancerArns) == 0 {
		return c.group(v, g)
	}
	balancers, err := v.Client.LoadBalancing.DescribeLoadBalancers(v.r.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerArns: g.LoadBalancerArns})
	if err != nil {
		return err
	}
	for _, b := range balancers.LoadBalancers {
		if err := c.balancer(v, b); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether a resource is written already.
func (c *code) has(arn string) bool {
	return slices.ContainsFunc(c.made, func(m resourceMade) bool { return m.arn == arn })
}

// madeBy adds a resource that others name.
func (c *code) madeBy(arn, short, kind, name, command, query string, all hcl.Fields) {
	c.add(answered(command, variable(short, name), query), kind, name, arn, all, "")
	c.made = append(c.made, resourceMade{arn, variable(short, name), kind + "." + label(name) + ".arn"})
}

// tags are those of a resource of load balancing.
func readTags(v *visit, arn string) (map[string]string, error) {
	out, err := v.Client.LoadBalancing.DescribeTags(v.r.Context(), &elb.DescribeTagsInput{ResourceArns: []string{arn}})
	if err != nil || len(out.TagDescriptions) == 0 {
		return nil, err
	}
	all := map[string]string{}
	for _, t := range out.TagDescriptions[0].Tags {
		all[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return all, nil
}

func tag(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }

// An attributeField is an attribute of load balancing as Terraform has it, and what it usually is.
type attributeField struct{ attribute, field, usual string }

// attributeFields are those of load balancers.
var attributeFields = []attributeField{
	{"idle_timeout.timeout_seconds", "idle_timeout", "60"}, {"client_keep_alive.seconds", "client_keep_alive", "3600"}, {"deletion_protection.enabled", "enable_deletion_protection", "false"},
	{"routing.http2.enabled", "enable_http2", "true"}, {"routing.http.drop_invalid_header_fields.enabled", "drop_invalid_header_fields", "false"},
	{"routing.http.preserve_host_header.enabled", "preserve_host_header", "false"}, {"routing.http.desync_mitigation_mode", "desync_mitigation_mode", "defensive"},
	{"routing.http.xff_header_processing.mode", "xff_header_processing_mode", "append"}, {"routing.http.xff_client_port.enabled", "enable_xff_client_port", "false"},
	{"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "enable_tls_version_and_cipher_suite_headers", "false"}, {"waf.fail_open.enabled", "enable_waf_fail_open", "false"},
	{"zonal_shift.config.enabled", "enable_zonal_shift", "false"},
}

// groupFields are those of target groups.
var groupFields = []attributeField{
	{"deregistration_delay.timeout_seconds", "deregistration_delay", "300"}, {"slow_start.duration_seconds", "slow_start", "0"},
	{"load_balancing.algorithm.type", "load_balancing_algorithm_type", "round_robin"}, {"load_balancing.cross_zone.enabled", "load_balancing_cross_zone_enabled", "use_load_balancer_configuration"},
}

// unusual are the attributes that are other than usual, for calls and for Terraform.
func unusual(attributes map[string]string, known []attributeField) (changed map[string]string, fields hcl.Fields) {
	changed = map[string]string{}
	for _, f := range known {
		value := attributes[f.attribute]
		if value == "" || value == f.usual {
			continue
		}
		changed[f.attribute] = value
		var written any = value
		if n, err := strconv.Atoi(value); err == nil {
			written = n
		} else if value == "true" || value == "false" {
			written = value == "true"
		}
		fields = append(fields, hcl.Field{f.field, written})
	}
	return changed, fields
}

// balancer writes a load balancer with its listeners, their rules and the target groups behind it.
func (c *code) balancer(v *visit, b types.LoadBalancer) error {
	arn, name, api := aws.ToString(b.LoadBalancerArn), aws.ToString(b.LoadBalancerName), v.Client.LoadBalancing
	if c.has(arn) {
		return nil
	}
	pages := elb.NewDescribeTargetGroupsPaginator(api, &elb.DescribeTargetGroupsInput{LoadBalancerArn: &arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return err
		}
		for _, g := range page.TargetGroups {
			if err := c.group(v, g); err != nil {
				return err
			}
		}
	}
	tags, err := readTags(v, arn)
	if err != nil {
		return err
	}
	out, err := api.DescribeLoadBalancerAttributes(v.r.Context(), &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &arn})
	if err != nil {
		return err
	}
	attributes := map[string]string{}
	for _, a := range out.Attributes {
		attributes[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
	in := &elb.CreateLoadBalancerInput{Name: &name, Type: b.Type, Scheme: b.Scheme, SecurityGroups: b.SecurityGroups, Tags: tagged(tags, tag)}
	for _, z := range b.AvailabilityZones {
		in.Subnets = append(in.Subnets, aws.ToString(z.SubnetId))
	}
	changed, more := unusual(attributes, attributeFields)
	fields := append(hcl.Fields{
		{"name", name}, {"internal", b.Scheme == types.LoadBalancerSchemeEnumInternal}, {"load_balancer_type", string(b.Type)}, listField("security_groups", b.SecurityGroups), listField("subnets", in.Subnets),
	}, more...)
	c.madeBy(arn, "balancer", "aws_lb", name, awscommand.Format("elbv2", "create-load-balancer", in), "LoadBalancers[0].LoadBalancerArn", append(fields, mapField("tags", tags)))
	if len(changed) > 0 {
		modify := &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &arn, Attributes: tagged(changed, func(key, value string) types.LoadBalancerAttribute {
			return types.LoadBalancerAttribute{Key: &key, Value: &value}
		})}
		c.plan[len(c.plan)-1].Command += "\n" + awscommand.Format("elbv2", "modify-load-balancer-attributes", modify)
	}
	return c.listeners(v, arn, name)
}

// group writes a target group.
func (c *code) group(v *visit, g types.TargetGroup) error {
	arn, name := aws.ToString(g.TargetGroupArn), aws.ToString(g.TargetGroupName)
	if c.has(arn) {
		return nil
	}
	tags, err := readTags(v, arn)
	if err != nil {
		return err
	}
	out, err := v.Client.LoadBalancing.DescribeTargetGroupAttributes(v.r.Context(), &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: &arn})
	if err != nil {
		return err
	}
	attributes := map[string]string{}
	for _, a := range out.Attributes {
		attributes[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
	in := &elb.CreateTargetGroupInput{
		Name: &name, Port: g.Port, Protocol: g.Protocol, ProtocolVersion: g.ProtocolVersion, TargetType: g.TargetType, VpcId: g.VpcId, HealthCheckPath: g.HealthCheckPath, HealthCheckPort: g.HealthCheckPort,
		HealthCheckProtocol: g.HealthCheckProtocol, HealthCheckIntervalSeconds: g.HealthCheckIntervalSeconds, HealthCheckTimeoutSeconds: g.HealthCheckTimeoutSeconds,
		HealthyThresholdCount: g.HealthyThresholdCount, UnhealthyThresholdCount: g.UnhealthyThresholdCount, Matcher: g.Matcher, Tags: tagged(tags, tag),
	}
	changed, more := unusual(attributes, groupFields)
	fields := append(given(hcl.Fields{
		{"name", name}, {"port", g.Port}, {"protocol", text(g.Protocol)}, {"protocol_version", g.ProtocolVersion}, {"target_type", text(g.TargetType)}, {"vpc_id", g.VpcId},
	}), more...)
	fields = append(fields, mapField("tags", tags), hcl.Field{"health_check", healthBlock(g)})
	if attributes["stickiness.enabled"] == "true" {
		sticky := map[string]any{"Enabled": true, "Type": attributes["stickiness.type"]}
		changed["stickiness.enabled"], changed["stickiness.type"] = "true", attributes["stickiness.type"]
		if seconds, err := strconv.Atoi(attributes["stickiness.lb_cookie.duration_seconds"]); err == nil && attributes["stickiness.type"] == "lb_cookie" {
			sticky["CookieDuration"] = float64(seconds)
			changed["stickiness.lb_cookie.duration_seconds"] = strconv.Itoa(seconds)
		}
		fields = append(fields, hcl.Field{"stickiness", sticky})
	}
	c.madeBy(arn, "group", "aws_lb_target_group", name, awscommand.Format("elbv2", "create-target-group", in), "TargetGroups[0].TargetGroupArn", fields)
	if len(changed) > 0 {
		modify := &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: &arn, Attributes: tagged(changed, func(key, value string) types.TargetGroupAttribute {
			return types.TargetGroupAttribute{Key: &key, Value: &value}
		})}
		c.plan[len(c.plan)-1].Command += "\n" + awscommand.Format("elbv2", "modify-target-group-attributes", modify)
	}
	return nil
}

// healthBlock is how the targets of a group are looked at.
func healthBlock(g types.TargetGroup) map[string]any {
	block := map[string]any{
		"Enabled": aws.ToBool(g.HealthCheckEnabled), "Interval": number32(g.HealthCheckIntervalSeconds), "Timeout": number32(g.HealthCheckTimeoutSeconds),
		"HealthyThreshold": number32(g.HealthyThresholdCount), "UnhealthyThreshold": number32(g.UnhealthyThresholdCount), "Port": aws.ToString(g.HealthCheckPort), "Protocol": string(g.HealthCheckProtocol),
	}
	if g.HealthCheckPath != nil {
		block["Path"] = *g.HealthCheckPath
	}
	if g.Matcher != nil && g.Matcher.HttpCode != nil {
		block["Matcher"] = *g.Matcher.HttpCode
	}
	return block
}

func number32(n *int32) float64 { return float64(aws.ToInt32(n)) }

// listeners writes the listeners of a load balancer with their rules.
func (c *code) listeners(v *visit, balancer, name string) error {
	pages := elb.NewDescribeListenersPaginator(v.Client.LoadBalancing, &elb.DescribeListenersInput{LoadBalancerArn: &balancer})
	for pages.HasMorePages() {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return err
		}
		for _, l := range page.Listeners {
			arn, called := aws.ToString(l.ListenerArn), fmt.Sprintf("%s-%d", name, aws.ToInt32(l.Port))
			in := &elb.CreateListenerInput{LoadBalancerArn: &balancer, Port: l.Port, Protocol: l.Protocol, SslPolicy: l.SslPolicy, Certificates: l.Certificates, DefaultActions: shortActions(l.DefaultActions)}
			fields := given(hcl.Fields{{"load_balancer_arn", balancer}, {"port", l.Port}, {"protocol", text(l.Protocol)}, {"ssl_policy", l.SslPolicy}})
			if len(l.Certificates) > 0 {
				fields = append(fields, hcl.Field{"certificate_arn", aws.ToString(l.Certificates[0].CertificateArn)})
			}
			for _, a := range l.DefaultActions {
				fields = append(fields, hcl.Field{"default_action", actionBlock(a)})
			}
			fields = append(fields, unforwarded("default_action", l.DefaultActions))
			c.madeBy(arn, "listener", "aws_lb_listener", called, awscommand.Format("elbv2", "create-listener", in), "Listeners[0].ListenerArn", fields)
			if err := c.rules(v, arn, called); err != nil {
				return err
			}
		}
	}
	return nil
}

// rules writes the rules of a listener beside the default one.
func (c *code) rules(v *visit, listener, name string) error {
	out, err := v.Client.LoadBalancing.DescribeRules(v.r.Context(), &elb.DescribeRulesInput{ListenerArn: &listener})
	if err != nil {
		return err
	}
	for _, r := range out.Rules {
		priority, err := strconv.Atoi(aws.ToString(r.Priority))
		if err != nil {
			continue // the default
		}
		in := &elb.CreateRuleInput{ListenerArn: &listener, Priority: aws.Int32(int32(priority)), Conditions: shortConditions(r.Conditions), Actions: shortActions(r.Actions)}
		fields := hcl.Fields{{"listener_arn", listener}, {"priority", priority}}
		for _, a := range r.Actions {
			fields = append(fields, hcl.Field{"action", actionBlock(a)})
		}
		for _, condition := range r.Conditions {
			fields = append(fields, hcl.Field{"condition", conditionBlock(condition)})
		}
		fields = append(fields, unforwarded("action", r.Actions))
		c.add(awscommand.Format("elbv2", "create-rule", in), "aws_lb_listener_rule", fmt.Sprintf("%s-%d", name, priority), aws.ToString(r.RuleArn), fields, "")
	}
	return nil
}

// shortConditions are conditions without what says the same a second time.
func shortConditions(all []types.RuleCondition) []types.RuleCondition {
	all = slices.Clone(all)
	for i := range all {
		all[i].Values = nil
	}
	return all
}

// shortActions are actions without what says the same a second time.
func shortActions(all []types.Action) []types.Action {
	all = slices.Clone(all)
	for i := range all {
		if all[i].TargetGroupArn != nil {
			all[i].ForwardConfig = nil
		}
	}
	return all
}

// unforwarded has Terraform leave alone what the provider reads twice, once as the group and once as a
// forward to it, but wants to be written once.
func unforwarded(block string, actions []types.Action) hcl.Field {
	var twice []string
	for i, a := range actions {
		if a.TargetGroupArn != nil {
			twice = append(twice, fmt.Sprintf("%s[%d].forward", block, i))
		}
	}
	if len(twice) == 0 {
		return hcl.Field{}
	}
	return hcl.Field{"lifecycle", map[string]any{"IgnoreChanges": hcl.Raw("[" + strings.Join(twice, ", ") + "]")}}
}

// actionBlock is an action as Terraform has it.
func actionBlock(a types.Action) map[string]any {
	block := map[string]any{"Type": string(a.Type)}
	switch {
	case a.TargetGroupArn != nil:
		block["TargetGroupArn"] = *a.TargetGroupArn
	case a.ForwardConfig != nil:
		var groups []any
		for _, g := range a.ForwardConfig.TargetGroups {
			groups = append(groups, map[string]any{"Arn": aws.ToString(g.TargetGroupArn), "Weight": number32(g.Weight)})
		}
		forward := map[string]any{"TargetGroup": groups}
		if s := a.ForwardConfig.TargetGroupStickinessConfig; s != nil && aws.ToBool(s.Enabled) {
			forward["Stickiness"] = map[string]any{"Enabled": true, "Duration": number32(s.DurationSeconds)}
		}
		block["Forward"] = forward
	case a.FixedResponseConfig != nil:
		block["FixedResponse"] = hcl.Given(a.FixedResponseConfig)
	case a.RedirectConfig != nil:
		block["Redirect"] = hcl.Given(a.RedirectConfig)
	}
	return block
}

// conditionBlock is a condition of a rule as Terraform has it.
func conditionBlock(c types.RuleCondition) map[string]any {
	values := func(of []string) map[string]any { return map[string]any{"Values": hcl.Expression(hcl.Given(of))} }
	switch {
	case c.PathPatternConfig != nil:
		return map[string]any{"PathPattern": values(c.PathPatternConfig.Values)}
	case c.HostHeaderConfig != nil:
		return map[string]any{"HostHeader": values(c.HostHeaderConfig.Values)}
	case c.HttpRequestMethodConfig != nil:
		return map[string]any{"HttpRequestMethod": values(c.HttpRequestMethodConfig.Values)}
	case c.SourceIpConfig != nil:
		return map[string]any{"SourceIp": values(c.SourceIpConfig.Values)}
	case c.HttpHeaderConfig != nil:
		block := values(c.HttpHeaderConfig.Values)
		block["HttpHeaderName"] = aws.ToString(c.HttpHeaderConfig.HttpHeaderName)
		return map[string]any{"HttpHeader": block}
	case c.QueryStringConfig != nil:
		var pairs []any
		for _, p := range c.QueryStringConfig.Values {
			pair := map[string]any{"Value": aws.ToString(p.Value)}
			if p.Key != nil {
				pair["Key"] = *p.Key
			}
			pairs = append(pairs, pair)
		}
		return map[string]any{"QueryString": pairs}
	}
	return map[string]any{strings.ReplaceAll(aws.ToString(c.Field), "-", ""): values(c.Values)}
}
