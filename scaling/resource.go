package scaling

import (
	"errors"
	"fmt"
	"strings"
)

// A ResourceID names what is scaled, as Application Auto Scaling does. That of an
// ECS service is service/CLUSTER/NAME, that of a Lambda function
// function:NAME:QUALIFIER.
type ResourceID string

// A Kind is what kind of resource is scaled. The zero Kind is that of ECS services.
type Kind string

// The kinds.
const (
	Services  Kind = ""       // ECS services, whose desired count is set
	Functions Kind = "lambda" // versions and aliases of Lambda functions, whose provisioned concurrency is set
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Services, Functions} }

// functionPrefix begins the resource ids of functions.
const functionPrefix = "function:"

// Kind is what kind of resource it names.
func (r ResourceID) Kind() Kind {
	if strings.HasPrefix(string(r), functionPrefix) {
		return Functions
	}
	return Services
}

// Namespace is the service namespace of the kind.
func (k Kind) Namespace() string { return k.words().namespace }

// Dimension is the scalable dimension of the kind.
func (k Kind) Dimension() string { return k.words().dimension }

// kindWords are how Application Auto Scaling speaks of a kind.
type kindWords struct {
	namespace, dimension string
	capacity             string // what activities set
	running              string // a capacity that is there
}

func (k Kind) words() kindWords {
	if k == Functions {
		return kindWords{"lambda", "lambda:function:ProvisionedConcurrency", "desired concurrency", "are allocated"}
	}
	return kindWords{"ecs", "ecs:service:DesiredCount", "desired count", "tasks are running"}
}

// setting is the description of an activity that sets a capacity.
func (k Kind) setting(to Capacity) string {
	return fmt.Sprintf("Setting %s to %d.", k.words().capacity, to)
}

// ErrLatest says that the version of a Lambda function that changes cannot have
// provisioned concurrency.
var ErrLatest = errors.New("$LATEST is not a supported qualifier for Auto Scaling")

// ParseResourceID checks that a text is the resource id of a kind.
func ParseResourceID(k Kind, s string) (ResourceID, error) {
	if k == Functions {
		return parseFunctionID(s)
	}
	return ParseServiceID(s)
}

// ServiceID is the resource id of an ECS service.
func ServiceID(cluster, service string) ResourceID {
	return ResourceID("service/" + cluster + "/" + service)
}

// ParseServiceID checks that a text is the resource id of an ECS service.
func ParseServiceID(s string) (ResourceID, error) {
	id := ResourceID(s)
	cluster, name := id.Service()
	switch {
	case isName(cluster) && isName(name) && id == ServiceID(cluster, name):
		return id, nil
	case isName(cluster) && s == "service/"+cluster: // from before clusters were named
		return "", fmt.Errorf("an ECS service is named service/CLUSTER/%s, not %s", cluster, s)
	}
	return "", fmt.Errorf("an ECS service is named service/CLUSTER/SERVICE, not %s", s)
}

// parseFunctionID checks that a text is the resource id of a version or an alias.
func parseFunctionID(s string) (ResourceID, error) {
	id := ResourceID(s)
	name, qualifier := id.Function()
	switch {
	case qualifier == "$LATEST":
		return "", ErrLatest
	case isName(name) && isName(qualifier) && id == FunctionID(name, qualifier):
		return id, nil
	}
	return "", fmt.Errorf("a version or an alias of a Lambda function is named function:NAME:QUALIFIER, not %s", s)
}

// isName reports whether ECS allows a name, and Lambda. A regular expression that
// counts to 255 would take a third of a megabyte in every process.
func isName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return s != "" && len(s) <= 255 && strings.Trim(s, letters) == ""
}

// Service is the cluster and the name of an ECS service.
func (r ResourceID) Service() (cluster, name string) {
	cluster, name, _ = strings.Cut(strings.TrimPrefix(string(r), "service/"), "/")
	return cluster, name
}

// FunctionID is the resource id of a version or an alias of a Lambda function.
func FunctionID(name, qualifier string) ResourceID {
	return ResourceID(functionPrefix + name + ":" + qualifier)
}

// Function is the name of a Lambda function, and its version or alias.
func (r ResourceID) Function() (name, qualifier string) {
	name, qualifier, _ = strings.Cut(strings.TrimPrefix(string(r), functionPrefix), ":")
	return name, qualifier
}
