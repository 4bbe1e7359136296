package express

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/express/plan"
	"flyball/internal/state"
)

var kindService = state.Kind{Name: "express.service", Version: 1} // by CLUSTER/NAME

// A service is the row of an Express service: what its service in ECS does not say.
// What its tasks run is in the task definition of each revision.
type service struct {
	plan.Parts
	ARN       string
	Path      string // of health checks
	Port      int32  // at which the tasks get requests
	Scaling   types.ExpressGatewayScalingTarget
	CreatedAt time.Time
	UpdatedAt time.Time
}

// become takes from settings what the row keeps of them.
func (s *service) become(settings plan.Settings) {
	s.Path, s.Port, s.Scaling = settings.HealthCheckPath, *settings.Container.ContainerPort, settings.Scaling
}

func (s service) key() string { return key(s.Cluster, s.Name) }

func key(cluster, name string) string { return cluster + "/" + name }

// keyOf is the key of the service that the end of an ARN names.
func keyOf(resource string) string {
	key, _ := strings.CutPrefix(resource, "service/")
	return key
}
