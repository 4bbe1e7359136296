package kubernetes

import (
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	metrics "k8s.io/metrics/pkg/client/clientset/versioned"
)

// Connect finds a cluster as kubectl does: by a kubeconfig, or those that KUBECONFIG names or
// that are at the usual place, and within a pod, by its service account. An empty namespace
// is the one that these name.
func Connect(kubeconfig, namespace string) (Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	given := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{})
	config, err := given.ClientConfig()
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
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return Cluster{}, err
	}
	measured, err := metrics.NewForConfig(config)
	return Cluster{Client: client, Metrics: measured, Namespace: namespace, Host: config.Host}, err
}
