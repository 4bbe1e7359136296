package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API group and version of the resources.
var GroupVersion = schema.GroupVersion{Group: "autoscaling.flyball.dev", Version: "v1alpha1"}

// AddToScheme makes the resources known to a scheme.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&ScalableTarget{}, &ScalableTargetList{},
		&ScalingPolicy{}, &ScalingPolicyList{},
		&ScheduledAction{}, &ScheduledActionList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
