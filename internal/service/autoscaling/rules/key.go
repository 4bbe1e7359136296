package rules

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/page"
	"flyball/internal/service/autoscaling/fault"
	"flyball/scaling"
)

// What this service scales.
const (
	Namespace = types.ServiceNamespaceEcs
	Dimension = types.ScalableDimensionECSServiceDesiredCount
)

// Key names the desired count of an ECS service in errors.
func Key(id scaling.ResourceID) fault.Key {
	return fault.Key{Namespace: Namespace, ResourceID: string(id), Dimension: Dimension}
}

// Resource is the ECS service whose desired count a request names. Anything else
// is refused.
func Resource(ns types.ServiceNamespace, resourceID *string, dim types.ScalableDimension) (scaling.ResourceID, error) {
	if ns == "" || resourceID == nil || dim == "" {
		return "", fault.Invalid("ServiceNamespace, ResourceId and ScalableDimension must be specified")
	}
	if ns != Namespace {
		return "", fault.Invalid("Flyball scales ECS services: service namespace %s is not supported", ns)
	}
	if dim != Dimension || !strings.HasPrefix(*resourceID, "service/") {
		return "", fault.Invalid("Unsupported service namespace, resource type or scalable dimension")
	}
	id, err := scaling.ParseServiceID(*resourceID)
	if err != nil {
		return "", fault.Invalid("Unsupported service namespace, resource type or scalable dimension: %v", err)
	}
	return id, nil
}

// Existing is Resource for what a request must find. Other namespaces have
// nothing here that could be found.
func Existing(ns types.ServiceNamespace, resourceID *string, dim types.ScalableDimension, notFound func(fault.Key) error) (scaling.ResourceID, error) {
	if ns != "" && ns != Namespace {
		return "", notFound(fault.Key{Namespace: ns, ResourceID: aws.ToString(resourceID), Dimension: dim})
	}
	return Resource(ns, resourceID, dim)
}

// Scales reports whether there can be anything to list. Other namespaces have
// no targets here, which is what listing them says.
func Scales(ns types.ServiceNamespace, dim types.ScalableDimension) bool {
	return ns == Namespace && (dim == "" || dim == Dimension)
}

// PageSize checks what all listings take, and returns how many items a page has:
// what was asked for, up to the most that the operation gives.
func PageSize(dim types.ScalableDimension, named bool, asked *int32, most int) (int, error) {
	if dim != "" && !named {
		return 0, fault.Invalid("A resource ID must be specified when ScalableDimension is specified")
	}
	limit, ok := page.Limit(asked, most, most)
	if !ok {
		return 0, fault.Invalid("MaxResults must be between 1 and %d", most)
	}
	return limit, nil
}
