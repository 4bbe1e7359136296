package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"flyball/test/kubernetes/cluster"
)

// A fleet is many Deployments, as many to a namespace as perNamespace says.
type fleet struct {
	client kubernetes.Interface
	began  time.Time
	all    []deployment
	asked  atomic.Int64 // queries that Prometheus was asked
	url    string       // of the stand-in for Prometheus

	scaled chan change
}

// A deployment is one, with how many replicas it has.
type deployment struct {
	namespace, name string
	replicas        atomic.Int32
}

// A change is that a Deployment was to have more replicas, or fewer.
type change struct {
	place int
	at    time.Time
}

const perNamespace = 100

func newFleet(ctx context.Context, client kubernetes.Interface, n int) (*fleet, error) {
	f := &fleet{client: client, began: time.Now(), all: make([]deployment, n), scaled: make(chan change, n)}
	for i := range f.all {
		f.all[i].namespace, f.all[i].name = fmt.Sprintf("n%d", i/perNamespace), fmt.Sprintf("d%d", i)
		f.all[i].replicas.Store(5)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f.url = "http://" + l.Addr().String()
	server := &http.Server{Handler: f}
	go func() { _ = server.Serve(l) }() // until it is closed
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return f, nil
}

// load is that of a Deployment at a time, in percent of one pod.
func (f *fleet) load(place int, at time.Time) float64 {
	phase := float64(place) / float64(len(f.all))
	return 250 + 200*math.Sin(2*math.Pi*(at.Sub(f.began).Hours()+phase))
}

// ServeHTTP answers query_range as Prometheus does: the query is the place of a Deployment.
func (f *fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked.Add(1)
	q := r.URL.Query()
	place, err := strconv.Atoi(q.Get("query"))
	from, errFrom := strconv.ParseInt(q.Get("start"), 10, 64)
	to, errTo := strconv.ParseInt(q.Get("end"), 10, 64)
	if err != nil || errFrom != nil || errTo != nil || place >= len(f.all) {
		http.Error(w, "no such query", http.StatusBadRequest)
		return
	}
	var b strings.Builder
	for at := from; at <= to; at += 60 {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `[%d,"%g"]`, at, f.load(place, time.Unix(at, 0))/float64(f.all[place].replicas.Load()))
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[%s]}]}}`, b.String())
}

// resource is a resource of Flyball's.
func resource(name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "autoscaling.flyball.dev", Version: "v1alpha1", Resource: name}
}

// create makes all that there is, and follows it.
func (f *fleet) create(ctx context.Context, c *cluster.Cluster) error {
	of, err := dynamic.NewForConfig(c.Config())
	if err != nil {
		return err
	}
	for i := 0; i < len(f.all); i += perNamespace {
		n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: f.all[i].namespace}}
		if _, err := f.client.CoreV1().Namespaces().Create(ctx, n, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if err := f.follow(ctx); err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(16)
	for i := range f.all {
		all.Go(func() error { return f.createOne(ctx, of, i) })
	}
	return all.Wait()
}

func (f *fleet) createOne(ctx context.Context, of dynamic.Interface, i int) error {
	d, label := &f.all[i], map[string]string{"app": f.all[i].name}
	replicas := d.replicas.Load()
	_, err := f.client.AppsV1().Deployments(d.namespace).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: d.name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: label},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: label}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "example/idle"}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for kind, spec := range map[string]string{
		"ScalableTarget": `{"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "` + d.name + `"}, "minCapacity": 1, "maxCapacity": 20}`,
		"ScalingPolicy": `{"scalableTargetRef": {"name": "` + d.name + `"}, "policyType": "TargetTrackingScaling",
			"targetTrackingScalingPolicyConfiguration": {"targetValue": 50, "prometheus": {"query": "` + strconv.Itoa(i) + `"}}}`,
	} {
		o := unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "autoscaling.flyball.dev/v1alpha1", "kind": kind, "metadata": map[string]any{"name": d.name},
		}}
		var written map[string]any
		if err := json.Unmarshal([]byte(spec), &written); err != nil {
			return err
		}
		o.Object["spec"] = written
		name := map[string]string{"ScalableTarget": "scalabletargets", "ScalingPolicy": "scalingpolicies"}[kind]
		if _, err := of.Resource(resource(name)).Namespace(d.namespace).Create(ctx, &o, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// follow writes the status of Deployments as if pods came and went at once, and notes changes.
func (f *fleet) follow(ctx context.Context) error {
	deployments := informers.NewSharedInformerFactory(f.client, 0).Apps().V1().Deployments().Informer()
	room := make(chan struct{}, 16)
	see := func(o any, changed bool) {
		d := o.(*appsv1.Deployment)
		place, err := strconv.Atoi(strings.TrimPrefix(d.Name, "d"))
		if err != nil || place >= len(f.all) {
			return
		}
		if changed {
			f.scaled <- change{place, time.Now()}
		}
		n := *d.Spec.Replicas
		if d.Status.Replicas == n {
			return
		}
		f.all[place].replicas.Store(n)
		room <- struct{}{}
		go func() {
			defer func() { <-room }()
			is := d.DeepCopy()
			is.Status = appsv1.DeploymentStatus{Replicas: n, ReadyReplicas: n, AvailableReplicas: n, UpdatedReplicas: n, ObservedGeneration: d.Generation}
			_, _ = f.client.AppsV1().Deployments(d.Namespace).UpdateStatus(ctx, is, metav1.UpdateOptions{}) // who was first is seen again
		}()
	}
	_, err := deployments.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { see(o, false) },
		UpdateFunc: func(old, o any) {
			see(o, *old.(*appsv1.Deployment).Spec.Replicas != *o.(*appsv1.Deployment).Spec.Replicas)
		},
	})
	if err != nil {
		return err
	}
	go deployments.Run(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), deployments.HasSynced) {
		return ctx.Err()
	}
	return nil
}
