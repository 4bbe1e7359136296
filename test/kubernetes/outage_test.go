package kubernetes

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// web applies a Deployment that is scaled, and waits until a controller has done what its load needs.
func web(t *testing.T, start func(namespace string)) (namespace string, a applier) {
	t.Helper()
	namespace, a = newNamespace(t), newApplier(t)
	a.install()
	for _, text := range []string{deployment, scaled} {
		if err := a.apply(namespace, text); err != nil {
			t.Fatal(err)
		}
	}
	start(namespace)
	awaitReplicas(t, namespace, 7, "400m of load on pods of 100m that are to be 60 % busy")
	return namespace, a
}

// kept starts a controller again whenever it ends, as a node does with a container, until the test ends.
func kept(t *testing.T, namespace string) (starts func() int) {
	t.Helper()
	kubeconfig := kubeconfigOf(t, "flyball-system", "flyball-control")
	var mu sync.Mutex
	n, over := 0, make(chan struct{})
	var all sync.WaitGroup
	var last *controller
	again := func() {
		mu.Lock()
		defer mu.Unlock()
		select {
		case <-over:
		default:
			n++
			last = startProgram(t, flyball, kubeconfig, namespace)
		}
	}
	again()
	all.Go(func() {
		for {
			_ = last.Wait() // it may have been told to
			select {
			case <-over:
				return
			case <-time.After(time.Second):
				again()
			}
		}
	})
	t.Cleanup(func() {
		mu.Lock()
		close(over)
		_ = last.Process.Kill()
		mu.Unlock()
		all.Wait()
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// generation counts how often the specification of a Deployment was changed.
func generation(t *testing.T, namespace string) int64 {
	t.Helper()
	d, err := client(t).AppsV1().Deployments(namespace).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Generation
}

// A quarter of an hour passes for the controller: it has no lease, no metrics and no capacity, and the load has risen. Then
// it does what is needed, once.
func TestTheAPIServerIsGoneForAMinute(t *testing.T) {
	var starts func() int
	namespace, _ := web(t, func(namespace string) { starts = kept(t, namespace) })
	before := generation(t, namespace)
	shared.StopAPIServer()
	time.Sleep(time.Minute)
	if err := shared.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := replicas(t, namespace); n != 7 {
		t.Errorf("there are %d replicas after the outage, and were 7", n)
	}
	setLoad(t, namespace, 580)
	awaitReplicas(t, namespace, 10, "580m of load after the outage")
	if n := generation(t, namespace) - before; n != 1 {
		t.Errorf("the Deployment was changed %d times", n)
	}
	t.Logf("the controller was started %d times", starts())
}

// What a controller has watched is not there any more: it has to read all again.
func TestTheHistoryThatAControllerWatchesIsCompacted(t *testing.T) {
	way := newWay(t)
	namespace, a := web(t, func(namespace string) {
		startProgram(t, flyball, way.kubeconfig(t, "flyball-system", "flyball-control"), namespace, "--lease", "")
	})
	ctx := t.Context()
	mapping, err := a.mapper.RESTMapping(schemaOf("ScalingPolicy"), "v1alpha1")
	if err != nil {
		t.Fatal(err)
	}
	policies := a.dynamic.Resource(mapping.Resource).Namespace(namespace)
	known, err := policies.List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	way.cut()
	shared.StopAPIServer() // and what it has in memory
	if err := shared.StartAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	// 400m are 40 % of ten pods, and 57 % of seven.
	if _, err := policies.Patch(ctx, "web-cpu", types.MergePatchType, []byte(`{"spec":{"targetTrackingScalingPolicyConfiguration":{"targetValue":40}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := a.apply(namespace, strings.ReplaceAll(strings.Split(scaled, "---")[0], "name: web", "name: later")); err != nil {
		t.Fatal(err)
	}
	if err := shared.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if err := watchedFrom(ctx, policies, known.GetResourceVersion()); !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
		t.Fatalf("a watch that goes on from before is answered with %v: nothing is compacted", err)
	}
	way.open()
	awaitReplicas(t, namespace, 10, "the policy as it was changed meanwhile")
	eventually(t, time.Minute, "a target that was made meanwhile", func() error {
		if is := a.condition(ctx, namespace, "later", "AbleToScale"); is != "TargetNotFound" {
			return fmt.Errorf("AbleToScale is %q", is)
		}
		return nil
	})
}

// watchedFrom is how a watch from a version begins.
func watchedFrom(ctx context.Context, of dynamic.ResourceInterface, version string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	w, err := of.Watch(ctx, metav1.ListOptions{ResourceVersion: version})
	if err != nil {
		return err
	}
	defer w.Stop()
	if first, is := <-w.ResultChan(); is && first.Type == watch.Error {
		return apierrors.FromObject(first.Object)
	}
	return nil
}

// A way leads to the API server, and can be cut.
type way struct {
	listener net.Listener

	mu    sync.Mutex
	isCut bool
	conns map[net.Conn]bool
}

func newWay(t *testing.T) *way {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &way{listener: l, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
	})
	to := strings.TrimPrefix(shared.Config().Host, "https://")
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go w.lead(from, to)
		}
	}()
	return w
}

// lead leads a connection to the API server, unless the way is cut.
func (w *way) lead(from net.Conn, address string) {
	defer from.Close()
	to, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer to.Close()
	w.mu.Lock()
	cut := w.isCut
	w.conns[from], w.conns[to] = true, true
	w.mu.Unlock()
	if cut {
		return
	}
	var both sync.WaitGroup
	for _, of := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(of[0], of[1]) // it is cut, or one of the two has ended
			_, _ = of[0].Close(), of[1].Close()
		})
	}
	both.Wait()
}

func (w *way) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for c := range w.conns {
		_ = c.Close() // it may have ended
	}
	clear(w.conns)
}

func (w *way) open() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}

// kubeconfig is that of a service account by this way.
func (w *way) kubeconfig(t *testing.T, namespace, account string) string {
	t.Helper()
	path := kubeconfigOf(t, namespace, account)
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range config.Clusters {
		c.Server = "https://" + w.listener.Addr().String()
	}
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// climbing adds three replicas when a number is above 50, and then no more for five minutes.
const climbing = `
apiVersion: autoscaling.flyball.dev/v1alpha1
kind: ScalableTarget
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minCapacity: 1, maxCapacity: 100}
---
apiVersion: autoscaling.flyball.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: web-steps}
spec:
  scalableTargetRef: {name: web}
  policyType: StepScaling
  stepScalingPolicyConfiguration: {adjustmentType: ChangeInCapacity, cooldown: 300, stepAdjustments: [{metricIntervalLowerBound: 0, scalingAdjustment: 3}]}
  alarms: [{alarmName: high, comparisonOperator: GreaterThanThreshold, threshold: 50, evaluationPeriods: 1, http: {url: URL}}]
`

// Two builds take turns while there is something to do: whichever holds the lease acts, and what one has done, the next does not do
// again. FLYBALL_TEST_PROGRAM_BEFORE names the other build; without it both are the same.
func TestControllersAreReplacedOneByOneWhileTheyScale(t *testing.T) {
	builds := []string{flyball, flyball}
	if before := os.Getenv("FLYBALL_TEST_PROGRAM_BEFORE"); before != "" {
		builds[0] = before
	}
	var value atomic.Int64
	number := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, value.Load()) }))
	t.Cleanup(number.Close)
	namespace, a := newNamespace(t), newApplier(t)
	a.install()
	for _, text := range []string{deployment, strings.ReplaceAll(climbing, "URL", number.URL)} {
		if err := a.apply(namespace, text); err != nil {
			t.Fatal(err)
		}
	}
	kubeconfig := kubeconfigOf(t, "flyball-system", "flyball-control")
	seen := watchReplicas(t, namespace)
	var all []*controller
	start := func() {
		all = append(all, startProgram(t, builds[len(all)%2], kubeconfig, namespace, "--allow-addresses", "127.0.0.1"))
	}
	start()
	want := []int32{5, 8, 11, 14, 17, 20}
	for _, n := range want {
		value.Store(100)
		// It is decided some seconds later: somewhere around that the controller is replaced.
		time.Sleep(time.Duration(rand.Int64N(int64(12 * time.Second))))
		start()
		all[len(all)-2].stop(t)
		eventually(t, 3*time.Minute, "three more replicas, whoever adds them", func() error {
			if is := replicas(t, namespace); is < n {
				return fmt.Errorf("there are %d replicas", is)
			}
			return nil
		})
		value.Store(0)
	}
	all[len(all)-1].stop(t)
	if got := seen(); !slices.Equal(got, want) {
		t.Errorf("the Deployment had %v replicas one after the other; want %v", got, want)
	}
	for i, c := range all {
		t.Logf("controller %d of %d decided %q", i+1, len(all), decisions(t, c.did))
	}
}

// decisions are the changes that an audit log says were decided.
func decisions(t *testing.T, log *bytes.Buffer) (all []string) {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(log.Bytes()))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r struct {
			Event    string
			Activity *struct{ Status, From, To json.RawMessage }
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if r.Event == "decided" && r.Activity != nil && string(r.Activity.Status) == `"Pending"` {
			all = append(all, fmt.Sprintf("%s to %s", r.Activity.From, r.Activity.To))
		}
	}
	return all
}

// watchReplicas watches how many replicas a Deployment is to have; what it returns ends the watch, and tells.
func watchReplicas(t *testing.T, namespace string) (seen func() []int32) {
	t.Helper()
	last := replicas(t, namespace)
	w, err := client(t).AppsV1().Deployments(namespace).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all []int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range w.ResultChan() {
			if d, is := e.Object.(*appsv1.Deployment); is && *d.Spec.Replicas != last {
				last = *d.Spec.Replicas
				all = append(all, last)
			}
		}
	}()
	return func() []int32 {
		w.Stop()
		<-done
		return all
	}
}
