package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// The folder that users apply.
var manifests = filepath.Join("..", "..", "deploy", "kubernetes")

// An applier creates what YAML says.
type applier struct {
	t       *testing.T
	dynamic dynamic.Interface
	mapper  meta.ResettableRESTMapper
}

func newApplier(t *testing.T) applier {
	t.Helper()
	d, err := dynamic.NewForConfig(shared.Config())
	if err != nil {
		t.Fatal(err)
	}
	return applier{t, d, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client(t).Discovery()))}
}

// apply creates the documents of a text in a namespace, if they name none, and returns the first error of the
// API server.
func (a applier) apply(namespace, text string) error {
	a.t.Helper()
	return shared.Apply(a.t.Context(), namespace, text)
}

// install applies the manifests but for the Deployment: the controller is a process here.
func (a applier) install() {
	a.t.Helper()
	if err := shared.ApplyFiles(a.t.Context(), manifests, "crd/*.yaml", "namespace.yaml", "rbac.yaml", "admission.yaml"); err != nil {
		a.t.Fatal(err)
	}
}

// A controller is a process with the rights of the service account.
type controller struct {
	*exec.Cmd
	said, did *bytes.Buffer // messages, and the audit log
}

// startController starts one that governs a namespace, at fifteen times the speed.
func startController(t *testing.T, namespace string, args ...string) *controller {
	t.Helper()
	return startProgram(t, flyball, kubeconfigOf(t, "flyball-system", "flyball-control"), namespace, args...)
}

func startProgram(t *testing.T, program, kubeconfig, namespace string, args ...string) *controller {
	t.Helper()
	args = append([]string{"control", "kubernetes", "--kubeconfig", kubeconfig, "--lease-namespace", "flyball-system", "--namespace", namespace,
		"--listen", "", "--speed", "15"}, args...)
	o := &controller{exec.Command(program, args...), &bytes.Buffer{}, &bytes.Buffer{}}
	o.Stderr, o.Stdout = o.said, o.did
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o.kill()
		if t.Failed() {
			t.Logf("a controller said:\n%s\nand did:\n%s", o.said, o.did)
		}
	})
	return o
}

// kill ends it at once.
func (c *controller) kill() {
	_ = c.Process.Kill() // it may have ended
	_ = c.Wait()
}

// stop ends it as a node does.
func (c *controller) stop(t *testing.T) {
	t.Helper()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	late := time.AfterFunc(2*time.Minute, func() {
		t.Error("a controller is still there two minutes after SIGTERM")
		_ = c.Process.Kill() // it may have ended now
	})
	defer late.Stop()
	_ = c.Wait() // its status says that it was ended
}

// deployment is one whose pods request 100m.
const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: example/idle, resources: {requests: {cpu: 100m}}}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: load}
data: {web: "400"}
`

// scaled is its target with a policy.
const scaled = `
apiVersion: autoscaling.flyball.dev/v1alpha1
kind: ScalableTarget
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minCapacity: 1, maxCapacity: 10}
---
apiVersion: autoscaling.flyball.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: web-cpu}
spec:
  scalableTargetRef: {name: web}
  policyType: TargetTrackingScaling
  targetTrackingScalingPolicyConfiguration: {targetValue: 60, resource: {name: cpu}}
`

// condition is the reason of a target's condition.
func (a applier) condition(ctx context.Context, namespace, name, kind string) string {
	mapping, err := a.mapper.RESTMapping(schemaOf("ScalableTarget"), "v1alpha1")
	if err != nil {
		a.mapper.Reset() // it may be new
		return err.Error()
	}
	o, err := a.dynamic.Resource(mapping.Resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	all, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range all {
		if c, is := c.(map[string]any); is && c["type"] == kind {
			return fmt.Sprint(c["reason"])
		}
	}
	return ""
}

// setLoad has the pods of a namespace use so many millicores together.
func setLoad(t *testing.T, namespace string, milli int) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"data":{"web":"%d"}}`, milli)
	if _, err := client(t).CoreV1().ConfigMaps(namespace).Patch(t.Context(), "load", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// awaitReplicas waits until a Deployment is to have so many.
func awaitReplicas(t *testing.T, namespace string, want int32, what string) {
	t.Helper()
	eventually(t, 6*time.Minute, what, func() error {
		if n := replicas(t, namespace); n != want {
			return fmt.Errorf("there are %d replicas", n)
		}
		return nil
	})
}

func replicas(t *testing.T, namespace string) int32 {
	t.Helper()
	d, err := client(t).AppsV1().Deployments(namespace).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return *d.Spec.Replicas
}

// What the definitions and the admission policy refuse never comes to a controller.
func TestTheAPIServerRefusesWhatContradictsItself(t *testing.T) {
	namespace, a := newNamespace(t), newApplier(t)
	a.install()
	const head = "apiVersion: autoscaling.flyball.dev/v1alpha1\nmetadata: {name: bad}\n"
	for _, c := range []struct{ text, want string }{
		{"kind: ScalableTarget\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minCapacity: 9, maxCapacity: 2}", "maxCapacity cannot be less than minCapacity"},
		{"kind: ScalableTarget\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minCapacity: 1, maxCapacity: 2, maxChangePerMinute: {scaleIn: 0%}}", "write a number above 0"},
		{"kind: ScalingPolicy\nspec: {scalableTargetRef: {name: web}, policyType: StepScaling, targetTrackingScalingPolicyConfiguration: {targetValue: 60, resource: {name: cpu}}}", "belongs to a policy of the type TargetTrackingScaling"},
		{"kind: ScalingPolicy\nspec: {scalableTargetRef: {name: web}, policyType: TargetTrackingScaling, targetTrackingScalingPolicyConfiguration: {targetValue: 60, resource: {name: cpu}, prometheus: {query: up}}}", "give one metric"},
		{"kind: ScalingPolicy\nspec: {scalableTargetRef: {name: web}, policyType: TargetTrackingScaling, targetTrackingScalingPolicyConfiguration: {targetValue: 0, resource: {name: cpu}}}", "should be greater than 0"},
		{"kind: ScalingPolicy\nspec: {scalableTargetRef: {name: web}, policyType: PredictiveScaling, predictiveScalingPolicyConfiguration: {metricSpecifications: [{targetValue: 50, customizedLoadMetricSpecification: {prometheus: {query: up}}}]}}", "give one scaling metric"},
		{"kind: ScalingPolicy\nspec: {scalableTargetRef: {name: web}, policyType: PredictiveScaling, predictiveScalingPolicyConfiguration: {maxCapacityBreachBehavior: IncreaseMaxCapacity, metricSpecifications: [{targetValue: 50, customizedLoadMetricSpecification: {prometheus: {query: up}}, customizedScalingMetricSpecification: {prometheus: {query: up}}}]}}", "maxCapacityBuffer belongs to"},
		{"kind: ScalingPolicy\nspec: {scalableTargetRef: {name: web}, policyType: PredictiveScaling, predictiveScalingPolicyConfiguration: {metricSpecifications: [{targetValue: 50, customizedLoadMetricSpecification: {}, customizedScalingMetricSpecification: {prometheus: {query: up}}}]}}", "give metricDataQueries (of CloudWatch) or prometheus"},
		{"kind: ScheduledAction\nspec: {scalableTargetRef: {name: web}, schedule: every day, scalableTargetAction: {minCapacity: 1}}", "schedule"},
		{"kind: ScheduledAction\nspec: {scalableTargetRef: {name: web}, schedule: rate(1 day), scalableTargetAction: {}}", "give minCapacity or maxCapacity"},
	} {
		if err := a.apply(namespace, head+c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\nis answered with %v; want %q", c.text, err, c.want)
		}
	}
	if err := a.apply(namespace, `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web-hpa}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
`); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the refusal of what an HPA drives", func() error {
		err := a.apply(namespace, strings.Split(scaled, "---")[0])
		if err == nil || !strings.Contains(err.Error(), "the HorizontalPodAutoscaler web-hpa scales the Deployment web already") {
			return fmt.Errorf("it is answered with %v", err)
		}
		return nil
	})
}

// A controller with the rights of the manifests scales a deployment; when it is killed, another goes on as the
// load grows on.
func TestControllersWithLeastRightsScaleOneAfterTheOther(t *testing.T) {
	namespace, a, ctx := newNamespace(t), newApplier(t), t.Context()
	a.install()
	for _, text := range []string{deployment, scaled, strings.NewReplacer("name: web}, min", "name: load}, min", "apps/v1, kind: Deployment", "v1, kind: ConfigMap", "{name: web}\nspec: {scaleT", "{name: other}\nspec: {scaleT").Replace(strings.Split(scaled, "---")[0])} {
		if err := a.apply(namespace, text); err != nil {
			t.Fatal(err)
		}
	}
	first := startController(t, namespace)
	eventually(t, time.Minute, "a target without scale that is told", func() error {
		if is := a.condition(ctx, namespace, "other", "AbleToScale"); is != "NoScaleSubresource" {
			return fmt.Errorf("AbleToScale is %q", is)
		}
		return nil
	})
	awaitReplicas(t, namespace, 7, "400m of load on pods of 100m that are to be 60 % busy")
	startController(t, namespace)
	first.kill()
	setLoad(t, namespace, 580)
	awaitReplicas(t, namespace, 10, "580m of load that the second controller sees to")
}

// The annotation on the target, or on what it scales, has nothing be changed until it is gone.
func TestPausedByAnnotationNothingIsChanged(t *testing.T) {
	namespace, a, ctx := newNamespace(t), newApplier(t), t.Context()
	a.install()
	for _, text := range []string{deployment, scaled} {
		if err := a.apply(namespace, text); err != nil {
			t.Fatal(err)
		}
	}
	annotate := func(resource schema.GroupVersionResource, value string) {
		t.Helper()
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"flyball.dev/paused":%s}}}`, value)
		if _, err := a.dynamic.Resource(resource).Namespace(namespace).Patch(ctx, "web", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	targets := schema.GroupVersionResource{Group: "autoscaling.flyball.dev", Version: "v1alpha1", Resource: "scalabletargets"}
	deployments := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	annotate(targets, `"the database is moved"`)
	startController(t, namespace)
	eventually(t, time.Minute, "that it is paused", func() error {
		if is := a.condition(ctx, namespace, "web", "AbleToScale"); is != "Paused" {
			return fmt.Errorf("AbleToScale is %q", is)
		}
		return nil
	})
	// A minute of the controller is four seconds: more than it would take to scale.
	eventually(t, 2*time.Minute, "an alarm that would have it scaled", func() error {
		o, err := a.dynamic.Resource(targets).Namespace(namespace).Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if all, _, _ := unstructured.NestedSlice(o.Object, "status", "policies"); !strings.Contains(fmt.Sprint(all), "is in ALARM") {
			return fmt.Errorf("its policies are %v", all)
		}
		return nil
	})
	annotate(deployments, `"maintenance"`)
	annotate(targets, `null`)
	eventually(t, time.Minute, "that the Deployment pauses it", func() error {
		o, err := a.dynamic.Resource(targets).Namespace(namespace).Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if all, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions"); !strings.Contains(fmt.Sprint(all), `it has the annotation flyball.dev/paused: "maintenance"`) {
			return fmt.Errorf("its conditions are %v", all)
		}
		return nil
	})
	if n := replicas(t, namespace); n != 2 {
		t.Errorf("it was scaled to %d while it was paused", n)
	}
	annotate(deployments, `null`)
	awaitReplicas(t, namespace, 7, "400m of load once it is paused no more")
}

// A predictive policy without a day of history says so in its status, and one whose server does not answer, too; the
// target is explained by that.
func TestAPredictivePolicyTellsHowItStands(t *testing.T) {
	namespace, a, ctx := newNamespace(t), newApplier(t), t.Context()
	a.install()
	policy := func(name, address string) string {
		return fmt.Sprintf(`
apiVersion: autoscaling.flyball.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: %s}
spec:
  scalableTargetRef: {name: web}
  policyType: PredictiveScaling
  predictiveScalingPolicyConfiguration:
    mode: ForecastAndScale
    metricSpecifications:
      - targetValue: 50
        customizedLoadMetricSpecification: {prometheus: {query: load, serverAddress: %[2]q}}
        customizedScalingMetricSpecification: {prometheus: {query: load, serverAddress: %[2]q}}
`, name, address)
	}
	hours := 7
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		end, _ := strconv.ParseInt(r.FormValue("end"), 10, 64)
		var points []string
		for i := range hours {
			if at := end - int64(i)*3600; r.FormValue("step") == "3600" {
				points = append([]string{fmt.Sprintf(`[%d,"100"]`, at)}, points...)
			}
		}
		if end < time.Now().Add(-2*time.Hour).Unix() {
			points = nil // before, there was nothing
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[%s]}]}}`, strings.Join(points, ","))
	}))
	defer server.Close()
	for _, text := range []string{deployment, strings.Split(scaled, "---")[0], policy("ahead", server.URL), policy("nobody", "http://127.0.0.1:1")} {
		if err := a.apply(namespace, text); err != nil {
			t.Fatal(err)
		}
	}
	startProgram(t, flyball, kubeconfigOf(t, "flyball-system", "flyball-control"), namespace, "--speed", "1", "--allow-addresses", "127.0.0.1")
	policies := schema.GroupVersionResource{Group: "autoscaling.flyball.dev", Version: "v1alpha1", Resource: "scalingpolicies"}
	for name, want := range map[string]string{"ahead": "the load metric has 7 hours of data, and a minimum of 24 hours is required: there is enough at", "nobody": "connection refused"} {
		eventually(t, 2*time.Minute, "how the policy "+name+" stands", func() error {
			o, err := a.dynamic.Resource(policies).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if all, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions"); !strings.Contains(fmt.Sprint(all), want) {
				return fmt.Errorf("its conditions are %v", all)
			}
			return nil
		})
	}
}

// What cannot be governed is told in status and events, and nothing is changed.
func TestWhatCannotBeGovernedIsToldAndLeftAlone(t *testing.T) {
	namespace, a, ctx := newNamespace(t), newApplier(t), t.Context()
	a.install()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"a"},"values":[]},{"metric":{"job":"b"},"values":[]}]}}`)
	}))
	defer server.Close()
	const target = `
apiVersion: autoscaling.flyball.dev/v1alpha1
kind: ScalableTarget
metadata: {name: %s}
spec: {scaleTargetRef: {apiVersion: %s, kind: %s, name: %s}, minCapacity: 5, maxCapacity: 10}
`
	series := fmt.Sprintf(`
apiVersion: autoscaling.flyball.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: series}
spec:
  scalableTargetRef: {name: series}
  policyType: TargetTrackingScaling
  targetTrackingScalingPolicyConfiguration: {targetValue: 1, prometheus: {query: up, serverAddress: %q}}
`, server.URL)
	const hpa = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web-hpa}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 3}
`
	second := strings.NewReplacer("web", "second").Replace(strings.Split(deployment, "---")[0])
	for _, text := range []string{
		deployment, second,
		fmt.Sprintf(target, "scaleless", "v1", "ConfigMap", "load"), fmt.Sprintf(target, "unknown", "example.org/v1", "Thing", "web"),
		fmt.Sprintf(target, "forbidden", "v1", "ReplicationController", "web"), fmt.Sprintf(target, "series", "apps/v1", "Deployment", "second"), series,
		"apiVersion: v1\nkind: ReplicationController\nmetadata: {name: web}\nspec: {replicas: 0, selector: {of: rc}, template: {metadata: {labels: {of: rc}}, spec: {containers: [{name: web, image: example/idle}]}}}",
		fmt.Sprintf(target, "driven", "apps/v1", "Deployment", "web"), hpa, // which comes later
	} {
		if err := a.apply(namespace, text); err != nil {
			t.Fatal(err)
		}
	}
	startController(t, namespace, "--allow-addresses", "127.0.0.1")
	for _, c := range []struct{ name, condition, reason string }{
		{"scaleless", "AbleToScale", "NoScaleSubresource"},
		{"unknown", "AbleToScale", "UnknownKind"},
		{"forbidden", "AbleToScale", "FailedGetScale"},
		{"series", "ScalingActive", "MetricUnavailable"},
		{"driven", "AbleToScale", "DrivenByHPA"},
	} {
		eventually(t, 2*time.Minute, c.reason+" of "+c.name, func() error {
			if is := a.condition(ctx, namespace, c.name, c.condition); is != c.reason {
				return fmt.Errorf("%s is %q", c.condition, is)
			}
			all, err := client(t).EventsV1().Events(namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				return err
			}
			for _, e := range all.Items {
				if e.Regarding.Name == c.name && e.Reason == c.reason {
					return nil
				}
			}
			return fmt.Errorf("there is no event %s", c.reason)
		})
	}
	if n := replicas(t, namespace); n > 3 {
		t.Errorf("what an HPA drives was set to %d", n)
	}
	rc, err := client(t).CoreV1().ReplicationControllers(namespace).Get(ctx, "web", metav1.GetOptions{})
	if err != nil || *rc.Spec.Replicas != 0 {
		t.Errorf("what the controller has no right to is %v, %v", rc.Spec.Replicas, err)
	}
}

func schemaOf(kind string) schema.GroupKind {
	return schema.GroupKind{Group: "autoscaling.flyball.dev", Kind: kind}
}
