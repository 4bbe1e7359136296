// Package kubelet is a stand-in for a node of Kubernetes: it registers one, and brings pods
// that are bound to it through their lives as the kubelet does, as far as tests look. Images
// are commands of this machine, or nothing at all (see package cluster). It does init
// containers and sidecars, restarts, probes (exec, HTTP, TCP), exit codes, kills at a limit
// of memory, grace periods, logs, and metrics.k8s.io. It does no volumes, no namespaces,
// no limits of CPU and no adoption of processes that outlive it.
package kubelet

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// nodeName is the node's.
const nodeName = "node-1"

// A Kubelet is the node.
type Kubelet struct {
	client kubernetes.Interface
	dir    string
	port   int
	images map[string][]string

	mu      sync.Mutex
	workers map[types.UID]*worker
	byName  map[string]*worker // NAMESPACE/NAME
	address net.IP             // the last that was given out
	all     sync.WaitGroup
	stored  cache.SharedIndexInformer
	loads   cache.SharedIndexInformer
}

// Main runs a node until ctx ends, with the arguments of the program's role.
func Main(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("kubelet", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	dir := flags.String("dir", "", "folder of logs")
	port := flags.Int("port", 0, "where the API server asks for logs and metrics")
	images := map[string][]string{}
	flags.Func("image", "NAME=COMMAND", func(s string) error {
		name, command, _ := strings.Cut(s, "=")
		images[name] = strings.Fields(command)
		return nil
	})
	_ = flags.Parse(args) // it exits
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	k := &Kubelet{
		client: client, dir: *dir, port: *port, images: images,
		workers: map[types.UID]*worker{}, byName: map[string]*worker{}, address: net.IPv4(127, 77, 0, 0).To4(),
	}
	return k.run(ctx)
}

func (k *Kubelet) run(ctx context.Context) error {
	if err := k.serve(ctx); err != nil {
		return err
	}
	pods := informers.NewSharedInformerFactoryWithOptions(k.client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", nodeName).String()
	}))
	k.stored = pods.Core().V1().Pods().Informer()
	loads := informers.NewSharedInformerFactoryWithOptions(k.client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("metadata.name", "load").String()
	}))
	k.loads = loads.Core().V1().ConfigMaps().Informer()
	_, err := k.stored.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { k.see(ctx, o.(*corev1.Pod)) },
		UpdateFunc: func(_, o any) { k.see(ctx, o.(*corev1.Pod)) },
		DeleteFunc: func(o any) {
			if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = last.Obj
			}
			k.forget(o.(*corev1.Pod))
		},
	})
	if err != nil {
		return err
	}
	pods.Start(ctx.Done())
	loads.Start(ctx.Done())
	pods.WaitForCacheSync(ctx.Done())
	loads.WaitForCacheSync(ctx.Done())
	if err := k.register(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	k.mu.Lock()
	for _, w := range k.workers {
		w.gone()
	}
	k.mu.Unlock()
	k.all.Wait()
	return nil
}

// register makes the node, ready and without the taint that admission gives to new ones.
func (k *Kubelet) register(ctx context.Context) error {
	nodes := k.client.CoreV1().Nodes()
	n, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: nodeName, Labels: map[string]string{corev1.LabelHostname: nodeName, corev1.LabelOSStable: "linux"},
	}}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		n, err = nodes.Get(ctx, nodeName, metav1.GetOptions{})
	}
	if err != nil {
		return fmt.Errorf("registering the node: %w", err)
	}
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi"), corev1.ResourcePods: resource.MustParse("2000"),
	}
	now := metav1.Now()
	n.Status = corev1.NodeStatus{
		Capacity: room, Allocatable: room,
		Conditions: []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", LastHeartbeatTime: now, LastTransitionTime: now,
		}},
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(k.port)}},
	}
	if n, err = nodes.UpdateStatus(ctx, n, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("telling that the node is ready: %w", err)
	}
	n.Spec.Taints = nil
	if _, err = nodes.Update(ctx, n, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("removing the taint of the node: %w", err)
	}
	return nil
}

// see begins with a pod that is new, or ends one that is to be deleted.
func (k *Kubelet) see(ctx context.Context, pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.workers[pod.UID]
	if w == nil {
		w = newWorker(k, pod, k.nextAddress())
		k.workers[pod.UID], k.byName[pod.Namespace+"/"+pod.Name] = w, w
		k.all.Go(func() { w.run(ctx) })
	}
	if pod.DeletionTimestamp != nil {
		w.stop(time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second)
	}
}

// forget ends what is left of a pod that is there no more.
func (k *Kubelet) forget(pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.workers[pod.UID]; w != nil {
		w.gone()
		delete(k.workers, pod.UID)
		if name := pod.Namespace + "/" + pod.Name; k.byName[name] == w {
			delete(k.byName, name)
		}
		_ = os.RemoveAll(filepath.Join(k.dir, string(pod.UID))) // logs in a test's folder
	}
}

// nextAddress is a loopback address of a pod's own.
func (k *Kubelet) nextAddress() string {
	for i := 3; i > 0; i-- {
		if k.address[i]++; k.address[i] != 0 {
			break
		}
	}
	return k.address.String()
}
