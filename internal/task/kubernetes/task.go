package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"flyball/internal/duration"
	"flyball/internal/task"
)

// A Task is a task that is a pod.
type Task struct {
	runtime *Runtime
	spec    task.Spec
	name    string // the pod's
	done    chan struct{}

	mu       sync.Mutex
	pod      *corev1.Pod // as it was seen last; nil before it was
	gone     bool        // it is not there any more
	news     chan struct{}
	ended    bool // done is closed
	stopping bool // its deletion has been asked for
	taken    bool // somebody else has asked for that, while it ran
	exits    map[string]task.Exit
	well     map[string]bool // the containers that have been healthy
	late     *time.Timer     // ends the task of a pod that is being deleted and stays
	used     task.Usage
}

var (
	_ task.Task    = (*Task)(nil)
	_ task.Losable = (*Task)(nil)
)

func newTask(r *Runtime, spec task.Spec, name string) *Task {
	return &Task{
		runtime: r, spec: spec, name: name, done: make(chan struct{}), news: make(chan struct{}),
		exits: map[string]task.Exit{}, well: map[string]bool{},
	}
}

// create makes the pod. While the API server does not answer it tries again: the name lets a
// pod that was made without an answer be found.
func (t *Task) create(ctx context.Context, pod *corev1.Pod, logins []login) error {
	r := t.runtime
	return t.persist(ctx, func(ctx context.Context) error {
		owner, err := r.owner(ctx)
		if err != nil {
			return err
		}
		pod.OwnerReferences = []metav1.OwnerReference{owner}
		if len(logins) > 0 {
			secret, err := secretOf(pod, logins)
			if err != nil {
				return err
			}
			pod.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: secret.Name}}
			if _, err := r.options.Client.CoreV1().Secrets(pod.Namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("the Secret that nodes pull by: %w", err)
			}
		}
		made, err := r.options.Client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			made, err = r.options.Client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
			if err == nil {
				err = r.mistaken(made)
			}
		}
		if err == nil {
			t.first(made)
		}
		return err
	})
}

// mistaken is why a pod that is there already is not the one that was to be made.
func (r *Runtime) mistaken(pod *corev1.Pod) error {
	switch {
	case pod.Labels[labelServer] != r.instance:
		return decided{fmt.Errorf("there is a pod %s that is not this server's", pod.Name)}
	case pod.DeletionTimestamp != nil:
		return decided{fmt.Errorf("pod %s is being deleted", pod.Name)}
	}
	return nil
}

// decided is an error which no further attempt changes.
type decided struct{ error }

// outage is how long a call is tried again of which nobody knows whether the API server will
// answer it.
const outage = 2 * time.Minute

// persist makes a call again while the API server does not answer or is too busy to.
func (t *Task) persist(ctx context.Context, call func(context.Context) error) error {
	deadline := time.Now().Add(outage)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		attempt, cancel := context.WithTimeout(ctx, apiTimeout)
		err := call(attempt)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !passes(err):
			return fmt.Errorf("CannotCreateContainerError: the cluster refuses the pod: %w", err)
		case time.Now().After(deadline):
			return fmt.Errorf("CannotCreateContainerError: the API server at %s has not answered for %v: %w", t.runtime.options.Host, outage, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// passes is whether a call that failed may go well when it is made again: what the API server
// has decided, it has decided.
func passes(err error) bool {
	if _, final := errors.AsType[decided](err); final {
		return false
	}
	var status apierrors.APIStatus
	told := errors.As(err, &status)
	if !told {
		return true // no answer
	}
	code := status.Status().Code
	return code == 429 || code >= 500 || apierrors.IsConflict(err)
}

// first notes a pod that was just made, unless the watch has told more.
func (t *Task) first(pod *corev1.Pod) {
	t.mu.Lock()
	seen := t.pod != nil
	t.mu.Unlock()
	if !seen {
		t.see(pod, false)
	}
}

// deletedReason is why a container ended whose pod somebody else has deleted.
const deletedReason = "The pod was deleted from the cluster"

// see notes how the pod is now. A pod that was made again by somebody with the same name is
// another one.
func (t *Task) see(pod *corev1.Pod, gone bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended && t.gone || t.pod != nil && t.pod.UID != pod.UID {
		return
	}
	ran := !t.ended && !t.stopping
	t.pod, t.gone = pod, t.gone || gone
	for name, s := range statusesOf(pod) {
		if s.State.Running != nil && s.Ready {
			t.well[name] = true
		}
		if _, known := t.exits[name]; known {
			continue
		}
		if exit, ok := exitOf(pod, s); ok {
			if exit.Reason == "" && pod.DeletionTimestamp != nil && !t.stopping {
				exit.Reason = deletedReason
			}
			t.exits[name] = exit
		}
	}
	t.taken = t.taken || ran && !t.isOver() && (gone || pod.DeletionTimestamp != nil)
	close(t.news)
	t.news = make(chan struct{})
	switch {
	case t.ended:
	case t.gone || t.allEnded():
		t.end()
	case t.isOver():
		t.stop()
	case pod.DeletionTimestamp != nil:
		t.expectEnd()
	}
}

// newest is the pod as it was seen last.
func (t *Task) newest() *corev1.Pod {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pod
}

// allEnded is whether no container runs or will run any more. The lock is held.
func (t *Task) allEnded() bool {
	if p := t.pod.Status.Phase; p == corev1.PodSucceeded || p == corev1.PodFailed {
		return true
	}
	for _, c := range t.spec.Containers {
		if _, ended := t.exits[c.Name]; !ended {
			return false
		}
	}
	return true
}

// isOver is whether an essential container has ended, and the others have to. The lock is held.
func (t *Task) isOver() bool {
	return slices.ContainsFunc(t.spec.Containers, func(c task.Container) bool {
		exit, ended := t.exits[c.Name]
		waited := roleOf(t.spec, c.Name) == before && exit.Known && exit.Code == 0
		return ended && c.Essential && !waited
	})
}

// end notes that the task has stopped. What is not known of a container's end, the pod's may
// tell. The lock is held.
func (t *Task) end() {
	for _, c := range t.spec.Containers {
		if _, known := t.exits[c.Name]; !known {
			t.exits[c.Name] = t.unseen(c.Name)
		}
	}
	if t.late != nil {
		t.late.Stop()
	}
	t.ended = true
	close(t.done)
}

// unseen is the end of a container that nobody has told. The lock is held.
func (t *Task) unseen(name string) task.Exit {
	exit := task.Exit{Container: name, Reason: lossOf(t.pod)}
	if s, ok := statusesOf(t.pod)[name]; ok && s.State.Waiting != nil && exit.Reason == "" {
		exit.Code, exit.Known = 143, true
		exit.Reason = "CannotStartContainerError: the container was not started: one that it depends on did not exit successfully"
	}
	if exit.Reason == "" && t.gone && !t.stopping {
		exit.Reason = deletedReason
	}
	return exit
}

// Lost implements task.Losable: a pod may be deleted or evicted by anybody who has the right to.
func (t *Task) Lost() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	why := lossOf(t.pod)
	if why == "" && t.taken {
		return deletedReason
	}
	return why
}

// lossOf is why the cluster has given up a pod; "" if it has not.
func lossOf(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return fmt.Sprintf("The cluster disrupted the pod: %s: %s", c.Reason, c.Message)
		}
	}
	if pod.Status.Reason != "" {
		return fmt.Sprintf("The cluster ended the pod: %s: %s", pod.Status.Reason, pod.Status.Message)
	}
	return ""
}

// lateness is how much longer than its grace period a pod may take to be gone before it is
// taken to be: its node does not answer, and nobody knows what runs there.
const lateness = 30 * time.Second

// expectEnd ends the task of a pod that is being deleted in time, whatever its node does.
// The lock is held.
func (t *Task) expectEnd() {
	if t.late != nil {
		return
	}
	grace := lateness
	if s := t.pod.DeletionGracePeriodSeconds; s != nil {
		grace += time.Duration(*s) * time.Second
	}
	t.late = time.AfterFunc(grace, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.ended {
			t.runtime.log.Warn("a pod that was to stop has not: its node may be lost", "task", t.spec.ID, "pod", t.name, "node", t.pod.Spec.NodeName)
			t.gone = true
			t.end()
		}
	})
}

// settle waits until the containers have been started, and returns why one could not be.
func (t *Task) settle(ctx context.Context) error {
	for {
		t.mu.Lock()
		pod, news := t.pod, t.news
		t.mu.Unlock()
		if err := t.failure(pod); err != nil {
			return err
		}
		if begun(pod) {
			return nil
		}
		wait, stop := t.patience(ctx, pod)
		select {
		case <-news:
			stop()
		case <-wait.Done():
			stop()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return t.unplaced(pod)
		case <-t.done:
			stop()
			if t.deleted() {
				return errors.New("CannotStartContainerError: the pod was deleted from the cluster before its containers had started")
			}
			if err := t.failure(t.newest()); err != nil {
				return err
			}
			return nil
		}
	}
}

func (t *Task) deleted() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gone
}

// patience ends with ctx, or when a pod has waited for a node for too long.
func (t *Task) patience(ctx context.Context, pod *corev1.Pod) (context.Context, func()) {
	if unscheduled(pod) == nil {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, pod.CreationTimestamp.Add(t.runtime.options.Schedule))
}

// unscheduled is what the scheduler says of a pod that has no node.
func unscheduled(pod *corev1.Pod) *corev1.PodCondition {
	for i, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// unplaced is the reason of a task for which there was no node in time.
func (t *Task) unplaced(pod *corev1.Pod) error {
	why := "no scheduler has looked at it"
	if c := unscheduled(pod); c != nil {
		why = c.Message
	}
	//lint:ignore ST1005 ECS has these words
	return fmt.Errorf("Capacity is unavailable at this time: no node took the pod within %s: %s", duration.String(t.runtime.options.Schedule), why)
}

// begun is whether all containers of a pod have been started.
func begun(pod *corev1.Pod) bool {
	if len(pod.Status.ContainerStatuses) < len(pod.Spec.Containers) {
		return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	}
	return pod.Status.Phase == corev1.PodFailed || !slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
		return s.State.Running == nil && s.State.Terminated == nil
	})
}

// failure is why a pod's containers will not start; nil while they may.
func (t *Task) failure(pod *corev1.Pod) error {
	ran := false
	for _, s := range statusesOf(pod) {
		if end := s.State.Terminated; end != nil && neverRan(end) {
			return fmt.Errorf("CannotStartContainerError: container %s: %s", s.Name, strings.TrimSpace(end.Message))
		}
		ran = ran || s.State.Terminated != nil || s.State.Running != nil
		w := s.State.Waiting
		if w == nil {
			continue
		}
		switch w.Reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
			return fmt.Errorf("%w: container %s: %s", task.ErrNoImage, s.Name, w.Message)
		case "CreateContainerConfigError", "CreateContainerError":
			return fmt.Errorf("CannotCreateContainerError: container %s: %s", s.Name, w.Message)
		case "RunContainerError", "PostStartHookError":
			return fmt.Errorf("CannotStartContainerError: container %s: %s", s.Name, w.Message)
		}
	}
	if pod.Status.Phase == corev1.PodFailed && !ran {
		return fmt.Errorf("CannotStartContainerError: the node refused the pod: %s: %s", pod.Status.Reason, pod.Status.Message)
	}
	return nil
}

// neverRan is whether what ended is the attempt to start a container.
func neverRan(end *corev1.ContainerStateTerminated) bool {
	return end.Reason == "StartError" || end.Reason == "ContainerCannotRun"
}

// statusesOf are those of a pod's containers, by name.
func statusesOf(pod *corev1.Pod) map[string]corev1.ContainerStatus {
	all := map[string]corev1.ContainerStatus{}
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		all[s.Name] = s
	}
	return all
}

// exitOf is how a container ended; not ok while it has not. One that the cluster starts again,
// because others depend on it, has ended for its task.
func exitOf(pod *corev1.Pod, s corev1.ContainerStatus) (task.Exit, bool) {
	end := s.State.Terminated
	if end == nil {
		end = s.LastTerminationState.Terminated
	}
	if end == nil {
		return task.Exit{}, false
	}
	exit := task.Exit{Container: s.Name, Code: int(end.ExitCode), Known: true, Reason: end.Message}
	switch {
	case end.Reason == "OOMKilled":
		exit.Reason = task.OutOfMemory
	case end.Reason == "ContainerStatusUnknown":
		exit.Known = false
	case exit.Reason == "":
		exit.Reason = lossOf(pod)
	}
	return exit, true
}

// stop asks for the pod's deletion, without waiting for it. The lock is held.
func (t *Task) stop() {
	if t.stopping {
		return
	}
	t.stopping = true
	go func() {
		if err := t.delete(context.Background(), t.grace()); err != nil {
			t.runtime.log.Error("cannot stop a pod", "task", t.spec.ID, "pod", t.name, "error", err)
		}
	}()
}

// grace is how long the containers have to stop: a pod has one period for all.
func (t *Task) grace() time.Duration {
	longest := time.Duration(0)
	for _, c := range t.spec.Containers {
		longest = max(longest, c.TimeToStop())
	}
	return longest
}

// delete asks for the pod's deletion until the API server has heard it, or the task is done.
func (t *Task) delete(ctx context.Context, grace time.Duration) error {
	r := t.runtime
	whole := int64(math.Ceil(grace.Seconds()))
	options := metav1.DeleteOptions{GracePeriodSeconds: &whole}
	if pod := t.newest(); pod != nil {
		options.Preconditions = &metav1.Preconditions{UID: new(types.UID)}
		*options.Preconditions.UID = pod.UID
	}
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		attempt, cancel := context.WithTimeout(ctx, apiTimeout)
		err := r.options.Client.CoreV1().Pods(r.options.Namespace).Delete(attempt, t.name, options)
		cancel()
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil
		}
		if ctx.Err() != nil || !passes(err) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-r.life.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// discardTime is how long a pod that is of no use is waited for to be gone.
const discardTime = 30 * time.Second

// discard removes a pod of a task that was not started whole, and waits until it is gone.
func (t *Task) discard() error {
	ctx, cancel := context.WithTimeout(context.Background(), discardTime)
	defer cancel()
	t.mu.Lock()
	t.stopping = true
	made := t.pod != nil
	t.mu.Unlock()
	err := errors.Join(t.delete(ctx, time.Second), t.deleteSecret(ctx))
	if made && err == nil {
		for !t.deleted() && ctx.Err() == nil {
			t.mu.Lock()
			news := t.news
			t.mu.Unlock()
			select {
			case <-news:
			case <-ctx.Done():
			}
		}
		err = ctx.Err()
	}
	t.runtime.forget(t)
	return err
}

// deleteSecret deletes what the images were pulled by, if there is something.
func (t *Task) deleteSecret(ctx context.Context) error {
	pod := t.newest()
	if pod == nil || len(pod.Spec.ImagePullSecrets) == 0 {
		return nil
	}
	err := t.runtime.options.Client.CoreV1().Secrets(t.runtime.options.Namespace).Delete(ctx, t.name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// ID implements task.Task.
func (t *Task) ID() string { return t.spec.ID }

// Address is the pod's IPv4 address.
func (t *Task) Address() string {
	pod := t.newest()
	for _, ip := range pod.Status.PodIPs {
		if !strings.Contains(ip.IP, ":") {
			return ip.IP
		}
	}
	return pod.Status.PodIP
}

// Done implements task.Task.
func (t *Task) Done() <-chan struct{} { return t.done }

// Exits implements task.Task.
func (t *Task) Exits() (exits []task.Exit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.spec.Containers {
		if exit, ended := t.exits[c.Name]; ended {
			exits = append(exits, exit)
		}
	}
	return exits
}

// Stop deletes the pod, whose containers get SIGTERM, and SIGKILL after the longest of their
// stop timeouts.
func (t *Task) Stop(ctx context.Context) error {
	t.mu.Lock()
	if !t.ended {
		t.stop()
	}
	t.mu.Unlock()
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping task %s: %w", t.spec.ID, ctx.Err())
	}
}

// Health implements task.Task.
func (t *Task) Health() task.Health {
	t.mu.Lock()
	defer t.mu.Unlock()
	statuses := statusesOf(t.pod)
	return task.CombineHealth(t.spec.Containers, func(i int) task.Health {
		c := t.spec.Containers[i]
		return healthOf(c, statuses[c.Name], t.well[c.Name], time.Now())
	})
}

// healthOf is the health of a container that is checked. The kubelet tells whether it is
// ready; before it has been for the first time, it may take its start period and its retries.
func healthOf(c task.Container, s corev1.ContainerStatus, wasWell bool, now time.Time) task.Health {
	switch {
	case s.State.Running == nil:
		return task.HealthUnknown
	case s.Ready:
		return task.Healthy
	case wasWell:
		return task.Unhealthy
	}
	probe := probeOf(c.HealthCheck)
	most := c.HealthCheck.StartPeriod + time.Duration(probe.PeriodSeconds*probe.FailureThreshold)*time.Second
	if now.Sub(s.State.Running.StartedAt.Time) > most {
		return task.Unhealthy
	}
	return task.HealthUnknown
}

// Remove deletes the pod of a stopped task, and what the kubelet kept of it.
func (t *Task) Remove() error {
	select {
	case <-t.done:
	default:
		return fmt.Errorf("task %s has not stopped", t.spec.ID)
	}
	ctx, cancel := context.WithTimeout(context.Background(), discardTime)
	defer cancel()
	var err error
	if !t.deleted() {
		err = t.delete(ctx, 0)
	}
	if err = errors.Join(err, t.deleteSecret(ctx)); err == nil {
		t.runtime.forget(t)
	}
	return err
}
