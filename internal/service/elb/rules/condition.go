package rules

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
)

// Bounds of conditions ("Quotas for your Application Load Balancers", and the
// configurations of conditions in the API reference).
const (
	MostValues    = 5 // of a rule
	MostWildcards = 5
	maxCondition  = 128 // characters of a value
	maxHeaderName = 40
)

const (
	hostHeader    = "host-header"
	pathPattern   = "path-pattern"
	httpHeader    = "http-header"
	requestMethod = "http-request-method"
	queryString   = "query-string"
	sourceIP      = "source-ip"
)

// fields are those of conditions, and whether a rule can have several conditions on
// them, in the order in which AWS's messages list them.
var fields = []struct {
	name    string
	several bool
}{{httpHeader, true}, {requestMethod, false}, {hostHeader, false}, {queryString, true}, {pathPattern, false}, {sourceIP, false}}

// Conditions are the conditions of a rule as they are read back.
func Conditions(given []types.RuleCondition) ([]types.RuleCondition, error) {
	if len(given) == 0 {
		return nil, fault.Validation("At least one condition must be specified")
	}
	conditions := make([]types.RuleCondition, len(given))
	values, wildcards := 0, 0
	for i, c := range given {
		if err := checkField(c, given[:i]); err != nil {
			return nil, err
		}
		whole, all, err := condition(c)
		if err != nil {
			return nil, err
		}
		conditions[i] = whole
		values += len(all)
		for _, v := range all {
			wildcards += strings.Count(v, "*") + strings.Count(v, "?")
		}
	}
	switch {
	case values > MostValues:
		return nil, fault.Validation("A rule can only have '%d' condition values and regex values", MostValues)
	case wildcards > MostWildcards:
		return nil, fault.Validation("A rule can only have '%d' condition wildcards", MostWildcards)
	}
	return conditions, nil
}

func checkField(c types.RuleCondition, before []types.RuleCondition) error {
	name := aws.ToString(c.Field)
	for _, f := range fields {
		if f.name != name {
			continue
		}
		if !f.several && slices.ContainsFunc(before, func(b types.RuleCondition) bool { return *b.Field == name }) {
			return fault.Validation("A rule can only have one '%s' condition", name)
		}
		if name != hostHeader && name != pathPattern && (len(c.Values) > 0 || len(c.RegexValues) > 0) {
			return fault.Validation("The 'Values' field is not compatible with '%s'", name)
		}
		return nil
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return fault.Validation("Condition field '%s' must be one of '%s'", name, strings.Join(names, ","))
}

// condition is a condition as it is read back, and its values. A host or a path can
// be given in two ways, of which one takes one alone, and is read back in both.
func condition(c types.RuleCondition) (whole types.RuleCondition, values []string, err error) {
	whole = types.RuleCondition{Field: c.Field}
	switch field := *c.Field; field {
	case hostHeader:
		config := types.HostHeaderConditionConfig{Values: c.Values, RegexValues: c.RegexValues}
		if c.HostHeaderConfig != nil {
			config = *c.HostHeaderConfig
		}
		whole.HostHeaderConfig, whole.Values, whole.RegexValues = &config, config.Values, config.RegexValues
		err = checkPatterns(c, c.HostHeaderConfig != nil, config.Values, config.RegexValues, checkHost)
	case pathPattern:
		config := types.PathPatternConditionConfig{Values: c.Values, RegexValues: c.RegexValues}
		if c.PathPatternConfig != nil {
			config = *c.PathPatternConfig
		}
		whole.PathPatternConfig, whole.Values, whole.RegexValues = &config, config.Values, config.RegexValues
		err = checkPatterns(c, c.PathPatternConfig != nil, config.Values, config.RegexValues, checkPath)
	case httpHeader:
		if whole.HttpHeaderConfig = c.HttpHeaderConfig; whole.HttpHeaderConfig == nil {
			return whole, nil, missingConfig("HttpHeaderConfig", field)
		}
		config := *c.HttpHeaderConfig
		if err = checkHeaderName(aws.ToString(config.HttpHeaderName)); err == nil {
			err = checkPatterns(types.RuleCondition{Field: c.Field}, true, config.Values, config.RegexValues, func(string) error { return nil })
		}
		return whole, slices.Concat(config.Values, config.RegexValues), err
	case requestMethod:
		if whole.HttpRequestMethodConfig = c.HttpRequestMethodConfig; whole.HttpRequestMethodConfig == nil {
			return whole, nil, missingConfig("HttpRequestMethodConfig", field)
		}
		return whole, c.HttpRequestMethodConfig.Values, checkMethods(c.HttpRequestMethodConfig.Values)
	case queryString:
		if whole.QueryStringConfig = c.QueryStringConfig; whole.QueryStringConfig == nil {
			return whole, nil, missingConfig("QueryStringConfig", field)
		}
		values, err = queryValues(c.QueryStringConfig.Values)
		return whole, values, err
	case sourceIP:
		if whole.SourceIpConfig = c.SourceIpConfig; whole.SourceIpConfig == nil {
			return whole, nil, missingConfig("SourceIpConfig", field)
		}
		return whole, c.SourceIpConfig.Values, checkSources(c.SourceIpConfig.Values)
	}
	return whole, slices.Concat(whole.Values, whole.RegexValues), err
}

func missingConfig(config, field string) error {
	return fault.Validation("For conditions of type '%s', you must specify the following fields: '%s'", field, config)
}

// checkPatterns checks the values of a condition, which are patterns with wildcards
// or regular expressions.
func checkPatterns(c types.RuleCondition, config bool, values, expressions []string, check func(string) error) error {
	field := *c.Field
	name := map[string]string{hostHeader: "HostHeaderConfig", pathPattern: "PathPatternConfig", httpHeader: "HttpHeaderConfig"}[field]
	switch {
	case config && (len(c.Values) > 0 || len(c.RegexValues) > 0):
		return fault.Validation("You cannot provide both Values and '%s' for a condition of type '%s'", name, field)
	case len(c.Values) > 1:
		return fault.Validation("The '%s' field contains too many values; the limit is '1'", field)
	case !config && len(values) == 0 && len(expressions) == 0:
		return missingConfig("Values or RegexValues or "+name, field)
	case (len(values) > 0) == (len(expressions) > 0):
		return fault.Validation("You must provide exactly one of the following: ['Values' 'RegexValues'] for config of type '%s'", name)
	}
	for _, v := range values {
		if err := checkLength(field, v); err != nil {
			return err
		}
		if err := check(v); err != nil {
			return err
		}
	}
	for _, e := range expressions {
		if err := checkLength(field, e); err != nil {
			return err
		}
		if _, err := regexp.Compile(e); err != nil {
			return fault.Validation("The '%s' regular expression '%s' is not valid", field, e)
		}
	}
	return nil
}

func checkLength(field, value string) error {
	switch {
	case value == "":
		return fault.Validation("A condition value must be specified")
	case len(value) > maxCondition:
		return fault.Validation("Condition value for '%s' cannot contain more than %d characters", field, maxCondition)
	}
	return nil
}

var (
	hosts   = regexp.MustCompile(`^[A-Za-z0-9.*?-]+$`)
	hostEnd = regexp.MustCompile(`\.[A-Za-z*?]+$`)
	paths   = regexp.MustCompile(`^[A-Za-z0-9_.$/~"'@:+&*?-]+$`)
	methods = regexp.MustCompile(`^[A-Z_-]+$`)
	tokens  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 7230
)

// checkHost checks a host ("Host conditions"): it has a dot, and after the last one
// only letters. An address is one, too, as load balancers here may have it for a name.
func checkHost(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if !hosts.MatchString(host) || !hostEnd.MatchString(host) {
		return badCharacter(host)
	}
	return nil
}

func checkPath(path string) error {
	if !paths.MatchString(path) {
		return badCharacter(path)
	}
	return nil
}

func badCharacter(value string) error {
	return fault.Validation("Condition value '%s' contains a character that is not valid", value)
}

func checkHeaderName(name string) error {
	switch {
	case len(name) > maxHeaderName:
		return fault.Validation("Condition value for '%s' cannot contain more than %d characters", httpHeader, maxHeaderName)
	case !tokens.MatchString(name):
		return fault.Validation("The 'HttpHeaderName' value '%s' is not valid", name)
	case strings.EqualFold(name, "host"):
		return fault.Validation("The 'HttpHeaderName' value cannot be '%s'; use a 'host-header' condition", name)
	}
	return nil
}

func checkMethods(values []string) error {
	if len(values) == 0 {
		return fault.Validation("A condition value must be specified")
	}
	for _, v := range values {
		switch {
		case len(v) > maxHeaderName:
			return fault.Validation("Condition value for '%s' cannot contain more than %d characters", requestMethod, maxHeaderName)
		case !methods.MatchString(v):
			return fault.Validation("The 'http-request-method' value is invalid; the allowed characters are A-Z, hyphen and underscore")
		}
	}
	return nil
}

// queryValues are the values of a condition on the query: each pair is one.
func queryValues(pairs []types.QueryStringKeyValuePair) (values []string, err error) {
	if len(pairs) == 0 {
		return nil, fault.Validation("A condition value must be specified")
	}
	for _, p := range pairs {
		key, value := aws.ToString(p.Key), aws.ToString(p.Value)
		switch {
		case value == "":
			return nil, fault.Validation("A 'Value' must be specified in 'QueryStringKeyValuePair'")
		case len(key) > maxCondition || len(value) > maxCondition:
			return nil, fault.Validation("Condition value for '%s' cannot contain more than %d characters", queryString, maxCondition)
		}
		values = append(values, key+"="+value)
	}
	return values, nil
}

func checkSources(values []string) error {
	if len(values) == 0 {
		return fault.Validation("A 'source-ip' value must be specified")
	}
	for _, v := range values {
		if _, err := netip.ParsePrefix(v); err != nil {
			return fault.Validation("The 'source-ip' value '%s' must be in CIDR format", v)
		}
	}
	return nil
}
