package kubelet

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A worker takes one pod through its life.
type worker struct {
	node    *Kubelet
	pod     *corev1.Pod
	address string
	init    []*container
	main    []*container

	killed context.Context // ends when processes are to be killed
	kill   context.CancelFunc
	asked  chan struct{} // closed when they are to stop
	grace  time.Duration
	once   sync.Once

	mu      sync.Mutex
	started time.Time
	changed chan struct{} // has one element when the status is to be told
}

func newWorker(k *Kubelet, pod *corev1.Pod, address string) *worker {
	w := &worker{
		node: k, pod: pod, address: address, asked: make(chan struct{}), changed: make(chan struct{}, 1), started: time.Now(),
	}
	w.killed, w.kill = context.WithCancel(context.Background())
	for _, c := range pod.Spec.InitContainers {
		w.init = append(w.init, newContainer(w, c))
	}
	for _, c := range pod.Spec.Containers {
		w.main = append(w.main, newContainer(w, c))
	}
	return w
}

// stop has the processes stop within a grace period.
func (w *worker) stop(grace time.Duration) {
	w.once.Do(func() {
		w.grace = grace
		close(w.asked)
	})
}

// gone ends the processes at once.
func (w *worker) gone() {
	w.stop(0)
	w.kill()
}

func (w *worker) isAsked() bool {
	select {
	case <-w.asked:
		return true
	default:
		return false
	}
}

// run runs the pod until its end. A pod that was at its end when the node came up, it
// leaves alone.
func (w *worker) run(ctx context.Context) {
	told := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		w.tell(ctx, ended)
		close(told)
	}()
	if p := w.pod.Status.Phase; p != corev1.PodSucceeded && p != corev1.PodFailed {
		w.live()
	}
	close(ended)
	<-told
	if !w.isAsked() {
		select {
		case <-w.asked:
		case <-ctx.Done():
		}
	}
	w.delete(ctx)
}

// live starts the containers in their order, and returns when all have ended.
func (w *worker) live() {
	w.note()
	var sidecars sync.WaitGroup
	defer sidecars.Wait()
	for _, c := range w.init {
		if c.isSidecar() {
			sidecars.Go(c.live)
			if !c.awaitStarted() {
				break
			}
			continue
		}
		c.live()
		if c.failed() {
			w.stopSidecars()
			return
		}
	}
	var main sync.WaitGroup
	for _, c := range w.main {
		main.Go(c.live)
	}
	main.Wait()
	w.stopSidecars()
}

// stopSidecars ends them when there is nobody left whom they serve.
func (w *worker) stopSidecars() {
	for _, c := range w.init {
		c.end()
	}
}

// note has the status told.
func (w *worker) note() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// tell writes the pod's status whenever it changes, until the pod has ended.
func (w *worker) tell(ctx context.Context, ended <-chan struct{}) {
	for last := false; ; {
		select {
		case <-w.changed:
		case <-ended:
			last = true
		case <-ctx.Done():
			return
		}
		for ctx.Err() == nil {
			err := w.write(ctx)
			if err == nil || apierrors.IsNotFound(err) {
				break
			}
			time.Sleep(100 * time.Millisecond) // the API server is away, or somebody else has written
		}
		if last {
			return
		}
	}
}

func (w *worker) write(ctx context.Context) error {
	pods := w.node.client.CoreV1().Pods(w.pod.Namespace)
	now, err := pods.Get(ctx, w.pod.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if now.UID != w.pod.UID {
		return nil
	}
	now.Status = w.status(now.Status)
	_, err = pods.UpdateStatus(ctx, now, metav1.UpdateOptions{})
	return err
}

// delete deletes the pod, whose processes have ended, from the API.
func (w *worker) delete(ctx context.Context) {
	zero := int64(0)
	for ctx.Err() == nil {
		err := w.node.client.CoreV1().Pods(w.pod.Namespace).Delete(ctx, w.pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: &zero, Preconditions: metav1.NewUIDPreconditions(string(w.pod.UID)),
		})
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// status is the pod's, as it is now.
func (w *worker) status(before corev1.PodStatus) corev1.PodStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := before
	s.HostIP, s.HostIPs = "127.0.0.1", []corev1.HostIP{{IP: "127.0.0.1"}}
	s.PodIP, s.PodIPs = w.address, []corev1.PodIP{{IP: w.address}}
	start := metav1.NewTime(w.started)
	s.StartTime = &start
	s.InitContainerStatuses, s.ContainerStatuses = statuses(w.init), statuses(w.main)
	s.Phase = w.phase()
	initialized := !slices.ContainsFunc(w.init, func(c *container) bool { return !c.done() })
	ready := initialized && !slices.ContainsFunc(append(slices.Clone(w.main), w.sidecars()...), func(c *container) bool { return !c.status.Ready })
	s.Conditions = slices.DeleteFunc(slices.Clone(before.Conditions), func(c corev1.PodCondition) bool {
		return c.Type != corev1.PodScheduled && c.Type != corev1.DisruptionTarget
	})
	for _, c := range []struct {
		of corev1.PodConditionType
		is bool
	}{{corev1.PodInitialized, initialized}, {corev1.ContainersReady, ready}, {corev1.PodReady, ready}} {
		s.Conditions = append(s.Conditions, condition(before.Conditions, c.of, c.is))
	}
	return s
}

func (w *worker) sidecars() (found []*container) {
	for _, c := range w.init {
		if c.isSidecar() {
			found = append(found, c)
		}
	}
	return found
}

func statuses(of []*container) (all []corev1.ContainerStatus) {
	for _, c := range of {
		all = append(all, *c.status.DeepCopy())
	}
	return all
}

// phase sums up the containers.
func (w *worker) phase() corev1.PodPhase {
	for _, c := range w.init {
		if t := c.status.State.Terminated; !c.isSidecar() && t != nil && t.ExitCode != 0 && w.pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
			return corev1.PodFailed
		}
	}
	phase := corev1.PodSucceeded
	for _, c := range w.main {
		t := c.status.State.Terminated
		switch {
		case t == nil && c.status.State.Running != nil, t != nil && c.again(t.ExitCode) && !w.isAsked():
			return corev1.PodRunning
		case t == nil:
			phase = corev1.PodPending
		case t.ExitCode != 0 && phase == corev1.PodSucceeded:
			phase = corev1.PodFailed
		}
	}
	return phase
}

func condition(before []corev1.PodCondition, of corev1.PodConditionType, is bool) corev1.PodCondition {
	c := corev1.PodCondition{Type: of, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Now()}
	if is {
		c.Status = corev1.ConditionTrue
	}
	for _, b := range before {
		if b.Type == of && b.Status == c.Status {
			c.LastTransitionTime = b.LastTransitionTime
		}
	}
	return c
}

// exitImage is the code that an image example/exit:N ends with.
func exitImage(image string) (code int, ok bool) {
	text, ok := strings.CutPrefix(image, "example/exit:")
	if !ok {
		return 0, false
	}
	code, err := strconv.Atoi(text)
	return code, err == nil
}

// pullFailure is what the kubelet says of an image that is nowhere.
func pullFailure(image string) string {
	return fmt.Sprintf("failed to pull and unpack image %q: failed to resolve reference %q: not found", image, image)
}
