package autoscaling

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/google/uuid"

	"flyball/internal/cell"
	"flyball/scaling"
)

// What this service scales.
const (
	namespace = types.ServiceNamespaceEcs
	dimension = types.ScalableDimensionECSServiceDesiredCount
)

// checkKey refuses what does not name an ECS service's desired count.
func checkKey(ns types.ServiceNamespace, resourceID *string, dim types.ScalableDimension) (scaling.ResourceID, error) {
	if ns == "" || resourceID == nil || dim == "" {
		return "", invalid("ServiceNamespace, ResourceId and ScalableDimension must be specified")
	}
	if ns != namespace {
		return "", invalid("Flyball scales ECS services: service namespace %s is not supported", ns)
	}
	if dim != dimension || !strings.HasPrefix(*resourceID, "service/") {
		return "", invalid("Unsupported service namespace, resource type or scalable dimension")
	}
	id, err := scaling.ParseServiceID(*resourceID)
	if err != nil {
		return "", invalid("Unsupported service namespace, resource type or scalable dimension: %v", err)
	}
	return id, nil
}

// elsewhere reports whether a namespace is another service's: it has nothing
// here that could be found.
func elsewhere(ns types.ServiceNamespace) bool { return ns != "" && ns != namespace }

// newTargetARN makes the name that a target's tags hang on.
func (a *API) newTargetARN() string {
	return a.cell.ARN("application-autoscaling", "scalable-target/"+cell.NewID("0ec5", 32))
}

func (a *API) newPolicyARN(id scaling.ResourceID, name string) string {
	return a.cell.ARN("autoscaling", "scalingPolicy:"+uuid.NewString()+":resource/ecs/"+string(id)+":policyName/"+name)
}

// actionARN names a scheduled action. The actions of a target share the UUID in
// it, as AWS's do.
func (a *API) actionARN(t *target, name string) string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(t.ARN))
	return a.cell.ARN("autoscaling", "scheduledAction:"+id.String()+":resource/ecs/"+string(t.ResourceID)+":scheduledActionName/"+name)
}

func (a *API) alarmARN(name string) string { return a.cell.ARN("cloudwatch", "alarm:"+name) }

// linkedRole is the role that stands for the service where a target names none.
func (a *API) linkedRole() string {
	return a.cell.GlobalARN("iam", "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService")
}
