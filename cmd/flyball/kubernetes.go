package main

import (
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/duration"
	"flyball/internal/server"
)

// kubernetesFlags are those of the runtime whose tasks are pods.
func kubernetesFlags(cmd *cobra.Command, k *server.Kubernetes) {
	f := cmd.Flags()
	f.StringVar(&k.Kubeconfig, "kubeconfig", "", "kubernetes runtime: `FILE` that says where the cluster is; by default what kubectl takes, and in a pod its service account")
	f.StringVar(&k.Namespace, "kubernetes-namespace", "", "kubernetes runtime: namespace of the pods (by default that of the kubeconfig's context or the service account)")
	f.StringVar(&k.Name, "kubernetes-name", "", "kubernetes runtime: `NAME` by which the server knows its pods, and of the ConfigMap that owns them (by default one that the data folder keeps)")
	f.StringVar(&k.Image, "kubernetes-image", "", "kubernetes runtime: image of flyball that nodes pull for the built-in images")
	f.StringVar(&k.Registry, "kubernetes-registry", "", "kubernetes runtime: `HOST:PORT` at which nodes find this server's registry, for images of ECR")
	f.StringVar(&k.Endpoint, "kubernetes-endpoint", "", "kubernetes runtime: `URL` at which pods find this server, such as http://flyball.default.svc:4566")
	f.DurationVar(&k.Schedule, "kubernetes-schedule", 0, "kubernetes runtime: how long a pod may wait for a node; 0 is "+duration.String(5*time.Minute))
	for _, flag := range []string{"kubernetes-namespace", "kubernetes-name", "kubernetes-image", "kubernetes-registry", "kubernetes-endpoint", "kubernetes-schedule"} {
		completeWords(cmd, flag)
	}
}
