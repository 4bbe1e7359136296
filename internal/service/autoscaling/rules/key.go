package rules

import (
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/page"
	"flyball/internal/service/autoscaling/fault"
	"flyball/scaling"
)

// namespace is the service namespace of a kind of resource.
func namespace(k scaling.Kind) types.ServiceNamespace { return types.ServiceNamespace(k.Namespace()) }

// dimension is the scalable dimension of a kind of resource.
func dimension(k scaling.Kind) types.ScalableDimension { return types.ScalableDimension(k.Dimension()) }

// Key names what is scaled of a resource in errors.
func Key(id scaling.ResourceID) fault.Key {
	return fault.Key{Namespace: namespace(id.Kind()), ResourceID: string(id), Dimension: dimension(id.Kind())}
}

// Resource is the resource that a request names: an ECS service, for its desired
// count, or a version or an alias of a Lambda function, for its provisioned
// concurrency. Anything else is refused.
func Resource(ns types.ServiceNamespace, resourceID *string, dim types.ScalableDimension) (scaling.ResourceID, error) {
	if ns == "" || resourceID == nil || dim == "" {
		return "", fault.Invalid("ServiceNamespace, ResourceId and ScalableDimension must be specified")
	}
	kind, known := kindOf(ns)
	if !known {
		return "", fault.Invalid("Flyball scales ECS services and Lambda functions: service namespace %s is not supported", ns)
	}
	id, err := scaling.ParseResourceID(kind, *resourceID)
	if dim != dimension(kind) {
		return "", fault.Invalid("Unsupported service namespace, resource type or scalable dimension")
	}
	if errors.Is(err, scaling.ErrLatest) {
		return "", fault.Invalid("%v", err)
	}
	if err != nil {
		return "", fault.Invalid("Unsupported service namespace, resource type or scalable dimension: %v", err)
	}
	return id, nil
}

// Existing is Resource for what a request must find. Other namespaces have
// nothing here that could be found.
func Existing(ns types.ServiceNamespace, resourceID *string, dim types.ScalableDimension, notFound func(fault.Key) error) (scaling.ResourceID, error) {
	if _, known := kindOf(ns); ns != "" && !known {
		return "", notFound(fault.Key{Namespace: ns, ResourceID: aws.ToString(resourceID), Dimension: dim})
	}
	return Resource(ns, resourceID, dim)
}

// Listed is the kind of resource that a listing is of, and reports whether there can
// be anything to list. Other namespaces have no targets here, which is what listing
// them says.
func Listed(ns types.ServiceNamespace, dim types.ScalableDimension) (kind scaling.Kind, listed bool) {
	kind, known := kindOf(ns)
	return kind, known && (dim == "" || dim == dimension(kind))
}

// kindOf is the kind of resource that a namespace has.
func kindOf(ns types.ServiceNamespace) (kind scaling.Kind, known bool) {
	kinds := scaling.Kinds()
	i := slices.IndexFunc(kinds, func(k scaling.Kind) bool { return namespace(k) == ns })
	if i < 0 {
		return "", false
	}
	return kinds[i], true
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
