// Package scales is what has a scale in Kubernetes, of whatever kind: how many replicas there are
// and are to be, and what their pods use.
package scales

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/clientcmd"
	metrics "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"

	"flyball/governor"
	"flyball/internal/capacity"
	"flyball/scaling"
)

// PauseAnnotation is what an object is annotated with by whoever wants nothing done with it for now.
const PauseAnnotation = "flyball.dev/paused"

// Scales are what has a scale in a cluster.
type Scales struct {
	scales   scale.ScalesGetter
	mapper   meta.ResettableRESTMapper
	kinds    discovery.CachedDiscoveryInterface
	objects  metadata.Interface
	whole    dynamic.Interface
	pods     corev1.PodsGetter
	measured metrics.PodMetricsesGetter

	selectors sync.Map // of pods, by scaling.ResourceID, as they were when a scale was looked at last
}

var _ capacity.Marked = (*Scales)(nil)

// Config finds a cluster: that of the pod that this program runs in, or that of a kubeconfig file
// and one of its contexts; "" is the file, and the context, that kubectl takes.
func Config(file, context string) (*rest.Config, error) {
	if file == "" && context == "" {
		if c, err := rest.InClusterConfig(); err == nil {
			return c, nil
		}
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = file
	c, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, errors.New("find a cluster: no kubeconfig names one, neither in KUBECONFIG nor at ~/.kube/config; name one with --kubeconfig, or run in a pod with a service account")
	}
	if err != nil && strings.Contains(err.Error(), "error loading config file") {
		return nil, fmt.Errorf("find a cluster: %s is no kubeconfig that can be read; name another with --kubeconfig, or have kubectl config view say what is wrong with it", cmp.Or(file, "what KUBECONFIG names"))
	}
	if err != nil {
		return nil, fmt.Errorf("find a cluster: %w; --kubeconfig names another file, --context another cluster in it", err)
	}
	return c, nil
}

// New are the scales of a cluster. It makes no call yet.
func New(c *rest.Config) (*Scales, error) {
	kinds, err := discovery.NewDiscoveryClientForConfig(c)
	if err != nil {
		return nil, err
	}
	s := &Scales{kinds: memory.NewMemCacheClient(kinds)}
	s.mapper = restmapper.NewDeferredDiscoveryRESTMapper(s.kinds)
	var errs [5]error
	s.scales, errs[0] = scale.NewForConfig(c, s.mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(s.kinds))
	s.objects, errs[1] = metadata.NewForConfig(c)
	core, err := corev1.NewForConfig(c)
	s.pods, errs[2] = core, err
	measured, err := metrics.NewForConfig(c)
	s.measured, errs[3] = measured, err
	s.whole, errs[4] = dynamic.NewForConfig(c)
	return s, errors.Join(errs[:]...)
}

// callsAtOnce is how many calls are under way at a time.
const callsAtOnce = 8

// Look implements capacity.Capacity.
func (s *Scales) Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	seen, _, err := s.LookMarked(ctx, ids)
	return seen, err
}

// LookMarked implements capacity.Marked: an annotation marks an object.
func (s *Scales) LookMarked(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, []string, error) {
	seen, marks, failures := make([]governor.Capacity, len(ids)), make([]string, len(ids)), make([]error, len(ids))
	var all sync.WaitGroup
	room := make(chan struct{}, callsAtOnce)
	for i, id := range ids {
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			seen[i], marks[i], failures[i] = s.look(ctx, id)
		})
	}
	all.Wait()
	return seen, marks, capacity.Some(failures)
}

// A sight is what one look at an object has shown.
type sight struct {
	desired, running int32
	selector         string // of its pods; "": its scale names none
	annotations      map[string]string
}

func (s *Scales) look(ctx context.Context, id scaling.ResourceID) (seen governor.Capacity, mark string, err error) {
	is, err := s.see(ctx, id)
	if apierrors.IsNotFound(err) {
		s.selectors.Delete(id)
		return governor.Capacity{Gone: true}, "", nil
	}
	if err != nil {
		return seen, "", fmt.Errorf("read the scale of %s: %w", id, err)
	}
	s.selectors.Store(id, is.selector)
	if value, marked := is.annotations[PauseAnnotation]; marked && value != "false" {
		mark = fmt.Sprintf("it has the annotation %s: %q", PauseAnnotation, value)
	}
	return governor.Capacity{Desired: count(is.desired), Running: count(is.running)}, mark, nil
}

// see looks at an object: in one call where it is of the group apps, whose kinds have their scale at known places, and in
// two elsewhere. An error of NotFound is that there is no such object.
func (s *Scales) see(ctx context.Context, id scaling.ResourceID) (is sight, err error) {
	namespace, written, name := id.Scale()
	resource, err := s.resource(written)
	if err != nil {
		return is, err
	}
	if resource.Group == apps {
		object, err := s.whole.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return is, err
		}
		return sightOf(object.Object)
	}
	scale, err := s.scales.Scales(namespace).Get(ctx, resource.GroupResource(), name, metav1.GetOptions{})
	if err != nil {
		return is, err
	}
	object, err := s.objects.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return is, fmt.Errorf("its annotations: %w", err)
	}
	return sight{scale.Spec.Replicas, scale.Status.Replicas, scale.Status.Selector, object.Annotations}, nil
}

// apps is the group of Deployments, StatefulSets and ReplicaSets.
const apps = "apps"

// sightOf is what an object of the group apps shows.
func sightOf(object map[string]any) (is sight, err error) {
	var of struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
		Spec struct {
			Replicas int32                 `json:"replicas"`
			Selector *metav1.LabelSelector `json:"selector"`
		} `json:"spec"`
		Status struct {
			Replicas int32 `json:"replicas"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, &of); err != nil {
		return is, err
	}
	selector, err := metav1.LabelSelectorAsSelector(of.Spec.Selector)
	if err != nil {
		return is, err
	}
	return sight{of.Spec.Replicas, of.Status.Replicas, selector.String(), of.Metadata.Annotations}, nil
}

func count(n int32) scaling.Capacity { return scaling.Capacity(max(n, 0)) }

// selector selects the pods of an object.
func (s *Scales) selector(ctx context.Context, id scaling.ResourceID) (string, error) {
	if known, is := s.selectors.Load(id); is {
		return known.(string), nil
	}
	is, err := s.see(ctx, id)
	return is.selector, err
}

// Set implements capacity.Capacity.
func (s *Scales) Set(ctx context.Context, id scaling.ResourceID, to scaling.Capacity) error {
	namespace, written, name := id.Scale()
	resource, err := s.resource(written)
	if err != nil {
		return err
	}
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, to)
	if _, err := s.scales.Scales(namespace).Patch(ctx, resource, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "flyball"}); err != nil {
		return fmt.Errorf("set the scale of %s: %w", id, err)
	}
	return nil
}

// resource is a resource of the cluster that has a scale, as it is written, such as
// deployments.apps.
func (s *Scales) resource(written string) (schema.GroupVersionResource, error) {
	name, group, _ := strings.Cut(written, ".")
	found, err := s.mapper.ResourceFor(schema.GroupVersionResource{Group: group, Resource: name})
	if meta.IsNoMatchError(err) {
		s.mapper.Reset() // it may be new
		found, err = s.mapper.ResourceFor(schema.GroupVersionResource{Group: group, Resource: name})
	}
	if err != nil {
		return found, fmt.Errorf("the cluster has no resource %s: %w", written, err)
	}
	list, err := s.kinds.ServerResourcesForGroupVersion(found.GroupVersion().String())
	if err != nil {
		return found, fmt.Errorf("read what %s has: %w", found.GroupVersion(), err)
	}
	for _, r := range list.APIResources {
		if r.Name == found.Resource+"/scale" {
			return found, nil
		}
	}
	return found, fmt.Errorf("%s has no scale: only what has the subresource scale, such as deployments.apps and statefulsets.apps, can be scaled", written)
}
