package kubernetes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"flyball/internal/task"
	"flyball/internal/workload"
)

// managedBy is the label by which Kubernetes' own tools show whose an object is.
const managedBy = "app.kubernetes.io/managed-by"

// podName is the name of a task's pod: a second pod of the task cannot be made.
func podName(id string) string { return "task-" + id }

// podOf is the pod of a task, and what its images are pulled by, or why no pod can be what
// the task is to be.
func (r *Runtime) podOf(ctx context.Context, spec task.Spec) (*corev1.Pod, []login, error) {
	if err := refuse(spec); err != nil {
		return nil, nil, err
	}
	annotations, err := annotationsOf(spec)
	if err != nil {
		return nil, nil, err
	}
	no, grace := false, int64(0)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: podName(spec.ID), Namespace: r.options.Namespace, Labels: r.labelsOf(spec), Annotations: annotations},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			// A task's programs are AWS's callers, not the cluster's.
			AutomountServiceAccountToken: &no,
			EnableServiceLinks:           &no,
		},
	}
	var logins []login
	for _, c := range inOrder(spec) {
		container, l, err := r.containerOf(ctx, spec, c)
		if err != nil {
			return nil, nil, err
		}
		if l != nil {
			logins = append(logins, *l)
		}
		grace = max(grace, int64(math.Ceil(c.TimeToStop().Seconds())))
		switch roleOf(spec, c.Name) {
		case beside:
			pod.Spec.Containers = append(pod.Spec.Containers, container)
		case ahead:
			always := corev1.ContainerRestartPolicyAlways
			container.RestartPolicy = &always
			fallthrough
		case before:
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, container)
		}
	}
	pod.Spec.TerminationGracePeriodSeconds = &grace
	reserve(spec, pod)
	return pod, logins, nil
}

// labelsOf are what pods are found by, and for people the cluster and the service.
func (r *Runtime) labelsOf(spec task.Spec) map[string]string {
	labels := map[string]string{managedBy: "flyball", labelServer: r.instance, labelTask: spec.ID}
	for _, name := range []string{"cluster", "service"} {
		if v := spec.Labels[name]; v != "" {
			labels[prefix+name] = strings.TrimRight(v[:min(len(v), 63)], "-_")
		}
	}
	return labels
}

// annotationsOf are the task's specification and all that is said of it. Environments are in
// the pod, and nothing needs them again.
func annotationsOf(spec task.Spec) (map[string]string, error) {
	known := spec
	known.Labels = nil
	known.Containers = slices.Clone(spec.Containers)
	for i := range known.Containers {
		known.Containers[i].Env = nil
	}
	text, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	annotations := map[string]string{annotationSpec: string(text)}
	for name, v := range maps.All(spec.Labels) {
		annotations[prefix+name] = v
	}
	return annotations, nil
}

// specOf is the specification that a pod was made from.
func specOf(pod *corev1.Pod) (spec task.Spec, err error) {
	if err := json.Unmarshal([]byte(pod.Annotations[annotationSpec]), &spec); err != nil {
		return spec, fmt.Errorf("reading annotation %s: %w", annotationSpec, err)
	}
	if podName(spec.ID) != pod.Name {
		return spec, fmt.Errorf("annotation %s is that of task %q", annotationSpec, spec.ID)
	}
	return spec, nil
}

// A role is where a container stands in its pod.
type role int

const (
	beside role = iota // it starts with the others
	before             // it has to end well before the others start
	ahead              // it has to have started, and be healthy if it is checked, and then stays
)

// roleOf is the role that those give a container which depend on it. refuse has seen that it is one.
func roleOf(spec task.Spec, name string) role {
	for _, c := range spec.Containers {
		for _, d := range c.DependsOn {
			if d.Container != name {
				continue
			}
			if d.Condition == task.Succeeded {
				return before
			}
			return ahead
		}
	}
	return beside
}

// inOrder are the containers, each behind those that it depends on.
func inOrder(spec task.Spec) (ordered []task.Container) {
	placed := map[string]bool{}
	var place func(c task.Container)
	place = func(c task.Container) {
		if placed[c.Name] {
			return
		}
		placed[c.Name] = true
		for _, d := range c.DependsOn {
			if i := indexOf(spec, d.Container); i >= 0 {
				place(spec.Containers[i])
			}
		}
		ordered = append(ordered, c)
	}
	for _, c := range spec.Containers {
		place(c)
	}
	return ordered
}

func indexOf(spec task.Spec, name string) int {
	return slices.IndexFunc(spec.Containers, func(c task.Container) bool { return c.Name == name })
}

// refuse says what a task wants that no pod can do. It begins as ECS's stopped reasons do.
func refuse(spec task.Spec) error {
	if len(spec.Containers) == 0 {
		return errors.New("a task needs a container")
	}
	for _, c := range spec.Containers {
		switch _, _, err := userOf(c.User); {
		case err != nil:
			return err
		case len(c.Ulimits) > 0:
			return fmt.Errorf("CannotCreateContainerError: container %s has ulimits, which pods cannot have: the node's container engine sets them. Register the task definition without ulimits", c.Name)
		case len(c.Mounts) > 0:
			return fmt.Errorf("CannotCreateVolumeError: container %s mounts folders of the server's machine, which are not on the cluster's nodes", c.Name)
		case c.Image == workload.Program:
			return fmt.Errorf("%w: a pod has no programs of the server's machine: build an image of yours, or have the server run tasks as processes (--runtime process)", task.ErrNoImage)
		}
		for _, d := range c.DependsOn {
			switch on := roleOf(spec, d.Container); {
			case d.Condition == task.Completed:
				return fmt.Errorf("CannotCreateContainerError: container %s depends on %s with condition COMPLETE, and a pod goes on after exit code 0 alone: use SUCCESS", c.Name, d.Container)
			case (on == before) != (d.Condition == task.Succeeded):
				return fmt.Errorf("CannotCreateContainerError: containers depend on %s with SUCCESS and with %s, and in a pod a container either ends before the others or stays beside them", d.Container, d.Condition)
			}
		}
	}
	return nil
}

// userOf reads a user and a group, by number: a node knows no names of an image's users before
// it has the image.
func userOf(user string) (uid, gid *int64, err error) {
	if user == "" {
		return nil, nil, nil
	}
	name, group, both := strings.Cut(user, ":")
	u, err := strconv.ParseInt(name, 10, 32)
	var g int64
	if err == nil && both {
		g, err = strconv.ParseInt(group, 10, 32)
		gid = &g
	}
	if err != nil || u < 0 || g < 0 {
		return nil, nil, fmt.Errorf("CannotCreateContainerError: user %q: a pod's containers run as users by number, such as 1000 or 1000:1000. Give the number in place of the name", user)
	}
	return &u, gid, nil
}

// containerOf is a container, and what its image is pulled by if it is the server's own.
func (r *Runtime) containerOf(ctx context.Context, spec task.Spec, c task.Container) (corev1.Container, *login, error) {
	image, args, l, err := r.imageOf(ctx, c)
	if err != nil {
		return corev1.Container{}, nil, fmt.Errorf("%w: %w", task.ErrNoImage, err)
	}
	made := corev1.Container{
		Name: c.Name, Image: image, Command: unexpanded(c.EntryPoint), Args: unexpanded(args), WorkingDir: c.WorkingDir,
		Resources: limitsOf(spec, c),
	}
	for _, e := range c.Env {
		name, value, _ := strings.Cut(e, "=")
		made.Env = append(made.Env, corev1.EnvVar{Name: name, Value: unexpand(value)})
	}
	for _, port := range slices.Compact(slices.Sorted(slices.Values(c.Ports))) {
		made.Ports = append(made.Ports, corev1.ContainerPort{ContainerPort: int32(port)})
	}
	uid, gid, _ := userOf(c.User) // refuse has read it
	if uid != nil || c.ReadOnlyRoot {
		made.SecurityContext = &corev1.SecurityContext{RunAsUser: uid, RunAsGroup: gid, ReadOnlyRootFilesystem: &c.ReadOnlyRoot}
	}
	if probe := probeOf(c.HealthCheck); probe != nil {
		made.ReadinessProbe = probe
		if roleOf(spec, c.Name) == ahead && awaitsHealth(spec, c.Name) {
			made.StartupProbe = startupOf(probe, c)
		}
	}
	return made, l, nil
}

// imageOf is what nodes pull for a container's image, and the arguments that it gets.
func (r *Runtime) imageOf(ctx context.Context, c task.Container) (image string, args []string, l *login, err error) {
	if name, ok := workload.BuiltIn(c.Image); ok {
		if r.options.Image == "" {
			return "", nil, nil, fmt.Errorf("nodes cannot pull the built-in image %s: name an image with flyball in it, such as make image makes, by --kubernetes-image", c.Image)
		}
		args = c.Command
		if len(c.EntryPoint) == 0 {
			args = slices.Concat(r.options.Args, []string{name}, c.Command)
		}
		return r.options.Image, args, nil, nil
	}
	image = c.Image
	if c.Digest != "" {
		image, _, _ = strings.Cut(image, "@")
		image += "@" + c.Digest
	}
	if r.options.Login == nil {
		return image, c.Command, nil, nil
	}
	pull, user, password, ok := r.options.Login(ctx, image)
	if !ok {
		return image, c.Command, nil, nil
	}
	return pull, c.Command, &login{image: pull, user: user, password: password}, nil
}

// unexpand keeps the kubelet from putting values in the place of $(NAME), as ECS does not:
// two dollars are one to it.
func unexpand(s string) string { return strings.ReplaceAll(s, "$", "$$") }

func unexpanded(all []string) []string {
	made := make([]string, len(all))
	for i, s := range all {
		made[i] = unexpand(s)
	}
	return made
}

// limitsOf are the limits of a container, which a pod has for each, not for all: each gets
// what the whole task may use, unless it has a limit of its own.
func limitsOf(spec task.Spec, c task.Container) corev1.ResourceRequirements {
	limits := corev1.ResourceRequirements{Limits: corev1.ResourceList{}, Requests: corev1.ResourceList{}}
	if spec.CPU > 0 {
		limits.Limits[corev1.ResourceCPU] = cpuOf(spec.CPU)
		limits.Requests[corev1.ResourceCPU] = cpuOf(0) // reserve says how much; none would be the limit
	}
	if c.CPU > 0 {
		limits.Requests[corev1.ResourceCPU] = cpuOf(c.CPU)
	}
	if memory := cmp.Or(c.Memory, spec.Memory); memory > 0 {
		limits.Limits[corev1.ResourceMemory] = memoryOf(memory)
		limits.Requests[corev1.ResourceMemory] = memoryOf(c.Memory)
	}
	return limits
}

// reserve has a pod ask for what its task may use, no more and no less: what no container has
// for itself is asked for by the first essential one that has none, or by the first.
func reserve(spec task.Spec, pod *corev1.Pod) {
	cpu, memory := spec.CPU, spec.Memory
	var forCPU, forMemory string
	for _, c := range slices.SortedStableFunc(slices.Values(spec.Containers), func(a, b task.Container) int {
		return cmp.Compare(rank(spec, a), rank(spec, b))
	}) {
		cpu -= c.CPU
		memory -= c.Memory
		if forCPU == "" && c.CPU == 0 {
			forCPU = c.Name
		}
		if forMemory == "" && c.Memory == 0 {
			forMemory = c.Name
		}
	}
	for _, all := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for _, c := range all {
			if c.Name == forCPU && cpu > 0 {
				c.Resources.Requests[corev1.ResourceCPU] = cpuOf(cpu)
			}
			if c.Name == forMemory && memory > 0 {
				c.Resources.Requests[corev1.ResourceMemory] = memoryOf(memory)
			}
		}
	}
}

// rank is the order in which containers are to have what is left: first those that stay.
func rank(spec task.Spec, c task.Container) int {
	switch {
	case roleOf(spec, c.Name) == before:
		return 2
	case !c.Essential:
		return 1
	}
	return 0
}

func cpuOf(units int) resource.Quantity {
	return *resource.NewMilliQuantity(int64(math.Ceil(float64(units)*1000/1024)), resource.DecimalSI)
}

func memoryOf(mebibytes int) resource.Quantity {
	return *resource.NewQuantity(int64(mebibytes)<<20, resource.BinarySI)
}

// probeOf is a health check as a readiness probe, which tells and does nothing: what becomes
// of a task that is not well, its service decides.
func probeOf(h *task.HealthCheck) *corev1.Probe {
	if h == nil {
		return nil
	}
	command := h.Command[1:]
	if h.Command[0] == "CMD-SHELL" {
		command = append([]string{"/bin/sh", "-c"}, h.Command[1:]...)
	}
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: command}},
		PeriodSeconds:    seconds(cmp.Or(h.Interval, 30*time.Second)),
		TimeoutSeconds:   seconds(cmp.Or(h.Timeout, 5*time.Second)),
		FailureThreshold: int32(cmp.Or(h.Retries, 3)),
		SuccessThreshold: 1,
	}
}

// startupOf is what those wait for that depend on a container's health. Without a start
// timeout they wait as long as the check may fail.
func startupOf(ready *corev1.Probe, c task.Container) *corev1.Probe {
	p := *ready
	p.PeriodSeconds = 1
	wait := c.StartTimeout
	if wait == 0 {
		wait = c.HealthCheck.StartPeriod + time.Duration(ready.PeriodSeconds*ready.FailureThreshold)*time.Second
	}
	p.FailureThreshold = seconds(wait)
	return &p
}

// awaitsHealth is whether a container depends on another's health.
func awaitsHealth(spec task.Spec, name string) bool {
	return slices.ContainsFunc(spec.Containers, func(c task.Container) bool {
		return slices.ContainsFunc(c.DependsOn, func(d task.Dependency) bool { return d.Container == name && d.Condition == task.IsHealthy })
	})
}

func seconds(d time.Duration) int32 { return int32(max(1, math.Ceil(d.Seconds()))) }
