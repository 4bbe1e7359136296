// Package v1alpha1 has the custom resources of Flyball on Kubernetes: a ScalableTarget
// says what is scaled and between which bounds, a ScalingPolicy after which metric, a
// ScheduledAction at which times the bounds change. Their members are those of AWS
// Application Auto Scaling, in the lower camel case of Kubernetes.
//
// What an API server can refuse by itself stands here as markers, which become the
// schemas and CEL rules of deploy/kubernetes/crd; all else is told in status.
//
// +kubebuilder:object:generate=true
// +groupName=autoscaling.flyball.dev
package v1alpha1

//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.21.0 object paths=. crd:allowDangerousTypes=true,maxDescLen=400 output:crd:dir=../../../deploy/kubernetes/crd
