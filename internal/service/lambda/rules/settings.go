package rules

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/service/lambda/fault"
)

// reserved are variables that Lambda sets itself (AWS Lambda Developer Guide, "Working
// with Lambda environment variables").
var reserved = []string{
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SECURITY_TOKEN",
	"AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_HANDLER", "_X_AMZN_TRACE_ID",
}

// maxEnvironment is the most bytes of a function's variables, in JSON.
const maxEnvironment = 4 << 10

// CheckEnvironment checks the variables of a function.
func CheckEnvironment(variables map[string]string) error {
	var taken []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if slices.Contains(reserved, name) {
			taken = append(taken, name)
		}
		if !variableName(name) {
			return fault.Constraint(name, "environment.variables", "satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]")
		}
	}
	if len(taken) > 0 {
		return fault.Parameter("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(taken, ", "))
	}
	text, err := json.Marshal(variables)
	if err == nil && len(variables) > 0 && len(text) > maxEnvironment {
		return fault.Parameter("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %s", text)
	}
	return nil
}

// variableName tells what can be the name of a variable. Reserved ones begin with an
// underscore, too.
func variableName(name string) bool {
	if slices.Contains(reserved, name) {
		return true
	}
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return len(name) > 1
}

// CheckDeadLetters checks where events go that a function could not take.
func CheckDeadLetters(target string) error {
	if target == "" {
		return nil
	}
	name, err := arn.Parse(target)
	switch {
	case err != nil, name.Service != "sqs" && name.Service != "sns":
		return fault.Parameter("The provided target ARN is invalid: %s", target)
	case name.Service == "sns":
		return fault.Unsupported("topics of SNS as the target of DeadLetterConfig")
	}
	return nil
}
