package operator

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"flyball/governor"
	"flyball/internal/control"
	"flyball/internal/operator/v1alpha1"
	"flyball/internal/reach"
	"flyball/internal/source"
	"flyball/scaling"
)

// A host keeps what it is given.
type host map[scaling.ResourceID]control.Target

func (h host) Put(t control.Target)         { h[t.Resource] = t }
func (h host) Remove(id scaling.ResourceID) { delete(h, id) }
func (h host) Explain(scaling.ResourceID, time.Time) (governor.Explanation, bool) {
	return governor.Explanation{}, false
}

// groups are what an API server has.
type groups map[string][]metav1.APIResource

func (g groups) ServerResourcesForGroupVersion(of string) (*metav1.APIResourceList, error) {
	if all, ok := g[of]; ok {
		return &metav1.APIResourceList{GroupVersion: of, APIResources: all}, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{}, of)
}

// everything is where all metrics are read.
type everything struct{}

func (everything) Of(source.Query) (source.Source, error)               { return everything{}, nil }
func (everything) Read(context.Context, []source.Query) []source.Answer { return nil }

// A world is a reconciler in an API server that is a table.
type world struct {
	*Reconciler
	t      *testing.T
	host   host
	events *events.FakeRecorder
}

var deployments = groups{"apps/v1": {
	{Name: "deployments", Kind: "Deployment"}, {Name: "deployments/scale", Kind: "Scale", Group: "autoscaling", Version: "v1"},
	{Name: "daemonsets", Kind: "DaemonSet"},
}}

func newWorld(t *testing.T, objects ...client.Object) world {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, autoscalingv2.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	b := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithStatusSubresource(&v1alpha1.ScalableTarget{}, &v1alpha1.ScalingPolicy{}, &v1alpha1.ScheduledAction{})
	if err := index(t.Context(), indexer{b}); err != nil {
		t.Fatal(err)
	}
	c, h, recorder := b.Build(), host{}, events.NewFakeRecorder(100)
	now := func() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }
	r := &Reconciler{
		client: c, statuses: statuses{c, c}, kinds: newKinds(deployments, now), names: newNames(), standings: newStandings(),
		host: h, events: notices{recorder}, bindings: newBindings(everything{}, "", nil), now: now,
		given: map[types.NamespacedName]given{},
	}
	return world{r, t, h, recorder}
}

// An indexer has a fake client find by fields.
type indexer struct{ b *fake.ClientBuilder }

func (i indexer) IndexField(_ context.Context, o client.Object, field string, f client.IndexerFunc) error {
	i.b.WithIndex(o, field, f)
	return nil
}

func (w world) reconcile(name string) {
	w.t.Helper()
	if _, err := w.Reconcile(w.t.Context(), request("shop", name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) target(name string) v1alpha1.ScalableTarget {
	w.t.Helper()
	var t v1alpha1.ScalableTarget
	w.get(name, &t)
	return t
}

func (w world) get(name string, into client.Object) {
	w.t.Helper()
	if err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: "shop", Name: name}, into); err != nil {
		w.t.Fatal(err)
	}
}

// is checks a condition, and that its message has a text.
func (w world) is(all []metav1.Condition, kind string, status metav1.ConditionStatus, reason, text string) {
	w.t.Helper()
	c := meta.FindStatusCondition(all, kind)
	if c == nil || c.Status != status || c.Reason != reason || !strings.Contains(c.Message, text) {
		w.t.Errorf("condition %s is %+v; want %s, %s, with %q", kind, c, status, reason, text)
	}
}

// told checks that an event of a reason came.
func (w world) told(reason string) {
	w.t.Helper()
	var all []string
	for {
		select {
		case e := <-w.events.Events:
			if all = append(all, e); strings.Contains(e, " "+reason+" ") {
				return
			}
			continue
		default:
		}
		w.t.Errorf("no event %s among %q", reason, all)
		return
	}
}

func target(name, kind, of string) *v1alpha1.ScalableTarget {
	return &v1alpha1.ScalableTarget{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", UID: types.UID(name), Generation: 1},
		Spec:       v1alpha1.ScalableTargetSpec{ScaleTargetRef: v1alpha1.ScaleTargetRef{APIVersion: "apps/v1", Kind: kind, Name: of}, MinCapacity: 2, MaxCapacity: 20},
	}
}

func policy(name, of string, m v1alpha1.MetricSource) *v1alpha1.ScalingPolicy {
	return &v1alpha1.ScalingPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", UID: types.UID(name), Generation: 1},
		Spec: v1alpha1.ScalingPolicySpec{
			ScalableTargetRef: v1alpha1.ScalableTargetRef{Name: of}, PolicyType: v1alpha1.TargetTrackingScaling,
			TargetTrackingScalingPolicyConfiguration: &v1alpha1.TargetTrackingScalingPolicyConfiguration{TargetValue: 60, MetricSource: m},
		},
	}
}

var cpu = v1alpha1.MetricSource{Resource: &v1alpha1.ResourceMetric{Name: "cpu"}}

const web = scaling.ResourceID("kubernetes/shop/deployments.apps/web")

func TestATargetIsGovernedByThePoliciesAndActionsThatNameIt(t *testing.T) {
	action := &v1alpha1.ScheduledAction{
		ObjectMeta: metav1.ObjectMeta{Name: "morning", Namespace: "shop", Generation: 1},
		Spec: v1alpha1.ScheduledActionSpec{
			ScalableTargetRef: v1alpha1.ScalableTargetRef{Name: "web"}, Schedule: "cron(0 8 * * ? *)", Timezone: "Europe/Berlin",
			ScalableTargetAction: v1alpha1.ScalableTargetAction{MinCapacity: new(int32(10))},
		},
	}
	w := newWorld(t, target("web", "Deployment", "web"), policy("web-cpu", "web", cpu), policy("other", "elsewhere", cpu), action)
	w.reconcile("web")
	got, is := w.host[web]
	if !is || got.Paused != "" || len(got.Policies) != 1 || got.Policies[0].Name != "web-cpu" || len(got.Schedules) != 1 {
		t.Fatalf("the host governs %+v; want %s by web-cpu and morning", w.host, web)
	}
	if all := w.target("web").Status.Conditions; all != nil {
		t.Errorf("before the host has looked, %+v is told", all)
	}
	w.hear(t.Context(), control.Record{At: w.now(), Event: control.Unseen, Target: web, Reason: "no answer"})
	w.reconcile("web")
	w.is(w.target("web").Status.Conditions, v1alpha1.AbleToScale, metav1.ConditionFalse, "FailedGetScale", "no answer")
	w.is(w.target("web").Status.Conditions, v1alpha1.ScalingActive, metav1.ConditionUnknown, "NotLookedAtYet", "")
	var p v1alpha1.ScalingPolicy
	w.get("web-cpu", &p)
	w.is(p.Status.Conditions, v1alpha1.Accepted, metav1.ConditionTrue, "Accepted", "")
}

func TestAKindWithoutScaleIsToldAndNothingIsGoverned(t *testing.T) {
	w := newWorld(t, target("logs", "DaemonSet", "logs"), policy("logs-cpu", "logs", cpu), target("queue", "Queue", "jobs"))
	w.reconcile("logs")
	w.reconcile("queue")
	w.is(w.target("logs").Status.Conditions, v1alpha1.AbleToScale, metav1.ConditionFalse, "NoScaleSubresource", "has no scale subresource")
	w.is(w.target("queue").Status.Conditions, v1alpha1.AbleToScale, metav1.ConditionFalse, "UnknownKind", "apps/v1 has no kind Queue")
	w.told("NoScaleSubresource")
	w.told("UnknownKind")
	if len(w.host) > 0 {
		t.Errorf("the host governs %v", slices.Collect(maps.Keys(w.host)))
	}
}

func TestWhatAnHPADrivesIsLeftAloneUntilItIsGone(t *testing.T) {
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "web-hpa", Namespace: "shop"}}
	h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	w := newWorld(t, target("web", "Deployment", "web"), policy("web-cpu", "web", cpu), h)
	w.reconcile("web")
	w.is(w.target("web").Status.Conditions, v1alpha1.AbleToScale, metav1.ConditionFalse, "DrivenByHPA", "kubectl delete hpa web-hpa -n shop")
	w.told("DrivenByHPA")
	if w.host[web].Paused == "" {
		t.Error("the host is not paused beside the HPA")
	}
	w.reconcile("web")
	if n := len(w.events.Events); n > 0 {
		t.Errorf("%d more events of what lasts", n)
	}
	if err := w.client.Delete(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	w.reconcile("web")
	if got := w.host[web]; got.Paused != "" || len(got.Policies) != 1 {
		t.Errorf("without the HPA the host governs %+v", got)
	}
}

func TestOfTwoTargetsOfOneDeploymentTheOlderGoverns(t *testing.T) {
	first, second := target("a", "Deployment", "web"), target("b", "Deployment", "web")
	first.CreationTimestamp = metav1.NewTime(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	second.CreationTimestamp = metav1.NewTime(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	w := newWorld(t, first, second)
	w.reconcile("a")
	w.reconcile("b")
	w.is(w.target("a").Status.Conditions, v1alpha1.AbleToScale, metav1.ConditionFalse, "DescribedTwice", "ScalableTarget b")
	if from := w.host[web].From; from != "ScalableTarget shop/b" {
		t.Errorf("the target is that of %q; want the older, b", from)
	}
}

func TestAPolicyThatCannotBeReadPausesItsTargetAndIsNamed(t *testing.T) {
	w := newWorld(t, target("web", "Deployment", "web"), policy("good", "web", cpu))
	w.reconcile("web")
	bad := policy("bad", "web", v1alpha1.MetricSource{Prometheus: &v1alpha1.PrometheusQuery{Query: "up"}})
	if err := w.client.Create(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	w.reconcile("web")
	w.is(w.target("web").Status.Conditions, v1alpha1.ScalingActive, metav1.ConditionFalse, "Refused", "ScalingPolicy bad: ")
	var p v1alpha1.ScalingPolicy
	w.get("bad", &p)
	w.is(p.Status.Conditions, v1alpha1.Accepted, metav1.ConditionFalse, "Invalid", "names no serverAddress")
	if got := w.host[web]; got.Paused == "" || len(got.Policies) != 1 {
		t.Errorf("the host governs %+v; want what it was before, paused", got)
	}
}

func TestThePausedAnnotationPausesWithItsReason(t *testing.T) {
	paused := target("web", "Deployment", "web")
	paused.Annotations = map[string]string{v1alpha1.PausedAnnotation: "migration of the database"}
	w := newWorld(t, paused, policy("web-cpu", "web", cpu))
	w.reconcile("web")
	if !strings.Contains(w.host[web].Paused, "migration of the database") {
		t.Errorf("the host is paused by %q", w.host[web].Paused)
	}
	w.is(w.target("web").Status.Conditions, v1alpha1.AbleToScale, metav1.ConditionFalse, "Paused", "migration of the database")
	w.hear(t.Context(), control.Record{At: w.now(), Event: control.Blind, Target: web, Reason: "no metrics server"})
	w.reconcile("web")
	w.is(w.target("web").Status.Conditions, v1alpha1.ScalingActive, metav1.ConditionFalse, "MetricUnavailable", "no metrics server")
}

func TestPoliciesOfATargetThatIsNotThereAreTold(t *testing.T) {
	w := newWorld(t, policy("web-cpu", "web", cpu))
	w.reconcile("web")
	var p v1alpha1.ScalingPolicy
	w.get("web-cpu", &p)
	w.is(p.Status.Conditions, v1alpha1.Accepted, metav1.ConditionFalse, "TargetNotFound", "no ScalableTarget web")
}

func TestATargetThatIsDeletedIsGovernedNoMore(t *testing.T) {
	of := target("web", "Deployment", "web")
	w := newWorld(t, of)
	w.reconcile("web")
	if err := w.client.Delete(t.Context(), of); err != nil {
		t.Fatal(err)
	}
	w.reconcile("web")
	if len(w.host) > 0 {
		t.Errorf("the host governs %+v", w.host)
	}
}

func TestWhatTheHostTellsBecomesStatusAndEvents(t *testing.T) {
	w := newWorld(t, target("web", "Deployment", "web"), policy("web-cpu", "web", cpu))
	w.reconcile("web")
	at := w.now()
	decision := scaling.Decision{At: at, Direction: scaling.Hold, Desired: 20, To: 20, Policy: "web-cpu", Alarm: "web-cpu-AlarmHigh",
		Reasons: []scaling.Reason{{Code: scaling.AlreadyAtMaxCapacity, Policy: "web-cpu", Capacity: 20}}}
	held := decision.Activity("1")
	w.hear(t.Context(), control.Record{At: at, Event: control.Decided, Target: web, Decision: &decision, Activity: &held})
	w.hear(t.Context(), control.Record{At: at, Event: control.Blind, Target: web, Reason: "read metric CPUUtilization: forbidden"})
	w.told("NotScaled")
	w.told("MetricUnavailable")
	w.reconcile("web")
	s := w.target("web").Status
	w.is(s.Conditions, v1alpha1.ScalingLimited, metav1.ConditionTrue, "AlreadyAtMaxCapacity", "maximum capacity of 20")
	w.is(s.Conditions, v1alpha1.ScalingActive, metav1.ConditionFalse, "MetricUnavailable", "forbidden")
	if d := s.LastDecision; d == nil || d.Direction != "hold" || len(d.Reasons) != 1 || !strings.Contains(d.Text, "maximum capacity of 20") {
		t.Errorf("the last decision is %+v", s.LastDecision)
	}
}

func TestWhatIsRememberedIsInTheStatusAndOneOfTwoControllersWrites(t *testing.T) {
	w := newWorld(t, target("web", "Deployment", "web"))
	w.reconcile("web")
	memories := func(identity string) *Memories {
		return &Memories{names: w.names, statuses: w.statuses, identity: identity, revisions: map[scaling.ResourceID]int64{}}
	}
	load := func(m *Memories) *control.Memory {
		t.Helper()
		known, failed := m.Load(t.Context(), []scaling.ResourceID{web})
		if failed[web] != nil {
			t.Fatal(failed[web])
		}
		return known[web]
	}
	save := func(m *Memories, most int32) error {
		return m.Save(t.Context(), map[scaling.ResourceID]control.Change{web: {Memory: &control.Memory{Bounds: control.Range{Min: 2, Max: most}}}})[web]
	}
	first, second := memories("first"), memories("second")
	for _, m := range []*Memories{first, second} {
		if got := load(m); got != nil {
			t.Fatalf("a new target has %v", got)
		}
	}
	for most := int32(3); most < 6; most++ {
		if err := save(first, most); err != nil {
			t.Fatal(err)
		}
	}
	first.revisions[web]-- // the API server wrote what it was given, and its answer was lost
	if err := save(first, 5); err != nil {
		t.Errorf("a controller takes what it has written itself for another's: %v", err)
	}
	if err := save(second, 99); err == nil || !strings.Contains(err.Error(), "first governs it, too") {
		t.Errorf("the second controller writes as well: %v", err)
	}
	if got := load(second); got == nil || got.Bounds.Max != 5 {
		t.Fatalf("the second controller reads %+v; want what the first wrote last", got)
	}
	if err := save(second, 6); err != nil {
		t.Errorf("after it has read, the second cannot take over: %v", err)
	}
	if err := save(first, 7); err == nil {
		t.Error("the first writes after the second has taken over")
	}
}

func ExampleFromHPA() {
	h := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
	h.Spec.MaxReplicas = 10
	resources, notes := FromHPA(h)
	for _, r := range resources {
		fmt.Println(r.GetObjectKind().GroupVersionKind().Kind, r.GetName())
	}
	fmt.Println(notes[0])
	// Output:
	// ScalableTarget web
	// ScalingPolicy web-cpu
	// it has no metrics: Kubernetes takes 80 % of the processors then, and so does the policy
}

// A policy may name any address. What the controller is told to call itself is called in any case.
func TestPoliciesHaveOnlyThoseAddressesCalledThatMayBe(t *testing.T) {
	calls := 0
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
	}))
	defer here.Close()
	ask := func(prometheus string, m v1alpha1.MetricSource) error {
		t.Helper()
		b := newBindings(everything{}, prometheus, new(reach.Addresses).Client())
		q := source.Query{Metric: boundID(m), Statistic: "Average", Period: time.Minute, Now: time.Now(), End: time.Now().Truncate(time.Minute), Periods: 1}
		from, err := b.of(described{policies: []v1alpha1.ScalingPolicy{*policy("p", "web", m)}}).Of(q)
		if err != nil {
			t.Fatal(err)
		}
		return from.Read(t.Context(), []source.Query{q})[0].Err
	}
	for _, m := range []v1alpha1.MetricSource{
		{HTTP: &v1alpha1.HTTPValue{URL: here.URL}},
		{Prometheus: &v1alpha1.PrometheusQuery{ServerAddress: here.URL, Query: "up"}},
	} {
		if err := ask("", m); err == nil || !strings.Contains(err.Error(), "--allow-addresses") || calls > 0 {
			t.Errorf("%+v is answered with %v, after %d calls", m, err, calls)
		}
	}
	if err := ask(here.URL, v1alpha1.MetricSource{Prometheus: &v1alpha1.PrometheusQuery{Query: "up"}}); err != nil || calls != 1 {
		t.Errorf("the controller's own server is answered with %v, after %d calls", err, calls)
	}
}

// A controller that follows another has ten thousand targets to look at: it does not first write that it has not.
func TestWhatWasToldBeforeStaysUntilTheNextControllerHasLooked(t *testing.T) {
	of := target("web", "Deployment", "web")
	of.Status.Conditions = []metav1.Condition{{Type: v1alpha1.AbleToScale, Status: metav1.ConditionTrue, Reason: "ReadyToScale", ObservedGeneration: 1}}
	w := newWorld(t, of, policy("web-cpu", "web", cpu))
	before := w.target("web").ResourceVersion
	w.reconcile("web")
	if after := w.target("web").ResourceVersion; after != before || len(w.host) != 1 {
		t.Errorf("the status went from version %s to %s, and the host governs %d", before, after, len(w.host))
	}
	w.hear(t.Context(), control.Record{At: w.now(), Event: control.Unseen, Target: web, Reason: "forbidden"})
	w.reconcile("web")
	w.is(w.target("web").Status.Conditions, v1alpha1.AbleToScale, metav1.ConditionFalse, "FailedGetScale", "forbidden")
}

// Of two that were made in one second the first by name governs, even if the other one came first to the host.
func TestATargetThatGivesWayLeavesWhatTheOtherGoverns(t *testing.T) {
	first, second := target("a", "Deployment", "web"), target("b", "Deployment", "web")
	w := newWorld(t, second)
	w.reconcile("b")
	if err := w.client.Create(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	w.reconcile("a")
	w.reconcile("b")
	if got := w.host[web]; got.From != "ScalableTarget shop/a" {
		t.Errorf("the host governs %+v; want web by a", w.host)
	}
}

// The annotation of what is scaled comes to the host with the capacity.
func TestWhatIsScaledMayBePaused(t *testing.T) {
	w := newWorld(t, target("web", "Deployment", "web"), policy("web-cpu", "web", cpu))
	w.reconcile("web")
	w.hear(t.Context(), control.Record{At: w.now(), Event: control.Paused, Target: web, Reason: "it has the annotation flyball.dev/paused"})
	w.told("Paused")
	w.reconcile("web")
	w.is(w.target("web").Status.Conditions, v1alpha1.AbleToScale, metav1.ConditionFalse, "Paused", "it has the annotation")
	w.hear(t.Context(), control.Record{At: w.now(), Event: control.Paused, Target: web, Reason: "it has another annotation"})
	w.reconcile("web")
	w.is(w.target("web").Status.Conditions, v1alpha1.AbleToScale, metav1.ConditionFalse, "Paused", "another annotation")
	w.hear(t.Context(), control.Record{At: w.now(), Event: control.Resumed, Target: web, Reason: "it is scaled again"})
	w.told("Resumed")
	w.hear(t.Context(), control.Record{At: w.now(), Event: control.Unseen, Target: web, Reason: "no answer"})
	w.reconcile("web")
	w.is(w.target("web").Status.Conditions, v1alpha1.AbleToScale, metav1.ConditionFalse, "FailedGetScale", "no answer")
}

// Ten thousand memories are not read by as many calls.
func TestWhatIsRememberedOfManyIsReadTogether(t *testing.T) {
	w := newWorld(t)
	var ids []scaling.ResourceID
	for i := range 50 {
		name := fmt.Sprintf("web%d", i)
		of := target(name, "Deployment", name)
		of.Status.State = &v1alpha1.State{Revision: 1, Memory: runtime.RawExtension{Raw: []byte(`{"bounds":{"min":2,"max":9}}`)}}
		if err := w.client.Create(t.Context(), of); err != nil {
			t.Fatal(err)
		}
		if err := w.client.Status().Update(t.Context(), of); err != nil {
			t.Fatal(err)
		}
		w.reconcile(name)
		ids = append(ids, scaling.ScaleID("shop", "deployments.apps", name))
	}
	calls := &counted{Reader: w.client}
	m := &Memories{names: w.names, statuses: statuses{w.client, calls}, identity: "first", revisions: map[scaling.ResourceID]int64{}}
	known, failed := m.Load(t.Context(), ids)
	if len(known) != len(ids) || len(failed) > 0 || calls.n != 1 || known[ids[7]].Bounds.Max != 9 {
		t.Errorf("of %d targets %d are known and %d failed, with %d calls", len(ids), len(known), len(failed), calls.n)
	}
	// What was asked for before may have been written since.
	if known, _ = m.Load(t.Context(), ids[:1]); len(known) != 1 || calls.n != 2 {
		t.Errorf("asked again, %d are known after %d calls", len(known), calls.n)
	}
}

// counted counts the calls of a reader.
type counted struct {
	client.Reader
	n int
}

func (c *counted) Get(ctx context.Context, key client.ObjectKey, into client.Object, o ...client.GetOption) error {
	c.n++
	return c.Reader.Get(ctx, key, into, o...)
}

func (c *counted) List(ctx context.Context, into client.ObjectList, o ...client.ListOption) error {
	c.n++
	return c.Reader.List(ctx, into, o...)
}
