package kubernetes

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	metrics "k8s.io/metrics/pkg/client/clientset/versioned"
)

// A Client makes the calls that tasks need. A kubernetes.Interface is one, with the calls of all
// other groups: in the program they would be several megabytes.
type Client interface {
	CoreV1() corev1.CoreV1Interface
	AuthorizationV1() authorizationv1.AuthorizationV1Interface
}

// groups are the clients of two groups.
type groups struct {
	core          *corev1.CoreV1Client
	authorization *authorizationv1.AuthorizationV1Client
}

func (g groups) CoreV1() corev1.CoreV1Interface                            { return g.core }
func (g groups) AuthorizationV1() authorizationv1.AuthorizationV1Interface { return g.authorization }

// Connect finds a cluster as kubectl does: by a kubeconfig, or those that KUBECONFIG names or
// that are at the usual place, and within a pod, by its service account. An empty namespace
// is the one that these name.
func Connect(kubeconfig, namespace string) (Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	given := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{})
	config, err := given.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return Cluster{}, errors.New("find the cluster: no kubeconfig names one, neither in KUBECONFIG nor at ~/.kube/config; name one with --kubeconfig, or run in a pod with a service account")
	}
	if err != nil && strings.Contains(err.Error(), "error loading config file") {
		return Cluster{}, fmt.Errorf("find the cluster: %s is no kubeconfig that can be read; name another with --kubeconfig, or have kubectl config view say what is wrong with it", cmp.Or(kubeconfig, "what KUBECONFIG names"))
	}
	if err != nil {
		return Cluster{}, fmt.Errorf("find the cluster: %w; name a kubeconfig with --kubeconfig, or run in a pod with a service account", err)
	}
	if namespace == "" {
		if namespace, _, err = given.Namespace(); err != nil {
			return Cluster{}, fmt.Errorf("find the namespace: %w", err)
		}
	}
	// One call a task and change is what there is; the API server's own fairness holds it back.
	config.QPS, config.Burst = 100, 200
	config.UserAgent = "flyball"
	web, err := rest.HTTPClientFor(config)
	if err != nil {
		return Cluster{}, err
	}
	var client groups
	if client.core, err = corev1.NewForConfigAndClient(config, web); err != nil {
		return Cluster{}, err
	}
	if client.authorization, err = authorizationv1.NewForConfigAndClient(config, web); err != nil {
		return Cluster{}, err
	}
	measured, err := metrics.NewForConfigAndClient(config, web)
	return Cluster{Client: client, Metrics: measured, Namespace: namespace, Host: config.Host}, err
}
