package kubernetes

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"flyball/internal/task"
	"flyball/internal/workload"
)

// A cluster is an API server without anything behind it: how says what becomes of a pod at once.
type cluster struct {
	*fake.Clientset
	made   atomic.Int32
	denied map[string]bool // VERB RESOURCE
	how    func(pod *corev1.Pod)
}

func newCluster(how func(pod *corev1.Pod), present ...k8sruntime.Object) *cluster {
	c := &cluster{Clientset: fake.NewClientset(present...), denied: map[string]bool{}, how: how}
	c.PrependReactor("create", "selfsubjectaccessreviews", func(a ktesting.Action) (bool, k8sruntime.Object, error) {
		review := a.(ktesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
		asked := review.Spec.ResourceAttributes
		review.Status.Allowed = asked.Namespace == "shop" && !c.denied[asked.Verb+" "+asked.Resource]
		return true, review, nil
	})
	c.PrependReactor("create", "pods", func(a ktesting.Action) (bool, k8sruntime.Object, error) {
		pod := a.(ktesting.CreateAction).GetObject().(*corev1.Pod)
		c.made.Add(1)
		pod.UID, pod.CreationTimestamp = uuid.NewUUID(), metav1.Now()
		c.how(pod)
		return false, nil, nil
	})
	return c
}

// runs has all containers of a pod run.
func runs(pod *corev1.Pod) {
	pod.Status.Phase, pod.Status.PodIP = corev1.PodRunning, "10.0.0.7"
	each(pod, corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})
}

func each(pod *corev1.Pod, s corev1.ContainerState) {
	pod.Status.ContainerStatuses = nil
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{Name: c.Name, State: s})
	}
}

func (c *cluster) pods(t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := c.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// open is a life of a server with a data folder.
func (c *cluster) open(t *testing.T, dir string) *Runtime {
	t.Helper()
	r, err := New(t.Context(), Options{
		Cluster: Cluster{Client: c, Namespace: "shop", Host: "https://cluster"}, Dir: dir, Log: slog.New(slog.DiscardHandler),
		Image: "registry.example/flyball", Args: []string{"workload"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

func web(id string) task.Spec {
	return task.Spec{ID: id, CPU: 512, Memory: 256, Containers: []task.Container{{
		Name: "web", Image: "registry.example/web:1", Essential: true, Command: []string{"serve", "$(HOST)"},
		Env: []string{"PRICE=$5"}, Ports: []int{80, 80}, StopTimeout: 7 * time.Second,
	}}}
}

func ends(t *testing.T, made task.Task) task.Exit {
	t.Helper()
	select {
	case <-made.Done():
	case <-time.After(time.Minute):
		t.Fatal("the task has not ended")
	}
	return made.Exits()[0]
}

func TestATaskIsAPodThatTheNextLifeOfTheServerTakesUp(t *testing.T) {
	c, dir := newCluster(runs), t.TempDir()
	first := c.open(t, dir)
	made, err := first.Start(t.Context(), web("a1"))
	if err != nil {
		t.Fatal(err)
	}
	pod := c.pods(t)[0]
	container := pod.Spec.Containers[0]
	if made.Address() != "10.0.0.7" || container.Args[1] != "$$(HOST)" || container.Env[0].Value != "$$5" || len(container.Ports) != 1 ||
		container.Resources.Requests.Cpu().MilliValue() != 500 || container.Resources.Limits.Memory().Value() != 256<<20 ||
		*pod.Spec.TerminationGracePeriodSeconds != 7 || *pod.Spec.AutomountServiceAccountToken {
		t.Errorf("address %s of pod %+v", made.Address(), pod.Spec)
	}
	if owners := pod.OwnerReferences; len(owners) != 1 || owners[0].Name != first.instance {
		t.Errorf("the pod is owned by %v", owners)
	}
	first.close() // as a kill does: it tells nobody

	second := c.open(t, dir)
	recovered, err := second.Recover(t.Context())
	if err != nil || len(recovered) != 1 || recovered[0].ID() != "a1" {
		t.Fatalf("recovered %v, %v", recovered, err)
	}
	if err := recovered[0].Stop(t.Context()); err != nil || c.made.Load() != 1 || len(c.pods(t)) != 0 {
		t.Errorf("%v; %d pods were made, and there is %v", err, c.made.Load(), c.pods(t))
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := c.CoreV1().ConfigMaps("shop").List(t.Context(), metav1.ListOptions{}); len(left.Items) != 0 {
		t.Errorf("the owner is left: %v", left.Items)
	}
	if others, err := c.open(t, t.TempDir()).Recover(t.Context()); err != nil || len(others) != 0 {
		t.Errorf("a server with another folder recovers %v, %v", others, err)
	}
}

func TestAPodThatSomebodyDeletesEndsItsTask(t *testing.T) {
	c := newCluster(runs)
	made, err := c.open(t, t.TempDir()).Start(t.Context(), web("a1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CoreV1().Pods("shop").Delete(t.Context(), "task-a1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if exit := ends(t, made); exit.Reason != deletedReason || exit.Known {
		t.Errorf("it ended with %+v", exit)
	}
	if why := made.(task.Losable).Lost(); why != deletedReason {
		t.Errorf("it was lost because %q", why)
	}
}

func TestAContainerThatTheNodeKillsForItsMemorySaysSo(t *testing.T) {
	c := newCluster(runs)
	made, err := c.open(t, t.TempDir()).Start(t.Context(), web("a1"))
	if err != nil {
		t.Fatal(err)
	}
	pod := c.pods(t)[0]
	each(&pod, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}})
	pod.Status.Phase = corev1.PodFailed
	if _, err := c.CoreV1().Pods("shop").UpdateStatus(t.Context(), &pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if exit := ends(t, made); exit.Reason != task.OutOfMemory || exit.Code != 137 {
		t.Errorf("it ended with %+v", exit)
	}
	if why := made.(task.Losable).Lost(); why != "" {
		t.Errorf("it ended by itself, and says that others did it: %q", why)
	}
}

func TestAPodThatCannotStartIsRemovedAndSaysWhy(t *testing.T) {
	waits := func(reason string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			each(pod, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "not found"}})
		}
	}
	for name, tried := range map[string]struct {
		how  func(*corev1.Pod)
		want string
	}{
		"image":   {waits("ErrImagePull"), "CannotPullContainerError: container web: not found"},
		"config":  {waits("CreateContainerConfigError"), "CannotCreateContainerError: container web: not found"},
		"program": {waits("RunContainerError"), "CannotStartContainerError: container web: not found"},
		"room": {func(pod *corev1.Pod) {
			pod.CreationTimestamp = metav1.NewTime(time.Now().Add(-time.Hour))
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/3 nodes are available"}}
		}, "Capacity is unavailable at this time: no node took the pod within 5m: 0/3 nodes are available"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(tried.how)
			_, err := c.open(t, t.TempDir()).Start(t.Context(), web("a1"))
			if err == nil || err.Error() != tried.want || errors.Is(err, task.ErrNoImage) != (name == "image") {
				t.Errorf("it failed with %v", err)
			}
			if left := c.pods(t); len(left) != 0 {
				t.Errorf("there is %v", left)
			}
		})
	}
}

func TestAPodThatIsThereIsNotTakenForAnother(t *testing.T) {
	now := metav1.Now()
	for want, labels := range map[string]map[string]string{
		"there is a pod task-a1 that is not this server's": {labelServer: "other"},
		"pod task-a1 is being deleted":                     {labelServer: "mine"},
	} {
		there := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "task-a1", Namespace: "shop", Labels: labels, DeletionTimestamp: &now, Finalizers: []string{"x/y"}}}
		c := newCluster(runs, there)
		r, err := New(t.Context(), Options{Cluster: Cluster{Client: c, Namespace: "shop"}, Instance: "mine", Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // far less than it tries for when nobody answers
		defer cancel()
		pod, _, err := r.podOf(ctx, web("a1"))
		if err != nil {
			t.Fatal(err)
		}
		if err := newTask(r, web("a1"), pod.Name).create(ctx, pod, nil); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, and not: %s", err, want)
		}
	}
}

func TestMissingRightsAreNamedAtTheStart(t *testing.T) {
	c := newCluster(runs)
	c.denied = map[string]bool{"watch pods": true, "create secrets": true}
	login := func(context.Context, string) (string, string, string, bool) { return "", "", "", false }
	for _, tried := range []struct {
		want string
		o    Options
	}{
		{"may not watch pods:", Options{}},
		{"may not watch pods, create secrets:", Options{Login: login}},
	} {
		tried.o.Cluster, tried.o.Instance = Cluster{Client: c, Namespace: "shop"}, "mine"
		if _, err := New(t.Context(), tried.o); err == nil || !strings.Contains(err.Error(), tried.want) {
			t.Errorf("%v, and not: %s", err, tried.want)
		}
	}
}

func TestWhatNoPodCanDoIsRefused(t *testing.T) {
	c := newCluster(runs)
	r := c.open(t, t.TempDir())
	for want, change := range map[string]func(*task.Container){
		"ulimits":   func(c *task.Container) { c.Ulimits = []task.Ulimit{{Name: "nofile"}} },
		"by number": func(c *task.Container) { c.User = "www-data" },
		"mounts":    func(c *task.Container) { c.Mounts = []task.Mount{{}} },
		"use SUCCESS": func(c *task.Container) {
			c.DependsOn = []task.Dependency{{Container: "web", Condition: task.Completed}}
		},
	} {
		spec := web("a1")
		change(&spec.Containers[0])
		if _, err := r.Start(t.Context(), spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, and not: %s", err, want)
		}
	}
	spec := web("a1")
	spec.Containers[0].Image = workload.Program
	if _, err := r.Start(t.Context(), spec); !errors.Is(err, task.ErrNoImage) {
		t.Errorf("a program of the server's machine: %v", err)
	}
	if c.made.Load() != 0 {
		t.Errorf("%d pods were made", c.made.Load())
	}
}

// A node that is lost says nothing, however often the pod is seen.
func TestATaskWhosePodStaysEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Runtime{log: slog.New(slog.DiscardHandler)}
		made := newTask(r, web("a1"), "task-a1")
		now, grace := metav1.Now(), int64(7)
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "task-a1", UID: types.UID("1"), DeletionTimestamp: &now, DeletionGracePeriodSeconds: &grace}}
		pod.Spec.Containers = []corev1.Container{{Name: "web"}}
		runs(pod)
		made.see(pod, false)
		for range 36 {
			time.Sleep(time.Second)
			made.see(pod, false)
		}
		select {
		case <-made.Done():
			t.Fatal("it ended before its pod was late")
		default:
		}
		time.Sleep(2 * time.Second)
		<-made.Done()
	})
}

func TestALogGoesOnBehindAPosition(t *testing.T) {
	const text = "2026-01-01T00:00:00.1Z one\n2026-01-01T00:00:00.1Z two\n2026-01-01T00:00:00.2Z three\n"
	var lines []string
	at := position{}
	for range 3 { // a stream each line, from its second on
		r := &logReader{read: at}
		for p := range cut(t.Context(), stream{strings.NewReader(text)}) {
			if line, ok := r.add(p); ok {
				lines = append(lines, string(line.Text))
				break
			}
		}
		var err error
		if at, err = parsePosition(r.Position()); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(lines, " "); got != "one two three" {
		t.Errorf("it read %s", got)
	}
}

type stream struct{ *strings.Reader }

func (stream) Close() error { return nil }
