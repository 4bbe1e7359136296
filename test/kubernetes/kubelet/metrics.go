package kubelet

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	metrics "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// meters remember what each process had used, and when it was looked at.
type meters struct {
	mu     sync.Mutex
	last   map[meterKey]reading
	latest map[meterKey]corev1.ResourceList
	at     time.Time
}

type meterKey struct {
	pod       types.UID
	container string
}

type reading struct {
	at  time.Time
	cpu time.Duration
}

// window is how often usage is read: metrics-server reads each 15 s, tests wait less.
const window = time.Second

// serveMetrics answers metrics.k8s.io/v1beta1: what the pods used in the last window.
func (k *Kubelet) serveMetrics(ctx context.Context, mux *http.ServeMux) {
	m := &meters{last: map[meterKey]reading{}, latest: map[meterKey]corev1.ResourceList{}}
	go func() {
		for ctx.Err() == nil {
			m.read(k)
			sleep(ctx, window)
		}
	}()
	const base = "/apis/metrics.k8s.io/v1beta1"
	mux.HandleFunc("GET "+base, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "metrics.k8s.io/v1beta1",
			APIResources: []metav1.APIResource{{Name: "pods", Namespaced: true, Kind: "PodMetrics", Verbs: []string{"get", "list"}}},
		})
	})
	list := func(w http.ResponseWriter, r *http.Request) {
		selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, k.podMetrics(m, r.PathValue("namespace"), "", selector))
	}
	mux.HandleFunc("GET "+base+"/pods", list)
	mux.HandleFunc("GET "+base+"/namespaces/{namespace}/pods", list)
	mux.HandleFunc("GET "+base+"/namespaces/{namespace}/pods/{name}", func(w http.ResponseWriter, r *http.Request) {
		found := k.podMetrics(m, r.PathValue("namespace"), r.PathValue("name"), labels.Everything())
		if len(found.Items) == 0 {
			http.Error(w, "no such pod", http.StatusNotFound)
			return
		}
		answer(w, found.Items[0])
	})
}

// podMetrics are those of the running pods of a namespace, or of all.
func (k *Kubelet) podMetrics(m *meters, namespace, name string, selector labels.Selector) *metrics.PodMetricsList {
	list := &metrics.PodMetricsList{TypeMeta: metav1.TypeMeta{Kind: "PodMetricsList", APIVersion: "metrics.k8s.io/v1beta1"}, Items: []metrics.PodMetrics{}}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range k.running() {
		pod := podOf(k, w)
		if namespace != "" && pod.Namespace != namespace || name != "" && pod.Name != name || !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		of := metrics.PodMetrics{
			TypeMeta:   metav1.TypeMeta{Kind: "PodMetrics", APIVersion: "metrics.k8s.io/v1beta1"},
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, CreationTimestamp: metav1.Now()},
			Timestamp:  metav1.NewTime(m.at), Window: metav1.Duration{Duration: window},
		}
		stay := w.staying()
		for _, c := range stay {
			if used, ok := m.latest[meterKey{pod.UID, c.spec.Name}]; ok {
				of.Containers = append(of.Containers, metrics.ContainerMetrics{Name: c.spec.Name, Usage: used})
			}
		}
		if len(of.Containers) == len(stay) {
			list.Items = append(list.Items, of)
		}
	}
	slices.SortFunc(list.Items, func(a, b metrics.PodMetrics) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// running are the workers whose pods run.
func (k *Kubelet) running() (found []*worker) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.workers {
		if !w.isAsked() && !slices.ContainsFunc(w.main, func(c *container) bool { return !isRunning(c) }) {
			found = append(found, w)
		}
	}
	return found
}

// read measures all containers.
func (m *meters) read(k *Kubelet) {
	running := k.running()
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.at = now
	latest := map[meterKey]corev1.ResourceList{}
	serving := map[string]int64{} // the pods of an app that share its load
	for _, w := range running {
		if w.isReady() {
			serving[w.app()]++
		}
	}
	for _, w := range running {
		for _, c := range w.staying() {
			key := meterKey{w.pod.UID, c.spec.Name}
			w.mu.Lock()
			pid := c.pid
			w.mu.Unlock()
			if pid == 0 {
				milli := int64(0)
				if !c.isSidecar() && w.isReady() {
					milli = k.load(w) / max(serving[w.app()], 1) // it may have become ready just now
				}
				if limit := c.spec.Resources.Limits.Cpu().MilliValue(); limit > 0 {
					milli = min(milli, limit)
				}
				latest[key] = resources(milli, 16<<20)
				continue
			}
			memory, cpu, err := usage(pid)
			if err != nil {
				continue
			}
			if before, ok := m.last[key]; ok && cpu >= before.cpu {
				milli := int64(1000 * (cpu - before.cpu).Seconds() / now.Sub(before.at).Seconds())
				latest[key] = resources(milli, memory)
			}
			m.last[key] = reading{now, cpu}
		}
	}
	m.latest = latest
}

// staying are the containers that go on as long as the pod does.
func (w *worker) staying() (all []*container) {
	for _, c := range w.init {
		if c.isSidecar() {
			all = append(all, c)
		}
	}
	return append(all, w.main...)
}

// isReady is whether all of its containers are.
func (w *worker) isReady() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !slices.ContainsFunc(w.main, func(c *container) bool { return !c.status.Ready })
}

// app tells pods with the same load.
func (w *worker) app() string { return w.pod.Namespace + "/" + w.pod.Labels["app"] }

// load is what the pods of an app share, in millicores.
func (k *Kubelet) load(w *worker) int64 {
	o, ok, err := k.loads.GetStore().GetByKey(w.pod.Namespace + "/load")
	if !ok || err != nil {
		return 0
	}
	milli, _ := strconv.ParseInt(o.(*corev1.ConfigMap).Data[w.pod.Labels["app"]], 10, 64) // no number is none
	return milli
}

func resources(milli, memory int64) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewMilliQuantity(milli, resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(memory, resource.BinarySI),
	}
}
