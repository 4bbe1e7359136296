package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"flyball/test/kubernetes/cluster"
)

// start starts a cluster whose HPA controller has shorter times, and finds or builds the program of Flyball.
func start(ctx context.Context, p play, dir string) (c *cluster.Cluster, flyball string, err error) {
	if flyball = os.Getenv("FLYBALL_TEST_PROGRAM"); flyball == "" {
		flyball = filepath.Join(dir, "flyball")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", flyball, "./cmd/flyball")
		build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			return nil, "", fmt.Errorf("building flyball: %w\n%s", err, text)
		}
	}
	program, err := cluster.Build(ctx, dir)
	if err != nil {
		return nil, "", err
	}
	shorter := func(flag string, d time.Duration) string {
		return fmt.Sprintf("--horizontal-pod-autoscaler-%s=%s", flag, p.real(d))
	}
	c, err = cluster.Start(ctx, cluster.Options{
		Program: program, Dir: p.out,
		ControllerManager: []string{
			shorter("sync-period", 15*time.Second), shorter("downscale-stabilization", 5*time.Minute),
			shorter("cpu-initialization-period", 5*time.Minute), shorter("initial-readiness-delay", 30*time.Second),
		},
	})
	if err != nil {
		return nil, "", err
	}
	return c, flyball, c.ApplyFiles(ctx, filepath.Join("..", "..", "deploy", "kubernetes"), "crd/*.yaml")
}

// web is what is scaled: its pods are ready half a minute after their begin.
const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: example/idle
          resources: {requests: {cpu: %[2]dm}, limits: {cpu: %[2]dm}}
          readinessProbe: {exec: {command: ["true"]}, initialDelaySeconds: %[3]d, periodSeconds: 1}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: load}
data: {web: "%.0[4]f"}
`

// measure plays the load to all, and tells what each made of it, and the longest time, of the load's, in which nobody looked.
func (p play) measure(ctx context.Context, c *cluster.Cluster, flyball string, all []contestant) ([]*result, time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return nil, 0, err
	}
	var results []*result
	args := []string{"control", "kubernetes", "--kubeconfig", c.Kubeconfig(), "--lease", "", "--listen", "", "--speed", fmt.Sprint(p.speed)}
	for _, one := range all {
		if _, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: one.namespace}}, metav1.CreateOptions{}); err != nil {
			return nil, 0, err
		}
		manifest := fmt.Sprintf(web, pods(p.load[0], 0.6), podCPU, seconds(30, p.speed), p.load[0])
		if err := c.Apply(ctx, one.namespace, manifest); err != nil {
			return nil, 0, err
		}
		if one.flyball {
			args = append(args, "--namespace", one.namespace)
		}
		results = append(results, &result{contestant: one})
	}
	look, err := observe(ctx, client, results)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range results {
		if err := look.awaitReady(ctx, r.namespace, pods(p.load[0], 0.6)); err != nil {
			return nil, 0, err
		}
	}
	controller := exec.CommandContext(ctx, flyball, args...)
	log, err := os.Create(filepath.Join(p.out, "flyball.log"))
	if err != nil {
		return nil, 0, err
	}
	defer log.Close()
	controller.Stdout, controller.Stderr = log, log
	if err := controller.Start(); err != nil {
		return nil, 0, err
	}
	defer func() {
		_ = controller.Process.Kill() // its work is done
		_ = controller.Wait()
	}()
	for _, one := range all {
		if err := c.Apply(ctx, one.namespace, one.manifest); err != nil {
			return nil, 0, err
		}
	}
	late, err := p.playTo(ctx, client, look, results)
	return results, late, err
}

// often is how often it is looked at how many pods there are: 1.5 s at fifteen times the speed.
const often = 100 * time.Millisecond

// playTo sets the load of each minute, and counts what there is for it.
func (p play) playTo(ctx context.Context, client kubernetes.Interface, look *looking, results []*result) (late time.Duration, err error) {
	began := time.Now()
	ticks := time.NewTicker(often)
	defer ticks.Stop()
	last, set := time.Duration(0), -1.0
	for ctx.Err() == nil {
		since := time.Duration(float64(time.Since(began)) * p.speed)
		load, goes := p.at(since)
		if !goes {
			return late, nil
		}
		late = max(late, since-last)
		counts := since >= time.Duration(p.warmUp)*time.Minute
		for _, r := range results {
			if counts {
				r.count(since-last, load, look.of(r.namespace))
			}
			if load == set {
				continue
			}
			patch := fmt.Appendf(nil, `{"data":{"web":"%.0f"}}`, load)
			if _, err := client.CoreV1().ConfigMaps(r.namespace).Patch(ctx, "load", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
				return late, err
			}
		}
		last, set = since, load
		<-ticks.C
	}
	return late, ctx.Err()
}

// looking knows how many pods the Deployments have.
type looking struct{ deployments cache.SharedIndexInformer }

// observe looks at the Deployments, and tells the results when the number of replicas is set.
func observe(ctx context.Context, client kubernetes.Interface, results []*result) (*looking, error) {
	factory := informers.NewSharedInformerFactory(client, 0)
	look := &looking{deployments: factory.Apps().V1().Deployments().Informer()}
	_, err := look.deployments.AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: func(old, now any) {
		was, is := old.(*appsv1.Deployment), now.(*appsv1.Deployment)
		for _, r := range results {
			if r.namespace == is.Namespace {
				r.changed(int(*was.Spec.Replicas), int(*is.Spec.Replicas))
			}
		}
	}})
	if err != nil {
		return nil, err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), look.deployments.HasSynced) {
		return nil, ctx.Err()
	}
	return look, nil
}

// of is the Deployment of a namespace.
func (l *looking) of(namespace string) appsv1.DeploymentStatus {
	o, is, err := l.deployments.GetStore().GetByKey(namespace + "/web")
	if !is || err != nil {
		return appsv1.DeploymentStatus{}
	}
	return o.(*appsv1.Deployment).Status
}

func (p play) print(w io.Writer, results []*result, late time.Duration) {
	hours := float64(len(p.load)-p.warmUp) / 60
	var needed float64
	for _, milli := range p.load[p.warmUp:] {
		needed += milli / podCPU / 60
	}
	fmt.Fprintf(w, "%.1f hours at %g times their speed; fully busy pods would have taken %.1f pod-hours.\n", hours, p.speed, needed)
	fmt.Fprintf(w, "A busy machine held this program up for %.0f s of the load's time at the longest: of a run with more than 15 s think little.\n\n", late.Seconds())
	fmt.Fprintln(w, "| | short of capacity | of the load not served | pod-hours | changes |\n| --- | ---: | ---: | ---: | ---: |")
	for _, r := range results {
		fmt.Fprintln(w, r)
	}
}
