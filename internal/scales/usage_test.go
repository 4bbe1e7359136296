package scales

import (
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// container is one that requests some cpu; "": none.
func container(name, cpu string, policy ...core.ContainerRestartPolicy) core.Container {
	c := core.Container{Name: name}
	if cpu != "" {
		c.Resources.Requests = core.ResourceList{core.ResourceCPU: resource.MustParse(cpu)}
	}
	if len(policy) > 0 {
		c.RestartPolicy = &policy[0]
	}
	return c
}

func TestAPodRequestsWhatItsContainersThatStayDo(t *testing.T) {
	var p core.Pod
	p.Spec.Containers = []core.Container{container("web", "250m"), container("log", "50m")}
	p.Spec.InitContainers = []core.Container{container("migrate", "4"), container("proxy", "100m", core.ContainerRestartPolicyAlways)}
	if got, err := requested(p, "cpu"); err != nil || got != 0.4 {
		t.Errorf("got %v, %v, want 0.4", got, err)
	}
	p.Spec.InitContainers = append(p.Spec.InitContainers, container("vault", "", core.ContainerRestartPolicyAlways))
	if _, err := requested(p, "cpu"); err == nil || !strings.Contains(err.Error(), "container vault of pod") {
		t.Errorf("got %v, want vault named", err)
	}
}
