// Package kubernetes runs tasks as pods of a cluster. A task is a pod, which is made once and
// never changed; the cluster's scheduler and kubelets do the rest, and a watch tells what has
// become of it.
//
// Nothing is kept on this side but a name, in the server's data folder. What belongs to the
// runtime carries it as a label, and each pod has its task's specification in an annotation:
// so the next life of the server finds them, and the name of a pod, which is that of its
// task, lets none be made twice. All pods are owned by a ConfigMap of that name: with it the
// cluster removes them, also where no server is left.
package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	metrics "k8s.io/metrics/pkg/client/clientset/versioned"

	"flyball/internal/task"
)

// Options say where tasks run.
type Options struct {
	Cluster
	// Dir keeps the name that the runtime's pods are known by, unless Instance gives it.
	Dir      string
	Instance string
	// Image is what nodes pull for the built-in images: one whose entry point is flyball.
	// Args are the program's arguments before the name of a built-in program.
	Image string
	Args  []string
	// Login says what nodes pull an image of the server's own registry by: the reference
	// that leads to it from there, and a user and a password. It is not ok for other images. Nil
	// is for servers whose registry no node finds.
	Login func(ctx context.Context, reference string) (pull, user, password string, ok bool)
	// Schedule is how long a pod may wait for a node; 0 is five minutes.
	Schedule time.Duration
	Log      *slog.Logger
}

// A Cluster is where pods run, in a namespace.
type Cluster struct {
	Client    Client
	Metrics   metrics.Interface // metrics.k8s.io, by which pods are measured
	Namespace string
	Host      string // the API server's address, for messages
}

// A Runtime runs tasks as pods.
type Runtime struct {
	options  Options
	instance string
	log      *slog.Logger
	meters   meters
	pods     cache.SharedIndexInformer
	life     context.Context // ends with Close
	close    func()

	mu    sync.Mutex
	tasks map[string]*Task // by the name of the pod
}

var _ task.Runtime = (*Runtime)(nil)

// The labels and annotations of what belongs to a runtime.
const (
	prefix         = "flyball.dev/"
	labelServer    = prefix + "server" // the runtime's name
	labelTask      = prefix + "task"
	annotationSpec = prefix + "spec"
)

// apiTimeout bounds what is asked of the API server once.
const apiTimeout = 30 * time.Second

// New returns a runtime once the API server has answered, and has told that it lets the
// runtime do what that needs to.
func New(ctx context.Context, o Options) (*Runtime, error) {
	o.Log, o.Schedule = cmp.Or(o.Log, slog.Default()), cmp.Or(o.Schedule, 5*time.Minute)
	instance, err := instanceOf(o)
	if err != nil {
		return nil, err
	}
	needed := rights
	if o.Login != nil {
		needed = slices.Concat(rights, rightsOfLogins)
	}
	if err := checkRights(ctx, o.Cluster, needed); err != nil {
		return nil, err
	}
	r := &Runtime{options: o, instance: instance, log: o.Log, tasks: map[string]*Task{}}
	r.meters = meters{cluster: o.Cluster, selector: r.selector()}
	r.life, r.close = context.WithCancel(context.Background())
	pods := o.Client.CoreV1().Pods(o.Namespace)
	r.pods = cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, l metav1.ListOptions) (runtime.Object, error) {
			l.LabelSelector = r.selector()
			return pods.List(ctx, l)
		},
		WatchFuncWithContext: func(ctx context.Context, l metav1.ListOptions) (watch.Interface, error) {
			l.LabelSelector = r.selector()
			return pods.Watch(ctx, l)
		},
	}, o.Client), &corev1.Pod{}, 0, cache.Indexers{})
	_, err = r.pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(pod any) { r.see(pod.(*corev1.Pod), false) },
		UpdateFunc: func(_, pod any) { r.see(pod.(*corev1.Pod), false) },
		DeleteFunc: func(pod any) {
			if last, ok := pod.(cache.DeletedFinalStateUnknown); ok {
				pod = last.Obj
			}
			r.see(pod.(*corev1.Pod), true)
		},
	})
	if err != nil {
		r.close()
		return nil, err
	}
	go r.pods.RunWithContext(r.life)
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	if !cache.WaitForCacheSync(ctx.Done(), r.pods.HasSynced) {
		r.close()
		return nil, fmt.Errorf("the API server at %s did not list the pods of namespace %s within %v", o.Host, o.Namespace, apiTimeout)
	}
	return r, nil
}

// selector selects what belongs to the runtime.
func (r *Runtime) selector() string { return labelServer + "=" + r.instance }

// Name is "kubernetes".
func (r *Runtime) Name() string { return "kubernetes" }

// StartsAtOnce is how many tasks may be starting: a pod that waits for a node costs nothing here.
func (r *Runtime) StartsAtOnce() int { return 500 }

// Close ends the watch, and removes the owner if it owns nothing. It does not stop tasks.
func (r *Runtime) Close() error {
	defer r.close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	left, err := r.options.Client.CoreV1().Pods(r.options.Namespace).List(ctx, metav1.ListOptions{LabelSelector: r.selector(), Limit: 1})
	if err == nil && len(left.Items) == 0 {
		err = r.options.Client.CoreV1().ConfigMaps(r.options.Namespace).Delete(ctx, r.instance, metav1.DeleteOptions{})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing the ConfigMap %s: %w", r.instance, err)
	}
	return nil
}

// see hands what the watch tells of a pod to its task.
func (r *Runtime) see(pod *corev1.Pod, gone bool) {
	r.mu.Lock()
	t := r.tasks[pod.Name]
	r.mu.Unlock()
	if t != nil {
		t.see(pod, gone)
	}
}

// forget ends the watch over a task whose pod is gone.
func (r *Runtime) forget(t *Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasks[t.name] == t {
		delete(r.tasks, t.name)
	}
}

// Start makes a task's pod, and waits until its containers have been started.
func (r *Runtime) Start(ctx context.Context, spec task.Spec) (task.Task, error) {
	pod, logins, err := r.podOf(ctx, spec)
	if err != nil {
		return nil, err
	}
	t := newTask(r, spec, pod.Name)
	r.mu.Lock()
	r.tasks[t.name] = t // before there is a pod to be told of
	r.mu.Unlock()
	if err = t.create(ctx, pod, logins); err == nil {
		err = t.settle(ctx)
	}
	if err != nil {
		if left := t.discard(); left != nil {
			r.log.Warn("a pod of a task that could not be started may be left", "task", spec.ID, "pod", t.name, "error", left)
		}
		return nil, err
	}
	return t, nil
}

// Recover returns the tasks of the pods that are there. Pods that were not started whole are
// removed before it returns, since others will be started in their place.
func (r *Runtime) Recover(context.Context) ([]task.Task, error) {
	var recovered []task.Task
	var removing sync.WaitGroup
	for _, o := range r.pods.GetStore().List() {
		pod := o.(*corev1.Pod)
		t, err := r.take(pod)
		if err != nil {
			r.log.Error("a task cannot be taken up: its pod is removed", "pod", pod.Name, "error", err)
		}
		if err == nil && begun(t.newest()) {
			recovered = append(recovered, t)
			continue
		}
		removing.Go(func() {
			if err := t.discard(); err != nil {
				r.log.Warn("a pod that was not started whole may be left", "pod", t.name, "error", err)
			}
		})
	}
	removing.Wait()
	return recovered, nil
}

// take returns the task of a pod, which is watched from then on. With an error the task is
// good for nothing but to be discarded.
func (r *Runtime) take(pod *corev1.Pod) (*Task, error) {
	spec, err := specOf(pod)
	r.mu.Lock()
	t := r.tasks[pod.Name]
	if t == nil {
		t = newTask(r, spec, pod.Name)
		r.tasks[pod.Name] = t
	}
	r.mu.Unlock()
	// What the watch told before the task was known, the store knows; what it tells
	// afterwards, the task hears.
	if o, there, known := r.pods.GetStore().GetByKey(pod.Namespace + "/" + pod.Name); known == nil && there {
		t.see(o.(*corev1.Pod), false)
	} else {
		t.see(pod, true)
	}
	return t, err
}
