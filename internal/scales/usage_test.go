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

func TestWhatAPodRequestsAsAWholeCounts(t *testing.T) {
	p := core.Pod{Spec: core.PodSpec{Containers: []core.Container{container("web", "250m"), container("log", "")}}}
	p.Spec.Resources = &core.ResourceRequirements{Requests: core.ResourceList{core.ResourceCPU: resource.MustParse("2")}}
	if got, err := requested(p, "cpu"); err != nil || got != 2 {
		t.Errorf("got %v, %v, want 2", got, err)
	}
	if _, err := requested(p, "memory"); err == nil || !strings.Contains(err.Error(), "or the pod's") {
		t.Errorf("of memory, which is not requested, it says %v", err)
	}
}

func TestWhatAPodUsesIsThatOfItsContainersThatStay(t *testing.T) {
	var p core.Pod
	p.Spec.Containers = []core.Container{container("web", "250m")}
	p.Spec.InitContainers = []core.Container{container("migrate", "4"), container("proxy", "100m", core.ContainerRestartPolicyAlways)}
	if got, whole := usedBy(p, map[string]float64{"web": 0.5, "proxy": 0.25, "debugger-x7": 3}); got != 0.75 || !whole {
		t.Errorf("got %v, %v, want 0.75 of all", got, whole)
	}
	if _, whole := usedBy(p, map[string]float64{"web": 0.5}); whole {
		t.Error("a pod whose sidecar is not measured yet counts as idle in part")
	}
}
