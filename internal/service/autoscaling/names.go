package autoscaling

import (
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/google/uuid"
)

// What this service scales.
const (
	namespace = types.ServiceNamespaceEcs
	dimension = types.ScalableDimensionECSServiceDesiredCount
)

// service/CLUSTER/SERVICE, with the names that ECS allows: each has up to 255
// characters.
var resourceIDs = regexp.MustCompile(`^service/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+$`)

func validResourceID(id string) bool {
	cluster, service := split(id)
	return len(cluster) <= 255 && len(service) <= 255 && resourceIDs.MatchString(id)
}

// checkKey refuses what does not name an ECS service's desired count.
func checkKey(ns types.ServiceNamespace, resourceID *string, dim types.ScalableDimension) (string, error) {
	if ns == "" || resourceID == nil || dim == "" {
		return "", invalid("ServiceNamespace, ResourceId and ScalableDimension must be specified")
	}
	if ns != namespace {
		return "", invalid("Flyball scales ECS services: service namespace %s is not supported", ns)
	}
	if dim != dimension || !strings.HasPrefix(*resourceID, "service/") {
		return "", invalid("Unsupported service namespace, resource type or scalable dimension")
	}
	if !validResourceID(*resourceID) {
		return "", invalid("Unsupported service namespace, resource type or scalable dimension: an ECS service is named service/CLUSTER/SERVICE, not %s", *resourceID)
	}
	return *resourceID, nil
}

// elsewhere reports whether a namespace is another service's: it has nothing
// here that could be found.
func elsewhere(ns types.ServiceNamespace) bool { return ns != "" && ns != namespace }

// split returns the cluster and the service of a resource id.
func split(resourceID string) (cluster, service string) {
	cluster, service, _ = strings.Cut(strings.TrimPrefix(resourceID, "service/"), "/")
	return cluster, service
}

func (a *API) arn(service, resource string) string {
	return arn.ARN{Partition: "aws", Service: service, Region: a.cfg.Region, AccountID: a.cfg.Account, Resource: resource}.String()
}

// newTargetARN makes the name that a target's tags hang on.
func (a *API) newTargetARN() string {
	id := strings.ReplaceAll(uuid.NewString(), "-", "")
	return a.arn("application-autoscaling", "scalable-target/0ec5"+id)
}

func (a *API) newPolicyARN(resourceID, name string) string {
	return a.arn("autoscaling", "scalingPolicy:"+uuid.NewString()+":resource/ecs/"+resourceID+":policyName/"+name)
}

// actionARN names a scheduled action. The actions of a target share the UUID in
// it, as AWS's do.
func (a *API) actionARN(t *target, name string) string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(t.ARN))
	return a.arn("autoscaling", "scheduledAction:"+id.String()+":resource/ecs/"+t.ResourceID+":scheduledActionName/"+name)
}

func (a *API) alarmARN(name string) string { return a.arn("cloudwatch", "alarm:"+name) }

// linkedRole is the role that stands for the service where a target names none.
func (a *API) linkedRole() string {
	return arn.ARN{
		Partition: "aws", Service: "iam", AccountID: a.cfg.Account,
		Resource: "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
	}.String()
}
