package scaling

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// A ResourceID names what is scaled, as Application Auto Scaling does. That of an
// ECS service is service/CLUSTER/NAME, that of a Lambda function
// function:NAME:QUALIFIER, that of a custom resource its address. What has a scale in
// Kubernetes, of which AWS knows nothing, is kubernetes/NAMESPACE/RESOURCE.GROUP/NAME.
type ResourceID string

// A Kind is what kind of resource is scaled. The zero Kind is that of ECS services.
type Kind string

// The kinds.
const (
	Services  Kind = ""       // ECS services, whose desired count is set
	Functions Kind = "lambda" // versions and aliases of Lambda functions, whose provisioned concurrency is set
	// Custom are resources that answer at an address, and Scales what has a scale in Kubernetes.
	Custom Kind = "custom-resource"
	Scales Kind = "kubernetes"
)

// Kinds are those that a server has; the others are only governed from outside.
func Kinds() []Kind { return []Kind{Services, Functions} }

const (
	functionPrefix = "function:"   // begins the resource ids of functions
	scalePrefix    = "kubernetes/" // begins those of scales
)

// Kind is what kind of resource it names.
func (r ResourceID) Kind() Kind {
	switch s := string(r); {
	case strings.HasPrefix(s, functionPrefix):
		return Functions
	case strings.HasPrefix(s, "https://"), strings.HasPrefix(s, "http://"):
		return Custom
	case strings.HasPrefix(s, scalePrefix):
		return Scales
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
	switch k {
	case Functions:
		return kindWords{"lambda", "lambda:function:ProvisionedConcurrency", "desired concurrency", "are allocated"}
	case Custom:
		return kindWords{"custom-resource", "custom-resource:ResourceType:Property", "desired capacity", "are there"}
	case Scales:
		return kindWords{"kubernetes", "kubernetes:scale:Replicas", "replicas", "replicas run"}
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
	switch k {
	case Functions:
		return parseFunctionID(s)
	case Custom:
		return parseAddress(s)
	case Scales:
		return parseScaleID(s)
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

// parseAddress checks that a text is the address of a custom resource.
func parseAddress(s string) (ResourceID, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return "", fmt.Errorf("a custom resource is named by its address, such as https://example.com/prod/scalableTargetDimensions/1-23456789, not %s", s)
	}
	return ResourceID(s), nil
}

// parseScaleID checks that a text is the resource id of what has a scale.
func parseScaleID(s string) (ResourceID, error) {
	id := ResourceID(s)
	namespace, resource, name := id.Scale()
	if namespace == "" || resource == "" || name == "" || strings.Contains(name, "/") || id != ScaleID(namespace, resource, name) {
		return "", fmt.Errorf("what has a scale in Kubernetes is named kubernetes/NAMESPACE/RESOURCE.GROUP/NAME, such as kubernetes/shop/deployments.apps/web, not %s", s)
	}
	return id, nil
}

// ScaleID is the resource id of what has a scale in Kubernetes. The resource is written
// with its group, such as deployments.apps.
func ScaleID(namespace, resource, name string) ResourceID {
	return ResourceID(scalePrefix + namespace + "/" + resource + "/" + name)
}

// Scale is the namespace, the resource with its group, and the name of what has a scale.
func (r ResourceID) Scale() (namespace, resource, name string) {
	namespace, rest, _ := strings.Cut(strings.TrimPrefix(string(r), scalePrefix), "/")
	resource, name, _ = strings.Cut(rest, "/")
	return namespace, resource, name
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
