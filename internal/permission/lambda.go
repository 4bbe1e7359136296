package permission

import (
	"strings"

	"flyball/internal/service/lambda/rules"
)

// lambdaCalls are those of Lambda, on functions and what belongs to them. Names and parts
// of ARNs stand for functions, which are found by them.
var lambdaCalls = service{
	prefix:   "lambda",
	resource: (*Call).functionARN,
	operations: map[string]string{
		"AddPermission":                      "{FunctionName}/{Qualifier}",
		"CreateAlias":                        "{FunctionName}",
		"CreateEventSourceMapping":           "*",
		"CreateFunction":                     "{FunctionName}",
		"DeleteAlias":                        "{FunctionName}",
		"DeleteEventSourceMapping":           "event-source-mapping:{UUID}",
		"DeleteFunction":                     "{FunctionName}/{Qualifier}",
		"DeleteFunctionConcurrency":          "{FunctionName}",
		"DeleteFunctionEventInvokeConfig":    "{FunctionName}/{Qualifier}",
		"DeleteProvisionedConcurrencyConfig": "{FunctionName}/{Qualifier}",
		"GetAccountSettings":                 "*",
		"GetAlias":                           "{FunctionName}",
		"GetEventSourceMapping":              "event-source-mapping:{UUID}",
		"GetFunction":                        "{FunctionName}/{Qualifier}",
		"GetFunctionCodeSigningConfig":       "{FunctionName}",
		"GetFunctionConcurrency":             "{FunctionName}",
		"GetFunctionConfiguration":           "{FunctionName}/{Qualifier}",
		"GetFunctionEventInvokeConfig":       "{FunctionName}/{Qualifier}",
		"GetPolicy":                          "{FunctionName}/{Qualifier}",
		"GetProvisionedConcurrencyConfig":    "{FunctionName}/{Qualifier}",
		"Invoke":                             "{FunctionName}/{Qualifier}",
		"ListAliases":                        "{FunctionName}",
		"ListEventSourceMappings":            "*",
		"ListFunctionEventInvokeConfigs":     "{FunctionName}",
		"ListFunctions":                      "*",
		"ListProvisionedConcurrencyConfigs":  "{FunctionName}",
		"ListTags":                           "{Resource}",
		"ListVersionsByFunction":             "{FunctionName}",
		"PublishVersion":                     "{FunctionName}",
		"PutFunctionConcurrency":             "{FunctionName}",
		"PutFunctionEventInvokeConfig":       "{FunctionName}/{Qualifier}",
		"PutProvisionedConcurrencyConfig":    "{FunctionName}/{Qualifier}",
		"RemovePermission":                   "{FunctionName}/{Qualifier}",
		"TagResource":                        "{Resource}",
		"UntagResource":                      "{Resource}",
		"UpdateAlias":                        "{FunctionName}",
		"UpdateEventSourceMapping":           "event-source-mapping:{UUID}",
		"UpdateFunctionCode":                 "{FunctionName}",
		"UpdateFunctionConfiguration":        "{FunctionName}",
		"UpdateFunctionEventInvokeConfig":    "{FunctionName}/{Qualifier}",
	},
	keys: []conditionKey{
		{name: "lambda:FunctionArn", member: "FunctionName", resource: "{FunctionName}"},
		{name: "lambda:Principal", member: "Principal"},
	},
	// "Actions, resources, and condition keys for AWS Lambda".
	actions: map[string]string{"Invoke": "InvokeFunction"},
	passes: map[string][]pass{
		"CreateFunction":              {{"Role", "lambda.amazonaws.com"}},
		"UpdateFunctionConfiguration": {{"Role", "lambda.amazonaws.com"}},
	},
}

// functionARN is the ARN of what a call names: an event source mapping, or a function by its name or a part of its
// ARN, and a qualifier beside it, which may not be given.
func (c *Call) functionARN(name string) string {
	if _, mapping, is := strings.Cut(name, "event-source-mapping:"); is {
		return c.arn("lambda", "event-source-mapping:"+mapping)
	}
	name, qualifier, _ := strings.Cut(name, "/")
	r, ok := rules.ParseReference(name)
	if !ok {
		return c.arn("lambda", "function:*")
	}
	own := *c
	if r.Account != "" {
		own.Account = r.Account
	}
	if qualifier != "" && qualifier != "*" {
		r.Qualifier = qualifier
	}
	if r.Qualifier != "" {
		r.Name += ":" + r.Qualifier
	}
	return own.arn("lambda", "function:"+r.Name)
}
