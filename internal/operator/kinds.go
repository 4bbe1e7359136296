package operator

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"flyball/internal/operator/v1alpha1"
)

// kinds say of a kind which resource it is, and whether that has a scale.
type kinds struct {
	discovery discoverer
	now       func() time.Time

	mu     sync.Mutex
	groups map[string]group
}

// A discoverer asks an API server what it has.
type discoverer interface {
	ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error)
}

type group struct {
	asked     time.Time
	resources []metav1.APIResource
}

// stale is when a group is asked for again: a resource that is defined later is found then.
const stale = time.Minute

func newKinds(d discoverer, now func() time.Time) *kinds {
	return &kinds{discovery: d, now: now, groups: map[string]group{}}
}

// An unscalable says why something cannot be scaled, with a reason for a condition.
type unscalable struct{ reason, text string }

func (u *unscalable) Error() string { return u.text }

// resource is the resource of a kind with its group, such as deployments.apps. An *unscalable is what
// somebody has to change; any other error may pass.
func (k *kinds) resource(_ context.Context, ref v1alpha1.ScaleTargetRef) (string, error) {
	resources, err := k.of(ref.APIVersion)
	if apierrors.IsNotFound(err) {
		return "", &unscalable{"UnknownKind", fmt.Sprintf("the API server has no %s: correct scaleTargetRef.apiVersion, or install what defines it", ref.APIVersion)}
	}
	if err != nil {
		return "", fmt.Errorf("the API server does not say what %s has: %w", ref.APIVersion, err)
	}
	name := ""
	for _, r := range resources {
		if r.Kind == ref.Kind && !strings.Contains(r.Name, "/") {
			name = r.Name
		}
	}
	if name == "" {
		return "", &unscalable{"UnknownKind", fmt.Sprintf("%s has no kind %s: correct scaleTargetRef.kind", ref.APIVersion, ref.Kind)}
	}
	for _, r := range resources {
		if r.Name == name+"/scale" {
			group, _, named := strings.Cut(ref.APIVersion, "/")
			if !named {
				group = ""
			}
			return name + "." + group, nil
		}
	}
	return "", &unscalable{"NoScaleSubresource", fmt.Sprintf("%s of %s has no scale subresource, so its number cannot be set: name what owns it, such as a Deployment", ref.Kind, ref.APIVersion)}
}

func (k *kinds) of(groupVersion string) ([]metav1.APIResource, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if g, known := k.groups[groupVersion]; known && k.now().Sub(g.asked) < stale {
		return g.resources, nil
	}
	list, err := k.discovery.ServerResourcesForGroupVersion(groupVersion)
	if err != nil {
		return nil, err
	}
	k.groups[groupVersion] = group{k.now(), list.APIResources}
	return list.APIResources, nil
}
