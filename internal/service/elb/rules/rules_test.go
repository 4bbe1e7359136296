package rules

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"
)

// wantError wants an AWS error that has a code and words in its message, separated
// by a colon; or none for "".
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	code, words, _ := strings.Cut(want, ": ")
	var api smithy.APIError
	switch {
	case want == "" && err == nil:
	case want == "" || err == nil || !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), words):
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"web": "", "Web-1": "", strings.Repeat("a", 32): "",
		"":                      "ValidationError: cannot be empty",
		strings.Repeat("a", 33): "ValidationError: cannot be longer than '32' characters",
		"a_b":                   "ValidationError: can only contain characters that are alphanumeric",
	} {
		wantError(t, CheckBalancerName(name), want)
		wantError(t, CheckGroupName(name), want)
	}
	wantError(t, CheckBalancerName("internal-web"), "ValidationError: cannot begin with 'internal-'")
	wantError(t, CheckBalancerName("a--b"), "")
	for _, name := range []string{"-a", "a-", "a--b"} {
		wantError(t, CheckGroupName(name), "ValidationError: Member must satisfy regular expression pattern")
	}
	wantError(t, CheckBalancerName("-a"), "ValidationError: cannot begin with a hyphen(-)")
	wantError(t, CheckBalancerName("a-"), "ValidationError: The load balancer name 'a-' cannot end with a hyphen(-)")
}

func TestTargetGroups(t *testing.T) {
	type in = elasticloadbalancingv2.CreateTargetGroupInput
	for name, c := range map[string]struct {
		change func(*in)
		want   string
	}{
		"usual":                        {func(*in) {}, ""},
		"gRPC":                         {func(i *in) { i.ProtocolVersion = aws.String("GRPC") }, ""},
		"codes and ranges":             {func(i *in) { i.Matcher = &types.Matcher{HttpCode: aws.String("200,202-299,499")} }, ""},
		"a port for checks":            {func(i *in) { i.HealthCheckPort = aws.String("9000") }, ""},
		"no protocol":                  {func(i *in) { i.Protocol = "" }, "ValidationError: A protocol must be specified"},
		"no port":                      {func(i *in) { i.Port = nil }, "ValidationError: A port must be specified"},
		"no VPC":                       {func(i *in) { i.VpcId = nil }, "ValidationError: A VPC ID must be specified"},
		"TCP":                          {func(i *in) { i.Protocol = types.ProtocolEnumTcp }, "ValidationError: 'TCP'"},
		"functions":                    {func(i *in) { i.TargetType = types.TargetTypeEnumLambda }, "ValidationError: 'lambda'"},
		"HTTP3":                        {func(i *in) { i.ProtocolVersion = aws.String("HTTP3") }, "ValidationError: must be one of '[GRPC, HTTP1, HTTP2]'"},
		"checks off":                   {func(i *in) { i.HealthCheckEnabled = aws.Bool(false) }, "ValidationError: Health check enabled must be true for target groups with target type 'ip'"},
		"a time-out like the interval": {func(i *in) { i.HealthCheckTimeoutSeconds = aws.Int32(30) }, "ValidationError: Health check timeout '30' must be smaller than the interval '30'"},
		"a relative path":              {func(i *in) { i.HealthCheckPath = aws.String("a") }, "ValidationError: must begin with a '/'"},
		"TCP checks":                   {func(i *in) { i.HealthCheckProtocol = types.ProtocolEnumTcp }, "ValidationError: must be one of '[HTTP, HTTPS]'"},
		"port 0":                       {func(i *in) { i.HealthCheckPort = aws.String("0") }, "ValidationError: Health check port '0'"},
		"code 500":                     {func(i *in) { i.Matcher = &types.Matcher{HttpCode: aws.String("200,500")} }, "ValidationError: Health check matcher HTTP code '500' must be within '200-499' inclusive"},
		"a range that falls":           {func(i *in) { i.Matcher = &types.Matcher{HttpCode: aws.String("300-200")} }, "ValidationError: '300-200'"},
		"a gRPC code for HTTP":         {func(i *in) { i.Matcher = &types.Matcher{GrpcCode: aws.String("0")} }, "ValidationError: must have HTTP codes"},
	} {
		t.Run(name, func(t *testing.T) {
			given := &in{Name: aws.String("app"), Protocol: types.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: aws.String("vpc-1"), TargetType: types.TargetTypeEnumIp}
			c.change(given)
			_, err := Group(given)
			wantError(t, err, c.want)
		})
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		kind types.TargetTypeEnum
		id   string
		want string
	}{
		{types.TargetTypeEnumIp, "10.0.0.1", ""},
		{types.TargetTypeEnumIp, "172.16.0.1", ""},
		{types.TargetTypeEnumIp, "192.168.0.1", ""},
		{types.TargetTypeEnumIp, "100.64.0.1", ""},
		{types.TargetTypeEnumIp, "127.64.0.1", ""},
		{types.TargetTypeEnumIp, "8.8.8.8", "InvalidTarget: 8.8.8.8"},
		{types.TargetTypeEnumIp, "fd00::1", "InvalidTarget: is not of the type 'ipv4'"},
		{types.TargetTypeEnumIp, "i-0123456789abcdef0", "ValidationError: is not a valid IPv4"},
		{types.TargetTypeEnumInstance, "i-0123456789abcdef0", ""},
		{types.TargetTypeEnumInstance, "10.0.0.1", "ValidationError: Instance ID '10.0.0.1' is not valid"},
	} {
		g := types.TargetGroup{TargetType: c.kind, Port: aws.Int32(80), IpAddressType: types.TargetGroupIpAddressTypeEnumIpv4}
		got, err := Target(g, types.TargetDescription{Id: &c.id})
		wantError(t, err, c.want)
		if err == nil && *got.Port != 80 {
			t.Errorf("%s has port %d, want the group's", c.id, *got.Port)
		}
	}
}

func TestConditions(t *testing.T) {
	type condition = types.RuleCondition
	on := func(field string, values ...string) condition { return condition{Field: &field, Values: values} }
	hostsOf := func(values ...string) condition {
		return condition{Field: aws.String("host-header"), HostHeaderConfig: &types.HostHeaderConditionConfig{Values: values}}
	}
	for name, c := range map[string]struct {
		given []condition
		want  string
	}{
		"a path": {[]condition{on("path-pattern", "/a/*")}, ""},
		"a host": {[]condition{on("host-header", "*.example.com")}, ""},
		"every field": {[]condition{
			{Field: aws.String("host-header"), HostHeaderConfig: &types.HostHeaderConditionConfig{RegexValues: []string{`^a\..*`}}},
			{Field: aws.String("http-header"), HttpHeaderConfig: &types.HttpHeaderConditionConfig{HttpHeaderName: aws.String("User-Agent"), Values: []string{"*Chrome*"}}},
			{Field: aws.String("http-request-method"), HttpRequestMethodConfig: &types.HttpRequestMethodConditionConfig{Values: []string{"GET"}}},
			{Field: aws.String("query-string"), QueryStringConfig: &types.QueryStringConditionConfig{Values: []types.QueryStringKeyValuePair{{Value: aws.String("a")}}}},
			{Field: aws.String("source-ip"), SourceIpConfig: &types.SourceIpConditionConfig{Values: []string{"2001:db8::/32"}}},
		}, ""},
		"several headers": {[]condition{
			{Field: aws.String("http-header"), HttpHeaderConfig: &types.HttpHeaderConditionConfig{HttpHeaderName: aws.String("A"), Values: []string{"a"}}},
			{Field: aws.String("http-header"), HttpHeaderConfig: &types.HttpHeaderConditionConfig{HttpHeaderName: aws.String("B"), RegexValues: []string{"b"}}},
		}, ""},
		"none":            {nil, "ValidationError: At least one condition"},
		"no field":        {[]condition{on("cookie", "a")}, "ValidationError: Condition field 'cookie' must be one of 'http-header,http-request-method,host-header,query-string,path-pattern,source-ip'"},
		"two paths":       {[]condition{on("path-pattern", "/a"), on("path-pattern", "/b")}, "ValidationError: A rule can only have one 'path-pattern' condition"},
		"six values":      {[]condition{hostsOf("1.a", "2.a", "3.a", "4.a", "5.a"), on("path-pattern", "/1")}, "ValidationError: A rule can only have '5' condition values and regex values"},
		"two values":      {[]condition{on("path-pattern", "/1", "/2")}, "ValidationError: The 'path-pattern' field contains too many values; the limit is '1'"},
		"six wildcards":   {[]condition{on("path-pattern", "/*?*?*?")}, "ValidationError: '5' condition wildcards"},
		"a long path":     {[]condition{on("path-pattern", "/"+strings.Repeat("a", 128))}, "ValidationError: Condition value for 'path-pattern' cannot contain more than 128 characters"},
		"a path with #":   {[]condition{on("path-pattern", "/#")}, "ValidationError: Condition value '/#' contains a character that is not valid"},
		"a host with _":   {[]condition{on("host-header", "a_b.c")}, "ValidationError: Condition value 'a_b.c' contains a character"},
		"a host in short": {[]condition{on("host-header", "web")}, "ValidationError: Condition value 'web' contains a character that is not valid"},
		"no value":        {[]condition{on("path-pattern")}, "ValidationError: For conditions of type 'path-pattern', you must specify the following fields: 'Values or RegexValues or PathPatternConfig'"},
		"no host":         {[]condition{hostsOf()}, "ValidationError: You must provide exactly one of the following: ['Values' 'RegexValues'] for config of type 'HostHeaderConfig'"},
		"a long header": {[]condition{{Field: aws.String("http-header"), HttpHeaderConfig: &types.HttpHeaderConditionConfig{HttpHeaderName: aws.String(strings.Repeat("a", 41)), Values: []string{"a"}}}},
			"ValidationError: Condition value for 'http-header' cannot contain more than 40 characters"},
		"values of a method": {[]condition{on("http-request-method", "GET")},
			"ValidationError: The 'Values' field is not compatible with 'http-request-method'"},
		"both ways": {[]condition{{Field: aws.String("path-pattern"), Values: []string{"/a"}, PathPatternConfig: &types.PathPatternConditionConfig{Values: []string{"/a"}}}},
			"ValidationError: You cannot provide both Values and 'PathPatternConfig' for a condition of type 'path-pattern'"},
		"a broken expression": {[]condition{{Field: aws.String("path-pattern"), RegexValues: []string{"("}}}, "ValidationError: regular expression '('"},
		"no configuration":    {[]condition{{Field: aws.String("source-ip")}}, "ValidationError: For conditions of type 'source-ip', you must specify the following fields: 'SourceIpConfig'"},
		"an address":          {[]condition{{Field: aws.String("source-ip"), SourceIpConfig: &types.SourceIpConditionConfig{Values: []string{"10.0.0.1"}}}}, "ValidationError: must be in CIDR format"},
		"the host as a header": {[]condition{{Field: aws.String("http-header"), HttpHeaderConfig: &types.HttpHeaderConditionConfig{HttpHeaderName: aws.String("Host"), Values: []string{"a"}}}},
			"ValidationError: use a 'host-header' condition"},
		"a method in lower case": {[]condition{{Field: aws.String("http-request-method"), HttpRequestMethodConfig: &types.HttpRequestMethodConditionConfig{Values: []string{"get"}}}},
			"ValidationError: The 'http-request-method' value is invalid; the allowed characters are A-Z, hyphen and underscore"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Conditions(c.given)
			wantError(t, err, c.want)
		})
	}
}

func TestAConditionIsReadBackInBothWays(t *testing.T) {
	field, values := aws.String("host-header"), []string{"a.example"}
	want := []types.RuleCondition{{Field: field, Values: values, HostHeaderConfig: &types.HostHeaderConditionConfig{Values: values}}}
	for _, given := range []types.RuleCondition{
		{Field: field, Values: values},
		{Field: field, HostHeaderConfig: &types.HostHeaderConditionConfig{Values: values}},
	} {
		if got, err := Conditions([]types.RuleCondition{given}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

func TestActions(t *testing.T) {
	tuple := func(arn string, weight int32) types.TargetGroupTuple {
		return types.TargetGroupTuple{TargetGroupArn: &arn, Weight: &weight}
	}
	forward := func(tuples ...types.TargetGroupTuple) types.Action {
		return types.Action{Type: types.ActionTypeEnumForward, ForwardConfig: &types.ForwardActionConfig{TargetGroups: tuples}}
	}
	fixed := types.Action{Type: types.ActionTypeEnumFixedResponse, FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("200")}}
	redirect := func(r types.RedirectActionConfig) types.Action {
		r.StatusCode = types.RedirectActionStatusCodeEnumHttp301
		return types.Action{Type: types.ActionTypeEnumRedirect, RedirectConfig: &r}
	}
	sticky := forward(tuple("a", 1), tuple("b", 1))
	sticky.ForwardConfig.TargetGroupStickinessConfig = &types.TargetGroupStickinessConfig{Enabled: aws.Bool(true)}
	both := forward(tuple("a", 1))
	both.TargetGroupArn = aws.String("b")
	mixed := fixed
	mixed.ForwardConfig = forward(tuple("a", 1)).ForwardConfig
	for name, c := range map[string]struct {
		given []types.Action
		want  string
	}{
		"one group":            {[]types.Action{forward(tuple("a", 999))}, ""},
		"five groups":          {[]types.Action{forward(tuple("a", 0), tuple("b", 1), tuple("c", 1), tuple("d", 1), tuple("e", 1))}, ""},
		"to HTTPS":             {[]types.Action{redirect(types.RedirectActionConfig{Protocol: aws.String("HTTPS"), Port: aws.String("443")})}, ""},
		"none":                 {nil, "ValidationError: At least one action"},
		"two that route":       {[]types.Action{fixed, fixed}, "InvalidLoadBalancerAction: Action types 'fixed-response,fixed-response' cannot be specified together"},
		"to nothing":           {[]types.Action{{Type: types.ActionTypeEnumForward}}, "ValidationError: A target group ARN must be specified"},
		"six groups":           {[]types.Action{forward(tuple("a", 1), tuple("b", 1), tuple("c", 1), tuple("d", 1), tuple("e", 1), tuple("f", 1))}, "TooManyActions: You cannot specify more than 5 target groups per action"},
		"a group twice":        {[]types.Action{forward(tuple("a", 1), tuple("a", 1))}, "ValidationError: multiple times"},
		"weight 1000":          {[]types.Action{forward(tuple("a", 1000))}, "ValidationError: The weight for the target group must be between 1 and 999, inclusive"},
		"one that gets none":   {[]types.Action{forward(tuple("a", 0))}, "ValidationError: The weight for the target group must be between 1 and 999"},
		"one without a weight": {[]types.Action{forward(tuple("a", 1), types.TargetGroupTuple{TargetGroupArn: aws.String("b")})}, "ValidationError: The weight for each target group must be between 0 and 999, inclusive"},
		"one alone without":    {[]types.Action{forward(types.TargetGroupTuple{TargetGroupArn: aws.String("b")})}, ""},
		"two names":            {[]types.Action{both}, "ValidationError: only if the ARNs match"},
		"no duration":          {[]types.Action{sticky}, "ValidationError: You must provide a duration when enabling target group stickiness"},
		"a loop":               {[]types.Action{redirect(types.RedirectActionConfig{Query: aws.String("a=b")})}, "InvalidLoadBalancerAction: because it creates a loop"},
		"a relative path":      {[]types.Action{redirect(types.RedirectActionConfig{Path: aws.String("a")})}, "ValidationError: The Path parameter must be a valid path, should start with a '/'"},
		"port 0":               {[]types.Action{redirect(types.RedirectActionConfig{Port: aws.String("0")})}, "ValidationError: The Port parameter must be either an integer between 1 and 65535 or '#{port}'."},
		"what others would do": {[]types.Action{mixed}, "InvalidLoadBalancerAction: ForwardConfig cannot be specified with the action type 'fixed-response'"},
		"authentication": {[]types.Action{{Type: types.ActionTypeEnumAuthenticateOidc, AuthenticateOidcConfig: &types.AuthenticateOidcActionConfig{}}, fixed},
			"ValidationError: 'authenticate-oidc'"},
		"tokens": {[]types.Action{{Type: types.ActionTypeEnumJwtValidation}, fixed}, "ValidationError: 'jwt-validation'"},
		"an image": {[]types.Action{{Type: types.ActionTypeEnumFixedResponse, FixedResponseConfig: &types.FixedResponseActionConfig{ContentType: aws.String("image/png")}}},
			"InvalidLoadBalancerAction: The ContentType must be one of:'text/html', 'application/json', 'application/javascript', 'text/css', 'text/plain'"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Actions(c.given)
			wantError(t, err, c.want)
		})
	}
}

func TestTransforms(t *testing.T) {
	rewrite := func(expression string) types.RuleTransform {
		return types.RuleTransform{Type: types.TransformTypeEnumUrlRewrite, UrlRewriteConfig: &types.UrlRewriteConfig{
			Rewrites: []types.RewriteConfig{{Regex: &expression, Replace: aws.String("/b/$1")}},
		}}
	}
	wantError(t, CheckTransforms([]types.RuleTransform{rewrite("^/a/(.*)$")}), "")
	wantError(t, CheckTransforms([]types.RuleTransform{rewrite("a"), rewrite("b")}), "ValidationError: only have one 'url-rewrite' transform")
	wantError(t, CheckTransforms([]types.RuleTransform{rewrite("(")}), "ValidationError: The regular expression '(' is not valid")
	wantError(t, CheckTransforms([]types.RuleTransform{{Type: types.TransformTypeEnumHostHeaderRewrite}}), "ValidationError: A 'HostHeaderRewriteConfig' with one rewrite")
}

func TestAttributes(t *testing.T) {
	set := func(as Attributes, key, value string) error {
		_, err := as.With(nil, map[string]string{key: value})
		return err
	}
	for _, c := range []struct {
		as              Attributes
		key, value, err string
	}{
		{BalancerAttributes(), "idle_timeout.timeout_seconds", "4000", ""},
		{BalancerAttributes(), "idle_timeout.timeout_seconds", "4001", "ValidationError: The value of 'idle_timeout.timeout_seconds' cannot be greater than 4000 characters"},
		{BalancerAttributes(), "routing.http2.enabled", "yes", "ValidationError: The value of 'routing.http2.enabled' must be 'true' or 'false', but was 'yes'"},
		{BalancerAttributes(), "idle_timeout.timeout_seconds", "0", "ValidationError: The value of 'idle_timeout.timeout_seconds' cannot be less than 1 characters"},
		{BalancerAttributes(), "client_keep_alive.seconds", "59", "ValidationError: The value of 'client_keep_alive.seconds' must be an integer between 60 and 604800"},
		{BalancerAttributes(), "load_balancing.cross_zone.enabled", "false", "ValidationError: must always be 'true' for an Application Load Balancer"},
		{BalancerAttributes(), "routing.http.desync_mitigation_mode", "strict", "ValidationError: 'strict' must be one of [defensive, monitor, strictest]"},
		{BalancerAttributes(), "routing.http.xff_header_processing.mode", "drop", "ValidationError: must be set as 'preserve', 'append', or 'remove'"},
		{ListenerAttributes(true), "routing.http.response.x_frame_options.header_value", "ALLOW", "ValidationError: must be from the following: [DENY, SAMEORIGIN], but was 'ALLOW'"},
		{ListenerAttributes(true), "routing.http.response.x_content_type_options.header_value", "nosniff", ""},
		{ListenerAttributes(true), "routing.http.request.x_amzn_tls_version.header_name", "a b", "ValidationError: The value of 'routing.http.request.x_amzn_tls_version.header_name' contains invalid characters"},
		{GroupAttributes(), "slow_start.duration_seconds", "0", ""},
		{GroupAttributes(), "slow_start.duration_seconds", "29", "ValidationError: must be between '30-900' inclusive, or '0'"},
		{GroupAttributes(), "preserve_client_ip.enabled", "true", "ValidationError: Target group attribute key 'preserve_client_ip.enabled' is not recognized"},
		{ListenerAttributes(false), "routing.http.request.x_amzn_tls_version.header_name", "V", "ValidationError: is not recognized"},
		{ListenerAttributes(true), "routing.http.request.x_amzn_tls_version.header_name", "V", ""},
	} {
		wantError(t, set(c.as, c.key, c.value), c.err)
	}
	for _, as := range []Attributes{BalancerAttributes(), GroupAttributes(), ListenerAttributes(true)} {
		for key, value := range as.Usual() {
			if value != "" && set(as, key, value) != nil {
				t.Errorf("%s: the usual value %s is refused", key, value)
			}
		}
	}
}

func TestSettingsThatDoNotGoTogether(t *testing.T) {
	group := func(set map[string]string) error {
		all, err := GroupAttributes().With(nil, set)
		if err != nil {
			t.Fatal(err)
		}
		return CheckGroupAttributes(types.ProtocolEnumHttp, all)
	}
	wantError(t, group(map[string]string{"slow_start.duration_seconds": "30", "load_balancing.algorithm.type": "least_outstanding_requests"}), "InvalidConfigurationRequest: Slow start")
	wantError(t, group(map[string]string{"load_balancing.algorithm.anomaly_mitigation": "on"}), "InvalidConfigurationRequest: weighted_random")
	wantError(t, group(map[string]string{"stickiness.enabled": "true", "stickiness.type": "app_cookie"}), "InvalidConfigurationRequest: You must set an application cookie name")
	wantError(t, group(map[string]string{"stickiness.enabled": "true", "stickiness.type": "source_ip"}), "InvalidConfigurationRequest: Stickiness type 'source_ip' is not supported for target groups with the HTTP protocol")
	wantError(t, group(map[string]string{"stickiness.app_cookie.cookie_name": "AWSALBTG"}), "ValidationError: reserved")
	all, _ := BalancerAttributes().With(nil, map[string]string{"access_logs.s3.enabled": "true"})
	wantError(t, CheckBalancerAttributes(all), "InvalidConfigurationRequest: The key 'access_logs.s3.bucket' must set in order to enable access logs")
}

func TestListeners(t *testing.T) {
	fixed := []types.Action{{Type: types.ActionTypeEnumFixedResponse, FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("200")}}}
	acm := func(n string) types.Certificate {
		return types.Certificate{CertificateArn: aws.String("arn:aws:acm:eu-west-2:123456789012:certificate/" + n)}
	}
	whole := ListenerChange{Port: aws.Int32(443), Protocol: types.ProtocolEnumHttps, Actions: fixed, Certificates: []types.Certificate{acm("1")}, Region: "eu-west-2"}
	for name, c := range map[string]struct {
		change func(*ListenerChange)
		want   string
	}{
		"HTTPS":            {func(*ListenerChange) {}, ""},
		"no port":          {func(c *ListenerChange) { c.Port = nil }, "ValidationError: A listener port must be specified"},
		"no protocol":      {func(c *ListenerChange) { c.Protocol = "" }, "ValidationError: A listener protocol must be specified"},
		"no certificate":   {func(c *ListenerChange) { c.Certificates = nil }, "ValidationError: A certificate must be specified for HTTPS listeners"},
		"two certificates": {func(c *ListenerChange) { c.Certificates = append(c.Certificates, acm("2")) }, "ValidationError: Up to '1' certificate ARNs"},
		"no ARN":           {func(c *ListenerChange) { c.Certificates = []types.Certificate{{CertificateArn: aws.String("mine")}} }, "ValidationError: Certificate ARN 'mine' is not valid"},
		"no such policy":   {func(c *ListenerChange) { c.SSLPolicy = aws.String("strong") }, "SSLPolicyNotFound: SSL policy 'strong' not found"},
		"HTTP with a certificate": {func(c *ListenerChange) { c.Protocol = types.ProtocolEnumHttp },
			"ValidationError: A certificate cannot be specified for HTTP listeners"},
		"HTTP with a policy": {func(c *ListenerChange) {
			c.Protocol, c.Certificates, c.SSLPolicy = types.ProtocolEnumHttp, nil, aws.String(usualPolicy)
		}, "ValidationError: An SSL policy cannot be specifed for HTTP listeners"},
		"another region": {func(c *ListenerChange) { c.Region = "us-east-1" }, "ValidationError: eu-west-2:123456789012:certificate/1' is not valid"},
		"another service": {func(c *ListenerChange) { c.Certificates[0].CertificateArn = aws.String("arn:aws:s3:::my-cert") },
			"CertificateNotFound: Certificate 'arn:aws:s3:::my-cert' not found"},
		"ALPN": {func(c *ListenerChange) { c.ALPN = []string{"None"} },
			"InvalidConfigurationRequest: You cannot set ALPN policy on load balancers of type 'application'"},
		"mutual authentication": {func(c *ListenerChange) { c.Mutual = &types.MutualAuthenticationAttributes{Mode: aws.String("verify")} }, "ValidationError: Mutual authentication"},
	} {
		t.Run(name, func(t *testing.T) {
			change := whole
			change.Certificates = slices.Clone(whole.Certificates)
			c.change(&change)
			_, err := Listener(types.Listener{}, change)
			wantError(t, err, c.want)
		})
	}
}

func TestAListenerThatBecomesHTTPHasNoCertificate(t *testing.T) {
	https := types.Listener{Port: aws.Int32(443), Protocol: types.ProtocolEnumHttps, SslPolicy: aws.String(usualPolicy),
		Certificates: []types.Certificate{{}}, DefaultActions: []types.Action{{}}}
	got, err := Listener(https, ListenerChange{Protocol: types.ProtocolEnumHttp})
	if err != nil || got.Certificates != nil || got.SslPolicy != nil || got.MutualAuthentication != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}
