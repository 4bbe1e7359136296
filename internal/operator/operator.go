package operator

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"flyball/internal/capacity"
	"flyball/internal/clock"
	"flyball/internal/control"
	"flyball/internal/operator/v1alpha1"
	"flyball/scaling"
)

// Options are what an operator needs of its surroundings. Cluster, Capacity, Sources, Web and Log must be set.
type Options struct {
	Cluster    *rest.Config
	Namespaces []string // whose resources are governed; none: all of the cluster

	Capacity capacity.Capacity
	Sources  control.Sources
	// Prometheus is the address of the server of queries that name none; "": there is none.
	Prometheus string
	// Web calls the addresses that policies name. Whoever may make a policy has this program call them, so it is to
	// refuse what that person must not reach.
	Web    *http.Client
	Tell   func(control.Record) // beside events and status, such as an audit log; nil: nobody
	DryRun bool
	Log    *slog.Logger
	// Speed is how many times faster than the wall clock periods and cooldowns run, to measure on a recorded load; 0: once.
	Speed float64

	// Listen is the address of /metrics, /healthz and /readyz; "": there are none.
	Listen string
	// Lease is the lease by which one of several acts, in LeaseNamespace; "": there is no other.
	Lease, LeaseNamespace string
}

// Run governs what the custom resources of a cluster describe, until ctx ends or its lease is lost.
func Run(ctx context.Context, o Options) error {
	scheme := runtime.NewScheme()
	if err := cmp.Or(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	ctrl.SetLogger(logr.FromSlogHandler(o.Log.Handler()))
	var synced atomic.Bool
	m, err := ctrl.NewManager(o.Cluster, o.manager(scheme, &synced))
	if err != nil {
		return err
	}
	d, err := discovery.NewDiscoveryClientForConfigAndClient(o.Cluster, m.GetHTTPClient())
	if err != nil {
		return err
	}
	if err := o.add(ctx, m, d); err != nil {
		return err
	}
	// Those that wait for the lease are ready when they know the resources.
	err = m.Add(everywhere(func(ctx context.Context) error {
		synced.Store(m.GetCache().WaitForCacheSync(ctx))
		<-ctx.Done()
		return nil
	}))
	if err != nil {
		return err
	}
	return m.Start(ctx)
}

// everywhere runs whether this controller is elected or not.
type everywhere func(context.Context) error

func (e everywhere) Start(ctx context.Context) error { return e(ctx) }

// NeedLeaderElection is that of manager.LeaderElectionRunnable.
func (everywhere) NeedLeaderElection() bool { return false }

func (o Options) manager(scheme *runtime.Scheme, synced *atomic.Bool) manager.Options {
	namespaces := map[string]cache.Config{}
	for _, name := range o.Namespaces {
		namespaces[name] = cache.Config{}
	}
	ready := func(w http.ResponseWriter, _ *http.Request) {
		if !synced.Load() {
			http.Error(w, "the resources have not been read yet", http.StatusServiceUnavailable)
		}
	}
	return manager.Options{
		Scheme: scheme,
		Cache: cache.Options{
			DefaultNamespaces: namespaces,
			DefaultTransform:  cache.TransformStripManagedFields(),
			ByObject:          map[client.Object]cache.ByObject{&autoscalingv2.HorizontalPodAutoscaler{}: {Transform: onlyTarget}},
		},
		LeaderElection: o.Lease != "", LeaderElectionID: o.Lease, LeaderElectionNamespace: o.LeaseNamespace,
		LeaderElectionReleaseOnCancel: true,
		HealthProbeBindAddress:        "0",
		Metrics: metricsserver.Options{BindAddress: cmp.Or(o.Listen, "0"), ExtraHandlers: map[string]http.Handler{
			"/healthz": http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
			"/readyz":  http.HandlerFunc(ready),
		}},
	}
}

// onlyTarget leaves of a HorizontalPodAutoscaler what it scales, since a cluster may have thousands.
func onlyTarget(o any) (any, error) {
	h, ok := o.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return o, nil
	}
	small := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: h.ObjectMeta}
	small.Annotations, small.Labels, small.ManagedFields = nil, nil, nil
	small.Spec.ScaleTargetRef = h.Spec.ScaleTargetRef
	return small, nil
}

// add has a manager run a host and the reconciliation of what it governs.
func (o Options) add(ctx context.Context, m manager.Manager, d discoverer) error {
	c := o.clock(time.Now())
	hostname, err := os.Hostname()
	if err != nil {
		return err
	}
	identity := hostname + "_" + uuid.NewString() // as holders of leases are called
	r := &Reconciler{
		client: m.GetClient(), statuses: statuses{m.GetClient(), m.GetAPIReader()},
		kinds: newKinds(d, c.Now), names: newNames(), standings: newStandings(),
		events: notices{m.GetEventRecorder("flyball")}, bindings: newBindings(o.Sources, o.Prometheus, o.Web), now: c.Now,
		given: map[types.NamespacedName]given{},
	}
	host := control.New(control.Config{
		Capacity: o.Capacity, Log: o.Log, DryRun: o.DryRun,
		State: &Memories{names: r.names, statuses: r.statuses, namespaces: o.Namespaces, identity: identity, show: r.show, revisions: map[scaling.ResourceID]int64{}},
		Tell: func(record control.Record) {
			if o.Tell != nil {
				o.Tell(record)
			}
			r.hear(ctx, record)
		},
	})
	r.host = host
	if err := metrics.Registry.Register(host); err != nil {
		return err
	}
	if err := r.watch(ctx, m); err != nil {
		return err
	}
	return m.Add(manager.RunnableFunc(func(ctx context.Context) error { return host.Run(ctx, c) }))
}

// decade is from when on a clock that runs faster has done so.
const decade = 3650 * 24 * time.Hour

// clock is the host's. One that runs faster shows all controllers the same time, so that what one remembers is in the past of the
// next.
func (o Options) clock(now time.Time) *clock.Clock {
	if o.Speed == 0 || o.Speed == 1 {
		return clock.New(now, 1)
	}
	began := now.Truncate(decade)
	return clock.New(began.Add(time.Duration(float64(now.Sub(began))*o.Speed)), o.Speed)
}

// hear takes over a record of the host: the status follows.
func (r *Reconciler) hear(ctx context.Context, record control.Record) {
	key, known := r.names.key(record.Target)
	if !known {
		return
	}
	r.standings.note(record)
	var t v1alpha1.ScalableTarget
	if err := r.client.Get(ctx, key, &t); err != nil {
		return // it is gone, and with it who would read of it
	}
	if r.isNews(&t, record) {
		r.events.record(&t, record)
	}
	if again := r.again.Load(); again != nil {
		(*again).AddAfter(ctrl.Request{NamespacedName: key}, together)
	}
}

// isNews reports whether a record tells of something that was not told already: of a target that another controller goes on
// with, or that is left alone for a reason that stands in its description.
func (r *Reconciler) isNews(t *v1alpha1.ScalableTarget, record control.Record) bool {
	switch record.Event {
	case control.Taken:
		return !toldBefore(t)
	case control.Paused:
		g, _ := r.of(client.ObjectKeyFromObject(t))
		return g.why != record.Reason
	}
	return true
}

// together is how long after a record the status follows: with others, and with what is to be remembered, it is written
// once.
const together = time.Second

// The fields that resources are found by.
const (
	targetField = "scalableTarget" // of policies and actions: the target that they name
	refField    = "scaleTarget"    // of targets and HorizontalPodAutoscalers: what they scale
)

// refKey is what a target scales, as it is found by.
func refKey(ref v1alpha1.ScaleTargetRef) string {
	return groupOf(ref.APIVersion) + "/" + ref.Kind + "/" + ref.Name
}

// drivenBy is what a HorizontalPodAutoscaler scales, as it is found by.
func drivenBy(o client.Object) string {
	ref := o.(*autoscalingv2.HorizontalPodAutoscaler).Spec.ScaleTargetRef
	return refKey(v1alpha1.ScaleTargetRef{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name})
}

// index has resources found by their fields.
func index(ctx context.Context, i client.FieldIndexer) error {
	return cmp.Or(
		i.IndexField(ctx, &v1alpha1.ScalingPolicy{}, targetField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.ScalingPolicy).Spec.ScalableTargetRef.Name}
		}),
		i.IndexField(ctx, &v1alpha1.ScheduledAction{}, targetField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.ScheduledAction).Spec.ScalableTargetRef.Name}
		}),
		i.IndexField(ctx, &v1alpha1.ScalableTarget{}, refField, func(o client.Object) []string {
			return []string{refKey(o.(*v1alpha1.ScalableTarget).Spec.ScaleTargetRef)}
		}),
		i.IndexField(ctx, &autoscalingv2.HorizontalPodAutoscaler{}, refField, func(o client.Object) []string {
			return []string{drivenBy(o)}
		}),
	)
}

// reconciledAtOnce is how many targets are reconciled at a time: they wait for the API server more than they compute.
const reconciledAtOnce = 8

// watch has the reconciler called for a target when it changes, or something that names it.
func (r *Reconciler) watch(ctx context.Context, m manager.Manager) error {
	if err := index(ctx, m.GetFieldIndexer()); err != nil {
		return err
	}
	specs := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(m).Named("scalabletarget").WithOptions(controller.Options{MaxConcurrentReconciles: reconciledAtOnce}).
		For(&v1alpha1.ScalableTarget{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		Watches(&v1alpha1.ScalableTarget{}, handler.EnqueueRequestsFromMapFunc(r.rivals), specs).
		Watches(&v1alpha1.ScalingPolicy{}, named(func(o client.Object) string { return o.(*v1alpha1.ScalingPolicy).Spec.ScalableTargetRef.Name }), specs).
		Watches(&v1alpha1.ScheduledAction{}, named(func(o client.Object) string { return o.(*v1alpha1.ScheduledAction).Spec.ScalableTargetRef.Name }), specs).
		Watches(&autoscalingv2.HorizontalPodAutoscaler{}, r.driven()).
		WatchesRawSource(source.Func(func(_ context.Context, q workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
			r.again.Store(&q)
			return nil
		})).
		Complete(r)
}

// rivals are the other targets that scale what a target does.
func (r *Reconciler) rivals(ctx context.Context, o client.Object) (all []ctrl.Request) {
	t := o.(*v1alpha1.ScalableTarget)
	for _, name := range r.scaling(ctx, t.Namespace, refKey(t.Spec.ScaleTargetRef)) {
		if name != t.Name {
			all = append(all, request(t.Namespace, name))
		}
	}
	return all
}

// scaling are the targets that scale something.
func (r *Reconciler) scaling(ctx context.Context, namespace, what string) (names []string) {
	var all v1alpha1.ScalableTargetList
	if err := r.client.List(ctx, &all, client.InNamespace(namespace), client.MatchingFields{refField: what}); err != nil {
		return nil // of a copy in memory, which does not fail once it is there
	}
	for _, t := range all.Items {
		names = append(names, t.Name)
	}
	return names
}

func request(namespace, name string) ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

type requests = workqueue.TypedRateLimitingInterface[ctrl.Request]

// named has the target called for that a resource names, and the one that it has named.
func named(target func(client.Object) string) handler.Funcs {
	add := func(o client.Object, q requests) { q.Add(request(o.GetNamespace(), target(o))) }
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q requests) { add(e.Object, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q requests) { add(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q requests) {
			add(e.ObjectOld, q)
			add(e.ObjectNew, q)
		},
	}
}

// driven has the targets called for that scale what a HorizontalPodAutoscaler does, or did.
func (r *Reconciler) driven() handler.Funcs {
	add := func(ctx context.Context, o client.Object, q requests) {
		for _, name := range r.scaling(ctx, o.GetNamespace(), drivenBy(o)) {
			q.Add(request(o.GetNamespace(), name))
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q requests) { add(ctx, e.Object, q) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q requests) { add(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q requests) {
			old, now := e.ObjectOld.(*autoscalingv2.HorizontalPodAutoscaler), e.ObjectNew.(*autoscalingv2.HorizontalPodAutoscaler)
			if old.Spec.ScaleTargetRef != now.Spec.ScaleTargetRef { // a status is written every quarter of a minute
				add(ctx, old, q)
				add(ctx, now, q)
			}
		},
	}
}
