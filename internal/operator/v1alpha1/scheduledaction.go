package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// A ScheduledAction changes the bounds of a ScalableTarget at times.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sca,categories=flyball
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.scalableTargetRef.name`
// +kubebuilder:printcolumn:name="Schedule",type=string,JSONPath=`.spec.schedule`
// +kubebuilder:printcolumn:name="Timezone",type=string,JSONPath=`.spec.timezone`
// +kubebuilder:printcolumn:name="Min",type=integer,JSONPath=`.spec.scalableTargetAction.minCapacity`
// +kubebuilder:printcolumn:name="Max",type=integer,JSONPath=`.spec.scalableTargetAction.maxCapacity`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Next run",type=string,JSONPath=`.status.nextRunTime`
type ScheduledAction struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ScheduledActionSpec   `json:"spec"`
	Status ScheduledActionStatus `json:"status,omitempty"`
}

// A ScheduledActionList is a list of them.
//
// +kubebuilder:object:root=true
type ScheduledActionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ScheduledAction `json:"items"`
}

// A ScheduledActionSpec is when an action runs, and what it does.
//
// +kubebuilder:validation:XValidation:rule="!has(self.startTime) || !has(self.endTime) || self.startTime < self.endTime",message="endTime has to come after startTime"
type ScheduledActionSpec struct {
	// The target in the same namespace.
	ScalableTargetRef ScalableTargetRef `json:"scalableTargetRef"`
	// at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(fields), as AWS has them.
	//
	// +kubebuilder:validation:MaxLength=1600
	// +kubebuilder:validation:Pattern=`^(at|rate|cron)\(.+\)$`
	Schedule string `json:"schedule"`
	// Time zone of the schedule, such as Europe/Berlin; UTC by default.
	//
	// +kubebuilder:validation:MaxLength=64
	Timezone string `json:"timezone,omitempty"`
	// Time from which on it runs.
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// Time until which it runs.
	EndTime *metav1.Time `json:"endTime,omitempty"`
	// What becomes of the bounds.
	ScalableTargetAction ScalableTargetAction `json:"scalableTargetAction"`
}

// A ScalableTargetAction is what becomes of the bounds of a target. A bound that is not
// given stays.
//
// +kubebuilder:validation:XValidation:rule="has(self.minCapacity) || has(self.maxCapacity)",message="give minCapacity or maxCapacity"
// +kubebuilder:validation:XValidation:rule="!has(self.minCapacity) || !has(self.maxCapacity) || self.minCapacity <= self.maxCapacity",message="maxCapacity cannot be less than minCapacity"
type ScalableTargetAction struct {
	// +kubebuilder:validation:Minimum=0
	MinCapacity *int32 `json:"minCapacity,omitempty"`
	// +kubebuilder:validation:Minimum=0
	MaxCapacity *int32 `json:"maxCapacity,omitempty"`
}

// A ScheduledActionStatus is how an action stands.
type ScheduledActionStatus struct {
	// The generation of the spec that this is about.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// When it runs next.
	NextRunTime *metav1.Time `json:"nextRunTime,omitempty"`
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
