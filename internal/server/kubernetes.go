package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"flyball/internal/registry"
	"flyball/internal/task"
	"flyball/internal/task/kubernetes"
	"flyball/internal/workload"
)

// A Kubernetes says how tasks run as pods, with the runtime of that name. All of it may be empty.
type Kubernetes struct {
	Kubeconfig string // path; else what kubectl takes, or the pod's service account
	Namespace  string // of the pods; else the one that this names
	Name       string // by which the server knows its pods; else one that the data folder keeps
	Image      string // what nodes pull for the built-in images
	Registry   string // HOST:PORT at which nodes find the server's registry
	Endpoint   string // URL at which pods find the server
	Schedule   time.Duration
}

// openKubernetes opens the runtime whose tasks are pods.
func (s *Server) openKubernetes(ctx context.Context, dir string) (task.Runtime, error) {
	k := s.cfg.Kubernetes
	cluster, err := kubernetes.Connect(k.Kubeconfig, k.Namespace)
	if err != nil {
		return nil, err
	}
	o := kubernetes.Options{
		Cluster: cluster, Dir: dir, Instance: k.Name, Image: k.Image, Args: []string{workload.Command},
		Schedule: k.Schedule, Log: s.cfg.Log,
	}
	if k.Registry != "" {
		o.Login = s.loginOfNodes
	}
	return kubernetes.New(ctx, o)
}

// inCluster says whether tasks are pods, which are elsewhere.
func (s *Server) inCluster() bool { return s.runtime != nil && s.runtime.Name() == "kubernetes" }

// learnCluster has pods be told where the server is.
func (s *Server) learnCluster() {
	if !s.inCluster() {
		return
	}
	if s.cfg.Kubernetes.Endpoint == "" {
		s.cfg.Log.Warn("pods are not told where the server is, so their calls go to AWS, and they have no credentials or metadata: give --kubernetes-endpoint")
		return
	}
	s.taskEndpoint = s.cfg.Kubernetes.Endpoint
	if strings.HasPrefix(s.taskEndpoint, "http:") {
		s.cfg.Log.Warn("the credentials of tasks cross the cluster's network unencrypted: serve with --tls-cert, and give --kubernetes-endpoint an https URL whose certificate the images trust", "endpoint", s.taskEndpoint)
	}
}

// endpointOfTasks is where tasks find the server; "" if they cannot.
func (s *Server) endpointOfTasks() string {
	if s.inCluster() {
		return s.cfg.Kubernetes.Endpoint
	}
	return s.taskEndpoint
}

// loginOfNodes is Login for the nodes of a cluster, which find the registry by a name of their own.
func (s *Server) loginOfNodes(ctx context.Context, reference string) (pull, user, password string, ok bool) {
	if _, _, ok := s.imageOf(reference); !ok {
		return "", "", "", false
	}
	return s.loginAt(s.cfg.Kubernetes.Registry, reference)
}

// checkKubernetes refuses what cannot be of the runtime kubernetes.
func (c Config) checkKubernetes() error {
	if c.Runtime != "kubernetes" {
		if c.Kubernetes != (Kubernetes{}) {
			return errors.New("--kubeconfig and what begins with --kubernetes- are for --runtime kubernetes")
		}
		return nil
	}
	if c.ListenAnywhere {
		return errors.New("--listen-anywhere lets in any key but tasks', and pods cannot be told from others that call; let in only known access keys, with --auth FILE")
	}
	if c.Speed != 1 || c.Clock == ClockManual {
		return errors.New("pods live in real time: serve with --speed 1 and the wall's clock, or run tasks otherwise")
	}
	k := c.Kubernetes
	if u, err := url.Parse(k.Endpoint); k.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "") {
		return fmt.Errorf("--kubernetes-endpoint %q: give what leads pods to this server, such as http://flyball.default.svc:4566", k.Endpoint)
	}
	if _, ok := registry.ParseReference(k.Registry + "/a:b"); k.Registry != "" && !ok {
		return fmt.Errorf("--kubernetes-registry %q: give HOST:PORT at which nodes find this server", k.Registry)
	}
	if k.Schedule < 0 {
		return fmt.Errorf("--kubernetes-schedule %v: give how long a pod may wait for a node", k.Schedule)
	}
	return nil
}
