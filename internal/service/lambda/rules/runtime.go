package rules

import (
	"slices"
	"strings"

	"flyball/internal/service/lambda/fault"
)

// runtimes are those that functions can be created with (AWS Lambda Developer Guide,
// "Lambda runtimes", November 2026), in the order in which errors list them, which is
// that of a hash.
var runtimes = []string{
	"nodejs20.x", "python3.14", "python3.15", "provided.al2023", "python3.12", "python3.13", "nodejs24.x", "nodejs22.x",
	"nodejs26.x", "java25", "python3.10", "python3.11", "java21", "ruby3.3", "ruby3.4", "ruby4.0", "ruby3.2", "python3.8",
	"python3.9", "java17", "nodejs16.x", "dotnet10", "dotnet8", "java11", "dotnet6", "nodejs18.x", "provided.al2", "java8.al2",
}

// ended are those with which AWS makes no functions any more.
var ended = []string{
	"nodejs", "nodejs4.3", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "provided", "go1.x",
	"python2.7", "python3.6", "python3.7", "java8", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1",
	"nodejs4.3-edge", "ruby2.5", "ruby2.7",
}

// CheckRuntime checks the name of a runtime, and that functions of its language run here.
func CheckRuntime(name string) error {
	if slices.Contains(ended, name) {
		return fault.Parameter("The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.", name)
	}
	if !slices.Contains(runtimes, name) {
		return fault.Parameter("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN", name, strings.Join(runtimes, ", "))
	}
	for _, family := range []string{"provided", "nodejs", "python"} {
		if strings.HasPrefix(name, family) {
			return nil
		}
	}
	return fault.Unsupported("the runtime " + name + "; functions run with provided.*, nodejs* and python*")
}
