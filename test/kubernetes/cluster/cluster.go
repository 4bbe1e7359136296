// Package cluster runs a real control plane of Kubernetes on loopback, in a temporary folder:
// etcd, kube-apiserver, kube-controller-manager and kube-scheduler, which are built from
// their Go modules, and one node of package kubelet, which has what test images need. Nothing
// is downloaded but modules.
//
//	program, err := cluster.Build(ctx, dir)                       // minutes the first time
//	c, err := cluster.Start(ctx, cluster.Options{Program: program, Dir: dir})
//	defer c.Close()
//	client := kubernetes.NewForConfigOrDie(c.Config())            // the administrator's
//	c.StopAPIServer(); ...; err = c.StartAPIServer(ctx)           // the API server is gone for a while
//
// With an empty Options.Program the environment's FLYBALL_TEST_CLUSTER names it. The node
// runs pods of these images; all others cannot be pulled:
//
//	example/idle      does nothing until it is stopped, without any process
//	example/exit:N    ends with exit code N
//	Options.Images    a command of this machine, with the pod's environment, and HOST and
//	                  HOSTNAME set to its address and its name
//
// What pods use, metrics.k8s.io tells: of commands what they do use; of example/idle what
// the ConfigMap "load" in their namespace says, whose keys are values of the label "app" and
// whose values are millicores, which the running pods of that app share.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// The roles of the program, each a process.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Kubelet           = "kubelet"
)

// Images are what the node runs for an image: the command, and its first arguments.
type Images map[string][]string

// Options say what is started.
type Options struct {
	Program string // cmd/cluster, built; empty is that of FLYBALL_TEST_CLUSTER
	Dir     string // an empty folder, or one to be made
	Images  Images
	// ControllerManager are arguments for kube-controller-manager after those that are
	// given here, such as --horizontal-pod-autoscaler-sync-period=1s.
	ControllerManager []string
	// Controllers are those of kube-controller-manager that run; nil: those that deployments, autoscalers and owners need.
	Controllers []string
	// APIServer are arguments for kube-apiserver after those that are given here.
	APIServer []string
}

// A Cluster runs until it is closed.
type Cluster struct {
	options   Options
	etcdURL   string
	apiPort   int
	processes map[string]*process
	config    *rest.Config

	mu sync.Mutex
}

// Program builds cmd/cluster into a folder, unless FLYBALL_TEST_CLUSTER names one that is
// built. It takes minutes when nothing of it is in Go's build cache.
func Build(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("FLYBALL_TEST_CLUSTER"); path != "" {
		return path, nil
	}
	path := filepath.Join(dir, "control-plane") // its state is in a folder "cluster"
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "flyball/test/kubernetes/cmd/cluster")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the control plane: %w\n%s", err, text)
	}
	return path, nil
}

// controllers are those that run: what deployments, autoscalers and owners need, without
// nodes and volumes, of which there are none.
var controllers = []string{
	"deployment-controller", "replicaset-controller", "statefulset-controller", "endpointslice-controller",
	"garbage-collector-controller", "horizontal-pod-autoscaler-controller", "namespace-controller",
	"serviceaccount-controller", "root-ca-certificate-publisher-controller", "resourcequota-controller",
	"disruption-controller", "job-controller",
}

func (o Options) controllers() []string {
	if o.Controllers != nil {
		return o.Controllers
	}
	return controllers
}

// Start starts a cluster, and returns when pods can be created.
func Start(ctx context.Context, o Options) (_ *Cluster, err error) {
	if o.Program == "" {
		o.Program = os.Getenv("FLYBALL_TEST_CLUSTER")
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	c := &Cluster{options: o, processes: map[string]*process{}}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	c.etcdURL, c.apiPort = fmt.Sprintf("http://127.0.0.1:%d", ports[0]), ports[2]
	if err := writeCertificates(o.Dir, fmt.Sprintf("https://127.0.0.1:%d", c.apiPort)); err != nil {
		return nil, err
	}
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig()); err != nil {
		return nil, err
	}
	c.config.QPS = -1
	if err := c.start(Etcd, "--dir", c.path("etcd"), "--clients", c.etcdURL, "--peers", fmt.Sprintf("http://127.0.0.1:%d", ports[1])); err != nil {
		return nil, err
	}
	if err := c.StartAPIServer(ctx); err != nil {
		return nil, err
	}
	args := []string{"--kubeconfig", c.Kubeconfig(), "--dir", c.path("node"), "--port", fmt.Sprint(ports[3])}
	for name, command := range o.Images {
		args = append(args, "--image", name+"="+strings.Join(command, " "))
	}
	if err := c.start(Kubelet, args...); err != nil {
		return nil, err
	}
	if err := c.awaitMetrics(ctx, ports[3]); err != nil {
		return nil, err // before the controllers, which look at what is served as they start
	}
	if err := c.start(ControllerManager, append([]string{
		"--kubeconfig", c.Kubeconfig(), "--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=0",
		"--service-account-private-key-file", c.path("sa.key"), "--root-ca-file", c.path("ca.crt"),
		"--controllers", strings.Join(o.controllers(), ","), "--kube-api-qps=200", "--kube-api-burst=400",
	}, o.ControllerManager...)...); err != nil {
		return nil, err
	}
	if err := c.start(Scheduler, "--kubeconfig", c.Kubeconfig(), "--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=0",
		"--kube-api-qps=200", "--kube-api-burst=400"); err != nil {
		return nil, err
	}
	return c, c.awaitPods(ctx)
}

// awaitMetrics has the API server serve the metrics that the node has at a port.
func (c *Cluster) awaitMetrics(ctx context.Context, port int) error {
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return err
	}
	if err := c.await(ctx, 2*time.Minute, func() error { return hasSystem(ctx, client) }); err != nil {
		return err
	}
	if err := serveMetrics(ctx, client, port); err != nil {
		return err
	}
	return c.await(ctx, 2*time.Minute, func() error {
		return client.CoreV1().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/pods").Do(ctx).Error()
	})
}

// awaitPods waits until the default namespace has what pods need: a service account, and a
// node that is ready.
func (c *Cluster) awaitPods(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return err
	}
	return c.await(ctx, 2*time.Minute, func() error {
		return errors.Join(hasAccount(ctx, client), hasNode(ctx, client))
	})
}

// Kubeconfig is the path of the administrator's kubeconfig.
func (c *Cluster) Kubeconfig() string { return c.path("kubeconfig") }

// Config is the administrator's way to the API server, without a limit of requests.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// EtcdURL is where etcd answers, in plain HTTP.
func (c *Cluster) EtcdURL() string { return c.etcdURL }

// ConfigFor is the way to the API server of a user with groups, by a certificate of its own,
// for tests of what rights allow.
func (c *Cluster) ConfigFor(user string, groups ...string) (*rest.Config, error) {
	certificate, key, err := issueClient(c.options.Dir, user, groups)
	if err != nil {
		return nil, err
	}
	config := c.Config()
	config.TLSClientConfig.CertData, config.TLSClientConfig.KeyData = certificate, key
	config.TLSClientConfig.CertFile, config.TLSClientConfig.KeyFile = "", ""
	return config, nil
}

// StartAPIServer starts the API server, at the same address as before, and returns when it
// is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	err := c.start(APIServer, append([]string{
		"--etcd-servers", c.etcdURL, "--secure-port", fmt.Sprint(c.apiPort), "--bind-address=127.0.0.1",
		"--tls-cert-file", c.path("apiserver.crt"), "--tls-private-key-file", c.path("apiserver.key"),
		"--client-ca-file", c.path("ca.crt"), "--cert-dir", c.path("apiserver"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", c.path("sa.pub"),
		"--service-account-signing-key-file", c.path("sa.key"), "--service-cluster-ip-range=10.0.0.0/24",
		"--authorization-mode=RBAC", "--endpoint-reconciler-type=none", "--allow-privileged=true",
		"--advertise-address=127.0.0.1",
	}, c.options.APIServer...)...)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return err
	}
	return c.await(ctx, 3*time.Minute, func() error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// StopAPIServer kills the API server.
func (c *Cluster) StopAPIServer() { c.kill(APIServer) }

// Close ends all processes. The folder stays.
func (c *Cluster) Close() {
	for _, role := range []string{Kubelet, Scheduler, ControllerManager, APIServer, Etcd} {
		c.kill(role)
	}
}

// LogFile is what a role has written.
func (c *Cluster) LogFile(role string) string { return c.path(role + ".log") }

func (c *Cluster) path(name string) string { return filepath.Join(c.options.Dir, name) }

// await tries again until there is no error, a process has ended or the time is up.
func (c *Cluster) await(ctx context.Context, most time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		if ended := c.ended(); ended != nil {
			return ended
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the cluster was not ready within %v: %w", most, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// freePorts are ports of loopback that nobody listens at.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
