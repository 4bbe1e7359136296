package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
)

// Attributes are those that a kind of resource has, in the order in which they are
// read back: all of them, whether they were set or not.
type Attributes struct {
	kind string // in messages
	list []attribute
}

type attribute struct {
	key, usual string
	check      func(value string) string // what AWS says of a wrong value
}

// must says what the value of an attribute must be and is not.
func must(key, value, what string, args ...any) string {
	return fmt.Sprintf("'%s' value '%s' must ", key, value) + fmt.Sprintf(what, args...)
}

// yesOrNo is an attribute that is on or off.
func yesOrNo(key, usual string) attribute {
	return attribute{key, usual, func(value string) string {
		if value == "true" || value == "false" {
			return ""
		}
		return fmt.Sprintf("The value of '%s' must be 'true' or 'false', but was '%s'", key, value)
	}}
}

func oneOf(key, usual string, values ...string) attribute {
	return attribute{key, usual, func(value string) string {
		if slices.Contains(values, value) {
			return ""
		}
		return must(key, value, "be one of [%s]", strings.Join(values, ", "))
	}}
}

func between(key, usual string, least, most int) attribute {
	return attribute{key, usual, func(value string) string {
		if n, err := strconv.Atoi(value); err == nil && n >= least && n <= most {
			return ""
		}
		return must(key, value, "be between '%d-%d' inclusive", least, most)
	}}
}

// seconds is an attribute of which AWS speaks as of a text's length.
func seconds(key, usual string, least, most int) attribute {
	return attribute{key, usual, func(value string) string {
		n, err := strconv.Atoi(value)
		switch {
		case err != nil:
			return must(key, value, "be between '%d-%d' inclusive", least, most)
		case n > most:
			return fmt.Sprintf("The value of '%s' cannot be greater than %d characters", key, most)
		case n < least:
			return fmt.Sprintf("The value of '%s' cannot be less than %d characters", key, least)
		}
		return ""
	}}
}

// among is an attribute of listeners that has one of some values, or none.
func among(key string, values ...string) attribute {
	return attribute{key, "", func(value string) string {
		if value == "" || slices.Contains(values, value) {
			return ""
		}
		return fmt.Sprintf("The value of '%s' must be from the following: [%s], but was '%s'", key, strings.Join(values, ", "), value)
	}}
}

// desync is what is done with requests that are not as they should be. AWS does not name
// this attribute where it refuses a value.
func desync(usual string, others ...string) attribute {
	modes := append([]string{usual}, others...)
	return attribute{"routing.http.desync_mitigation_mode", usual, func(value string) string {
		if slices.Contains(modes, value) {
			return ""
		}
		return fmt.Sprintf("'%s' must be one of [%s]", value, strings.Join(modes, ", "))
	}}
}

// saying is an attribute whose wrong values have a message of their own.
func saying(a attribute, message string) attribute {
	check := a.check
	a.check = func(value string) string {
		if check(value) == "" {
			return ""
		}
		return message
	}
	return a
}

// orElse is an attribute that takes one more value.
func (a attribute) orElse(value string) attribute {
	check := a.check
	a.check = func(v string) string {
		if v == value {
			return ""
		}
		if wrong := check(v); wrong != "" {
			return wrong + ", or '" + value + "'"
		}
		return ""
	}
	return a
}

func text(key string, most int) attribute {
	return attribute{key, "", func(value string) string {
		if len(value) <= most {
			return ""
		}
		return must(key, value, "have at most %d characters", most)
	}}
}

// headerName is the name of a header of requests.
func headerName(key, usual string) attribute {
	return attribute{key, usual, func(value string) string {
		switch {
		case len(value) > maxHeaderName:
			return must(key, value, "have at most %d characters", maxHeaderName)
		case value != "" && !tokens.MatchString(value):
			return fmt.Sprintf("The value of '%s' contains invalid characters", key)
		}
		return ""
	}}
}

// Usual are the attributes of a resource that has just been made.
func (as Attributes) Usual() map[string]string {
	all := make(map[string]string, len(as.list))
	for _, a := range as.list {
		all[a.key] = a.usual
	}
	return all
}

// With are the attributes with some of them set.
func (as Attributes) With(have, set map[string]string) (map[string]string, error) {
	all := as.Complete(have)
	for key, value := range set {
		i := slices.IndexFunc(as.list, func(a attribute) bool { return a.key == key })
		if i < 0 {
			return nil, fault.Validation("%s attribute key '%s' is not recognized", as.kind, key)
		}
		if wrong := as.list[i].check(value); wrong != "" {
			return nil, fault.Validation("%s", wrong)
		}
		all[key] = value
	}
	return all, nil
}

// Complete are attributes that were kept, with the usual values of those that were
// not known when they were.
func (as Attributes) Complete(have map[string]string) map[string]string {
	all := as.Usual()
	for key := range all {
		if value, ok := have[key]; ok {
			all[key] = value
		}
	}
	return all
}

// AttributeList are attributes as an API's list.
func AttributeList[T any](as Attributes, have map[string]string, item func(key, value string) T) []T {
	all := as.Complete(have)
	list := make([]T, len(as.list))
	for i, a := range as.list {
		list[i] = item(a.key, all[a.key])
	}
	return list
}

const (
	maxValue = 1024 // characters of an attribute's value
	week     = 604800
)

// BalancerAttributes are those of application load balancers
// ("LoadBalancerAttribute").
func BalancerAttributes() Attributes {
	return Attributes{"Load balancer", []attribute{
		yesOrNo("access_logs.s3.enabled", "false"), text("access_logs.s3.bucket", maxValue), text("access_logs.s3.prefix", maxValue),
		saying(between("client_keep_alive.seconds", "3600", 60, week), fmt.Sprintf("The value of 'client_keep_alive.seconds' must be an integer between 60 and %d", week)),
		yesOrNo("connection_logs.s3.enabled", "false"), text("connection_logs.s3.bucket", maxValue), text("connection_logs.s3.prefix", maxValue),
		yesOrNo("deletion_protection.enabled", "false"),
		yesOrNo("health_check_logs.s3.enabled", "false"), text("health_check_logs.s3.bucket", maxValue), text("health_check_logs.s3.prefix", maxValue),
		seconds("idle_timeout.timeout_seconds", "60", 1, 4000),
		yesOrNo("ipv6.deny_all_igw_traffic", "false"),
		saying(oneOf("load_balancing.cross_zone.enabled", "true", "true"),
			"The value for 'load_balancing.cross_zone.enabled' must always be 'true' for an Application Load Balancer"),
		desync("defensive", "monitor", "strictest"),
		yesOrNo("routing.http.drop_invalid_header_fields.enabled", "false"),
		yesOrNo("routing.http.preserve_host_header.enabled", "false"),
		yesOrNo("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"),
		yesOrNo("routing.http.xff_client_port.enabled", "false"),
		saying(oneOf("routing.http.xff_header_processing.mode", "append", "append", "preserve", "remove"),
			"'routing.http.xff_header_processing.mode' must be set as 'preserve', 'append', or 'remove'"),
		yesOrNo("routing.http2.enabled", "true"),
		yesOrNo("waf.fail_open.enabled", "false"),
		yesOrNo("zonal_shift.config.enabled", "false"),
	}}
}

// Attributes that others ask for by name.
const (
	DeletionProtection = "deletion_protection.enabled"
	DrainingDelay      = "deregistration_delay.timeout_seconds"

	algorithm  = "load_balancing.algorithm.type"
	mitigation = "load_balancing.algorithm.anomaly_mitigation"
	slowStart  = "slow_start.duration_seconds"
	sticky     = "stickiness.enabled"
	stickiness = "stickiness.type"
	bySource   = "source_ip" // the kind of stickiness that network load balancers have
	appCookie  = "stickiness.app_cookie.cookie_name"
)

// maxTargets bounds the targets of a group.
const maxTargets = 1000

// GroupAttributes are those of target groups of instances and addresses
// ("TargetGroupAttribute").
func GroupAttributes() Attributes {
	const healthy = "target_group_health."
	return Attributes{"Target group", []attribute{
		between(DrainingDelay, "300", 0, 3600),
		oneOf(mitigation, "off", "on", "off"),
		oneOf(algorithm, "round_robin", "round_robin", "least_outstanding_requests", "weighted_random"),
		oneOf("load_balancing.cross_zone.enabled", "use_load_balancer_configuration", "true", "false", "use_load_balancer_configuration"),
		between(slowStart, "0", 30, 900).orElse("0"),
		text(appCookie, 256),
		between("stickiness.app_cookie.duration_seconds", "86400", 1, week),
		yesOrNo(sticky, "false"),
		between("stickiness.lb_cookie.duration_seconds", "86400", 1, week),
		oneOf(stickiness, "lb_cookie", "lb_cookie", "app_cookie", bySource),
		between(healthy+"dns_failover.minimum_healthy_targets.count", "1", 1, maxTargets).orElse("off"),
		between(healthy+"dns_failover.minimum_healthy_targets.percentage", "off", 1, 100).orElse("off"),
		between(healthy+"unhealthy_state_routing.minimum_healthy_targets.count", "1", 1, maxTargets),
		between(healthy+"unhealthy_state_routing.minimum_healthy_targets.percentage", "off", 1, 100).orElse("off"),
	}}
}

// ListenerAttributes are those of listeners of application load balancers
// ("ListenerAttribute"). The names of request headers are only of listeners that
// speak HTTPS.
func ListenerAttributes(https bool) Attributes {
	as := Attributes{"Listener", []attribute{yesOrNo("routing.http.response.server.enabled", "true")}}
	for _, header := range []string{
		"access_control_allow_credentials", "access_control_allow_headers", "access_control_allow_methods", "access_control_allow_origin",
		"access_control_expose_headers", "access_control_max_age", "content_security_policy", "strict_transport_security",
		"x_content_type_options", "x_frame_options",
	} {
		key := "routing.http.response." + header + ".header_value"
		switch header {
		case "x_content_type_options":
			as.list = append(as.list, among(key, "nosniff"))
		case "x_frame_options":
			as.list = append(as.list, among(key, "DENY", "SAMEORIGIN"))
		default:
			as.list = append(as.list, text(key, maxValue))
		}
	}
	if !https {
		return as
	}
	for name, header := range map[string]string{
		"x_amzn_mtls_clientcert": "X-Amzn-Mtls-Clientcert", "x_amzn_mtls_clientcert_issuer": "X-Amzn-Mtls-Clientcert-Issuer",
		"x_amzn_mtls_clientcert_leaf": "X-Amzn-Mtls-Clientcert-Leaf", "x_amzn_mtls_clientcert_serial_number": "X-Amzn-Mtls-Clientcert-Serial-Number",
		"x_amzn_mtls_clientcert_subject": "X-Amzn-Mtls-Clientcert-Subject", "x_amzn_mtls_clientcert_validity": "X-Amzn-Mtls-Clientcert-Validity",
		"x_amzn_tls_cipher_suite": "X-Amzn-Tls-Cipher-Suite", "x_amzn_tls_version": "X-Amzn-Tls-Version",
	} {
		as.list = append(as.list, headerName("routing.http.request."+name+".header_name", header))
	}
	slices.SortFunc(as.list, func(x, y attribute) int { return strings.Compare(x.key, y.key) })
	return as
}

// CheckBalancerAttributes refuses settings of a load balancer that do not go
// together.
func CheckBalancerAttributes(all map[string]string) error {
	for _, log := range []string{"access_logs", "connection_logs", "health_check_logs"} {
		if all[log+".s3.enabled"] == "true" && all[log+".s3.bucket"] == "" {
			return fault.InvalidConfiguration("The key '%s.s3.bucket' must set in order to enable %s", log, strings.ReplaceAll(log, "_", " "))
		}
	}
	return nil
}

// CheckGroupAttributes refuses settings of a target group that do not go together,
// or not with its protocol.
func CheckGroupAttributes(protocol types.ProtocolEnum, all map[string]string) error {
	name := all[appCookie]
	switch {
	case all[slowStart] != "0" && all[algorithm] != "round_robin":
		return fault.InvalidConfiguration("Slow start mode can't be enabled with the load balancing algorithm '%s'", all[algorithm])
	case all[mitigation] == "on" && all[algorithm] != "weighted_random":
		return fault.InvalidConfiguration("Anomaly mitigation can be enabled only with the load balancing algorithm 'weighted_random'")
	case strings.HasPrefix(name, "AWSALB"):
		return fault.Validation("The cookie name '%s' is not valid: names that start with AWSALB, AWSALBAPP and AWSALBTG are reserved", name)
	case all[stickiness] == bySource:
		return fault.InvalidConfiguration("Stickiness type '%s' is not supported for target groups with the %s protocol", bySource, protocol)
	case all[sticky] == "true" && all[stickiness] == "app_cookie" && name == "":
		return fault.InvalidConfiguration("You must set an application cookie name to enable stickiness of type 'app_cookie'")
	}
	return nil
}
