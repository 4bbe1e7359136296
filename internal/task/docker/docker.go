// Package docker runs tasks as containers of a Docker engine.
//
// A runtime has a bridge network of its own, on which each task has an address. A server that
// runs in a container of the same engine joins that network; its tasks are containers beside it.
// A task's containers share the network of the first essential one, but for those
// that it waits for until they have ended. What belongs
// to a runtime is known by its labels, so nothing needs to be kept elsewhere:
//
//	flyball.instance  the runtime, named after the server's data directory
//	flyball.task      the task's id
//	flyball.spec      the task's spec, without environments
//	flyball.index     which of the spec's containers this is
//
// The images of flyball's built-in workloads are made from flyball's own binary;
// others are pulled by their digests. Those that were pulled have a tag of the runtime's,
// and are removed when no container has had them for an hour.
package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"golang.org/x/sync/singleflight"

	"flyball/internal/task"
)

// The labels by which a runtime knows what is its own.
const (
	labelInstance = "flyball.instance"
	labelTask     = "flyball.task"
	labelSpec     = "flyball.spec"
	labelIndex    = "flyball.index"
)

// Options configure a Runtime.
type Options struct {
	Dir        string       // the server's data directory, which names the runtime; required
	Executable string       // the static Linux program in the built-in images; by default this one
	Args       []string     // its arguments before the name of the built-in program
	LogBytes   int64        // what is kept of a container's log, at least; by default 10 MiB
	Login      Login        // nil knows no registry that has to be logged in to
	Log        *slog.Logger // by default slog.Default()
}

// A Runtime runs tasks on the Docker engine that DOCKER_HOST names, or the one
// on this machine.
type Runtime struct {
	engine   *client.Client
	own      *ownContainer // nil where the server is in none
	instance string
	network  string // the name of its network
	images   images
	logBytes int64
	log      *slog.Logger
	life     context.Context // ends with Close
	close    func()

	mu     sync.Mutex
	bridge netip.Prefix // the network's gateway, with the network's length; zero until it is made
}

var (
	_ task.Runtime = (*Runtime)(nil)
	_ task.Puller  = (*Runtime)(nil)
)

// ErrPermission says that there is an engine whose socket this program's user may not open.
var ErrPermission = errors.New("the engine's socket is another user's")

// Available says why no Docker engine can be used; nil when one answers.
func Available(ctx context.Context) error {
	engine, err := connect(ctx)
	if err != nil {
		return err
	}
	return engine.Close()
}

// connect returns a client of the engine, which has answered.
func connect(ctx context.Context) (*client.Client, error) {
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	pong, err := engine.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	if err != nil && strings.Contains(err.Error(), "permission denied") { // the client hands on no more of it than the text
		err = fmt.Errorf("%w: %w", ErrPermission, err)
	}
	if err == nil && pong.OSType != "linux" {
		err = fmt.Errorf("it runs containers of %s, not Linux", pong.OSType)
	}
	switch {
	case client.IsErrConnectionFailed(err) && !errors.Is(err, ErrPermission): // its text is that of the call
		return nil, errors.Join(fmt.Errorf("no Docker engine answers at %s", engine.DaemonHost()), engine.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("no Docker engine at %s: %w", engine.DaemonHost(), err), engine.Close())
	}
	return engine, nil
}

// New returns a runtime once the Docker engine has answered.
func New(ctx context.Context, opts Options) (*Runtime, error) {
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	if opts.LogBytes == 0 {
		opts.LogBytes = 10 << 20
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, err
	}
	engine, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	own, err := findOwn(ctx, engine)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	instance, err := task.Instance(own.outside(dir))
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	r := &Runtime{
		engine:   engine,
		own:      own,
		instance: instance,
		network:  own.laterName(instance),
		images: images{
			engine: engine, executable: opts.Executable, args: opts.Args, once: new(singleflight.Group),
			pulled: &pulled{engine: engine, name: instance + pulledName, login: opts.Login, used: map[string]time.Time{}},
		},
		logBytes: opts.LogBytes,
		log:      opts.Log,
	}
	r.life, r.close = context.WithCancel(context.Background())
	go r.sweepImages()
	return r, nil
}

// Name is "docker".
func (r *Runtime) Name() string { return "docker" }

// Close removes the runtime's network, if no task is left on it, and ends the
// connections to the engine. It does not stop tasks.
func (r *Runtime) Close() error {
	r.close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r.removeNetwork(ctx)
	return r.engine.Close()
}

// Start starts a task: first the container whose network the others share, then
// those in their order.
func (r *Runtime) Start(ctx context.Context, spec task.Spec) (task.Task, error) {
	if len(spec.Containers) == 0 {
		return nil, errors.New("a task needs a container")
	}
	ids := make([]string, len(spec.Containers))
	for i, c := range spec.Containers {
		id, err := r.images.ensure(ctx, c.Image, c.Digest)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	if _, err := r.ensureNetwork(ctx); err != nil {
		return nil, err
	}
	t := newTask(r, spec)
	if err := t.start(ctx, ids); err != nil {
		if err := r.clear(context.WithoutCancel(ctx), spec.ID); err != nil {
			r.log.Warn("containers of a task that could not be started are left", "task", spec.ID, "error", err)
		}
		return nil, err
	}
	t.supervise()
	if err := t.settle(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// owner is the index of the container whose network the others share: the first
// essential one, or one that is to run before it.
func owner(spec task.Spec) int {
	i := max(0, slices.IndexFunc(spec.Containers, func(c task.Container) bool { return c.Essential }))
	for range spec.Containers {
		n := slices.IndexFunc(spec.Containers[i].DependsOn, func(d task.Dependency) bool {
			return d.Condition == task.Started || d.Condition == task.IsHealthy
		})
		if n < 0 {
			break
		}
		i = indexOf(spec, spec.Containers[i].DependsOn[n].Container)
	}
	return i
}

// early are the names of the containers that the network's owner waits for. There
// is no network to share yet: each has one of its own.
func early(spec task.Spec) map[string]bool {
	names := map[string]bool{}
	var add func(c task.Container)
	add = func(c task.Container) {
		for _, d := range c.DependsOn {
			if !names[d.Container] {
				names[d.Container] = true
				add(spec.Containers[indexOf(spec, d.Container)])
			}
		}
	}
	add(spec.Containers[owner(spec)])
	return names
}

func indexOf(spec task.Spec, container string) int {
	return slices.IndexFunc(spec.Containers, func(c task.Container) bool { return c.Name == container })
}

// create makes a container of a task, whose image has the given id.
func (r *Runtime) create(ctx context.Context, spec task.Spec, i int, imageID, ownerID string) (string, error) {
	c := spec.Containers[i]
	labels, err := r.labels(spec, i)
	if err != nil {
		return "", err
	}
	config := &container.Config{
		Image:       imageID,
		Entrypoint:  c.EntryPoint,
		Cmd:         c.Command,
		Env:         c.Env,
		User:        c.User,
		WorkingDir:  c.WorkingDir,
		Labels:      labels,
		Healthcheck: healthCheck(c.HealthCheck),
	}
	host := &container.HostConfig{
		ReadonlyRootfs: c.ReadOnlyRoot,
		Resources:      resources(spec, c),
		LogConfig: container.LogConfig{Type: "json-file", Config: map[string]string{
			"max-size": strconv.FormatInt(r.logBytes, 10), "max-file": "2",
		}},
	}
	if ownerID == "" {
		config.Hostname = spec.ID
		config.ExposedPorts = network.PortSet{}
		for _, port := range allPorts(spec) {
			config.ExposedPorts[port] = struct{}{}
		}
		host.NetworkMode = container.NetworkMode(r.network)
	} else {
		host.NetworkMode = container.NetworkMode("container:" + ownerID)
	}
	created, err := r.engine.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name: spec.ID + "-" + c.Name, Config: config, HostConfig: host,
	})
	if err != nil {
		return "", fmt.Errorf("CannotCreateContainerError: %w", err)
	}
	return created.ID, nil
}

// labels are those of one of a task's containers.
func (r *Runtime) labels(spec task.Spec, i int) (map[string]string, error) {
	// Environments may hold secrets, and nothing needs them again.
	known := spec
	known.Containers = slices.Clone(spec.Containers)
	for i := range known.Containers {
		known.Containers[i].Env = nil
	}
	text, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	labels := map[string]string{
		labelInstance: r.instance,
		labelTask:     spec.ID,
		labelSpec:     string(text),
		labelIndex:    strconv.Itoa(i),
	}
	maps.Copy(labels, spec.Labels)
	return labels, nil
}

// resources are the limits of a container. The engine limits containers, not
// tasks: each container of a task gets what the whole task may use, unless it
// has a limit of its own, and they share the CPU by their units when it is short.
func resources(spec task.Spec, c task.Container) container.Resources {
	var limits container.Resources
	if spec.CPU > 0 {
		quota, period := task.CPULimit(spec.CPU)
		limits.CPUQuota, limits.CPUPeriod = quota.Microseconds(), period.Microseconds()
	}
	if c.CPU > 0 {
		limits.CPUShares = int64(min(max(c.CPU, 2), 262144))
	}
	if spec.PIDs > 0 {
		most := int64(spec.PIDs)
		limits.PidsLimit = &most
	}
	for _, u := range c.Ulimits {
		limits.Ulimits = append(limits.Ulimits, &container.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	memory := spec.Memory
	if c.Memory > 0 {
		memory = c.Memory
	}
	if memory > 0 {
		limits.Memory = int64(memory) << 20
		limits.MemorySwap = limits.Memory // none
	}
	return limits
}

func healthCheck(check *task.HealthCheck) *container.HealthConfig {
	if check == nil {
		return nil
	}
	return &container.HealthConfig{
		Test:        check.Command,
		Interval:    check.Interval,
		Timeout:     check.Timeout,
		Retries:     check.Retries,
		StartPeriod: check.StartPeriod,
	}
}

func allPorts(spec task.Spec) []network.Port {
	var ports []network.Port
	for _, c := range spec.Containers {
		for _, n := range c.Ports {
			if port, ok := network.PortFrom(uint16(n), network.TCP); ok && n > 0 && n < 1<<16 {
				ports = append(ports, port)
			}
		}
	}
	return ports
}

// Recover returns the tasks of the server's earlier lives whose containers still
// exist, running or stopped. Tasks that were not started whole are removed. A
// container has its labels from the moment it exists: none is missed.
func (r *Runtime) Recover(ctx context.Context) ([]task.Task, error) {
	listed, err := r.list(ctx, labelInstance+"="+r.instance)
	if err != nil {
		return nil, err
	}
	byTask := map[string][]container.Summary{}
	for _, c := range listed {
		byTask[c.Labels[labelTask]] = append(byTask[c.Labels[labelTask]], c)
	}
	var recovered []task.Task
	for _, id := range slices.Sorted(maps.Keys(byTask)) {
		t, err := r.restore(id, byTask[id])
		if err != nil {
			r.log.Error("a task cannot be taken up", "task", id, "error", err)
		}
		if t == nil {
			err = r.clear(ctx, id)
		} else if err = t.learnAddress(ctx); err == nil {
			t.supervise()
			recovered = append(recovered, t)
		}
		if err != nil {
			return recovered, fmt.Errorf("recovering task %s: %w", id, err)
		}
	}
	return recovered, nil
}

// list returns all containers that have the labels, given as NAME=VALUE.
func (r *Runtime) list(ctx context.Context, labels ...string) ([]container.Summary, error) {
	listed, err := r.engine.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: client.Filters{}.Add("label", labels...),
	})
	if err != nil {
		return nil, fmt.Errorf("listing containers: %w", err)
	}
	return listed.Items, nil
}

// restore makes a task of its containers. It returns nil if some were never
// started, or have not the labels of one task.
func (r *Runtime) restore(id string, containers []container.Summary) (*Task, error) {
	var spec task.Spec
	if err := json.Unmarshal([]byte(containers[0].Labels[labelSpec]), &spec); err != nil {
		return nil, fmt.Errorf("reading label %s: %w", labelSpec, err)
	}
	if spec.ID != id {
		return nil, fmt.Errorf("label %s is that of task %q", labelSpec, spec.ID)
	}
	t := newTask(r, spec)
	whole := len(containers) == len(spec.Containers)
	for _, c := range containers {
		i, err := strconv.Atoi(c.Labels[labelIndex])
		if err != nil || i < 0 || i >= len(spec.Containers) || t.containers[i].id != "" {
			return nil, fmt.Errorf("container %s has label %s=%q", c.ID, labelIndex, c.Labels[labelIndex])
		}
		t.containers[i].id = c.ID
		close(t.containers[i].Started) // or the task is removed
		whole = whole && c.State != container.StateCreated
	}
	if !whole {
		return nil, nil
	}
	return t, nil
}

// clear removes all containers of a task, whatever they do, also those that the
// engine made without our learning of it.
func (r *Runtime) clear(ctx context.Context, id string) error {
	left, err := r.list(ctx, labelInstance+"="+r.instance, labelTask+"="+id)
	if err != nil {
		return err
	}
	var failed []error
	for _, c := range left {
		failed = append(failed, r.remove(ctx, c.ID))
	}
	return errors.Join(failed...)
}

// remove removes a container, unless it is gone or going.
func (r *Runtime) remove(ctx context.Context, container string) error {
	_, err := r.engine.ContainerRemove(ctx, container, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
		return fmt.Errorf("removing container %s: %w", container, err)
	}
	return nil
}

// Network is the range of the tasks' addresses, that of the network's gateway among them.
func (r *Runtime) Network(ctx context.Context) (netip.Prefix, error) {
	bridge, err := r.ensureNetwork(ctx)
	return bridge.Masked(), err
}

// Published is where the engine's machine has a port of the container that the server runs
// in, if it is in one.
func (r *Runtime) Published(port uint16) []netip.AddrPort { return r.own.published(port) }

// Listen listens for connections from the runtime's tasks: on the bridge's address, or where
// the server is in a container, at one of its own on their network. Connections from
// elsewhere, which may be routed here, are closed.
func (r *Runtime) Listen(ctx context.Context, port uint16) (net.Listener, error) {
	bridge, err := r.ensureNetwork(ctx)
	if err != nil {
		return nil, err
	}
	at := bridge.Addr()
	if r.own != nil {
		if at, err = r.own.join(ctx, r.network); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", netip.AddrPortFrom(at, port).String())
	if err != nil {
		return nil, fmt.Errorf("the Docker bridge is not on this machine: %w", err)
	}
	return &bridgeListener{Listener: listener, network: bridge.Masked()}, nil
}

// bridgeListener accepts connections from one network only.
type bridgeListener struct {
	net.Listener
	network netip.Prefix
}

func (l *bridgeListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if peer, ok := conn.RemoteAddr().(*net.TCPAddr); ok && l.network.Contains(peer.AddrPort().Addr().Unmap()) {
			return conn, nil
		}
		_ = conn.Close()
	}
}

// ensureNetwork makes the runtime's network unless it is there, and returns its
// gateway's address with the network's length.
func (r *Runtime) ensureNetwork(ctx context.Context) (netip.Prefix, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bridge.IsValid() {
		return r.bridge, nil
	}
	inspected, err := r.engine.NetworkInspect(ctx, r.network, client.NetworkInspectOptions{})
	if errdefs.IsNotFound(err) {
		_, err = r.engine.NetworkCreate(ctx, r.network, client.NetworkCreateOptions{
			Driver: "bridge", Labels: map[string]string{labelInstance: r.instance},
		})
		if err == nil {
			inspected, err = r.engine.NetworkInspect(ctx, r.network, client.NetworkInspectOptions{})
		}
	}
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("making the network %s: %w", r.network, err)
	}
	for _, c := range inspected.Network.IPAM.Config {
		if c.Gateway.Is4() {
			r.bridge = netip.PrefixFrom(c.Gateway, c.Subnet.Bits())
			return r.bridge, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("the network %s has no IPv4 gateway", r.network)
}

// removeNetwork removes the runtime's network. The engine refuses while a
// container is on it.
func (r *Runtime) removeNetwork(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own.leave(ctx, r.network)
	// An earlier life may have made it.
	if _, err := r.engine.NetworkRemove(ctx, r.network, client.NetworkRemoveOptions{}); err == nil {
		r.bridge = netip.Prefix{}
	}
}
