package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// PausedAnnotation on a ScalableTarget, or on what it scales, with any value but "false", has nothing be
// changed. The value may say why.
const PausedAnnotation = "flyball.dev/paused"

// A ScalableTarget is something with a scale subresource, such as a Deployment, and
// between which bounds it is scaled.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sct,categories=flyball
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.scaleTargetRef.kind`
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.scaleTargetRef.name`
// +kubebuilder:printcolumn:name="Min",type=integer,JSONPath=`.spec.minCapacity`
// +kubebuilder:printcolumn:name="Max",type=integer,JSONPath=`.spec.maxCapacity`
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.status.desiredCapacity`
// +kubebuilder:printcolumn:name="Running",type=integer,JSONPath=`.status.runningCapacity`
// +kubebuilder:printcolumn:name="Active",type=string,JSONPath=`.status.conditions[?(@.type=="ScalingActive")].status`
// +kubebuilder:printcolumn:name="Last scaled",type=date,JSONPath=`.status.lastScaleTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.lastDecision.text`
type ScalableTarget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ScalableTargetSpec   `json:"spec"`
	Status ScalableTargetStatus `json:"status,omitempty"`
}

// A ScalableTargetList is a list of them.
//
// +kubebuilder:object:root=true
type ScalableTargetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ScalableTarget `json:"items"`
}

// A ScalableTargetSpec is what is wanted of a target.
//
// +kubebuilder:validation:XValidation:rule="self.minCapacity <= self.maxCapacity",message="maxCapacity cannot be less than minCapacity"
type ScalableTargetSpec struct {
	// What is scaled, in the namespace of the ScalableTarget. It cannot be changed: make another
	// ScalableTarget for another target.
	//
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="scaleTargetRef cannot be changed; make another ScalableTarget"
	ScaleTargetRef ScaleTargetRef `json:"scaleTargetRef"`
	// The smallest capacity that scaling sets.
	//
	// +kubebuilder:validation:Minimum=0
	MinCapacity int32 `json:"minCapacity"`
	// The largest capacity that scaling sets.
	//
	// +kubebuilder:validation:Minimum=0
	MaxCapacity int32 `json:"maxCapacity"`
	// Which kinds of scaling are switched off.
	SuspendedState *SuspendedState `json:"suspendedState,omitempty"`
	// By how much the capacity may change within a minute. AWS has nothing like it.
	MaxChangePerMinute *MaxChangePerMinute `json:"maxChangePerMinute,omitempty"`
}

// A MaxChangePerMinute is by how much a capacity may change within a minute: a number, such as
// 10, or a part of the capacity that there was, such as 50%.
type MaxChangePerMinute struct {
	// How much may be added.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self > 0 : self.matches('^[1-9][0-9]{0,5}%?$')",message="write a number above 0, such as 10, or a part, such as 50%"
	ScaleOut *intstr.IntOrString `json:"scaleOut,omitempty"`
	// How much may be removed.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self > 0 : self.matches('^[1-9][0-9]{0,5}%?$')",message="write a number above 0, such as 10, or a part, such as 50%"
	ScaleIn *intstr.IntOrString `json:"scaleIn,omitempty"`
}

// A ScaleTargetRef names an object that has a scale subresource.
type ScaleTargetRef struct {
	// Group and version, such as apps/v1.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=316
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[a-z0-9]+$`
	APIVersion string `json:"apiVersion"`
	// Kind, such as Deployment.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z0-9]*$`
	Kind string `json:"kind"`
	// Name of the object.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// A SuspendedState says which kinds of scaling are switched off.
type SuspendedState struct {
	// Whether policies may not remove capacity.
	DynamicScalingInSuspended bool `json:"dynamicScalingInSuspended,omitempty"`
	// Whether policies may not add capacity.
	DynamicScalingOutSuspended bool `json:"dynamicScalingOutSuspended,omitempty"`
	// Whether scheduled actions do not run.
	ScheduledScalingSuspended bool `json:"scheduledScalingSuspended,omitempty"`
}

// Conditions of a ScalableTarget. The first three are those that a
// HorizontalPodAutoscaler has.
const (
	// AbleToScale says whether the capacity of the target can be read and set.
	AbleToScale = "AbleToScale"
	// ScalingActive says whether the policies have all that they need to decide.
	ScalingActive = "ScalingActive"
	// ScalingLimited says whether a bound holds the capacity back.
	ScalingLimited = "ScalingLimited"
)

// A ScalableTargetStatus is how a target stands.
type ScalableTargetStatus struct {
	// The generation of the spec that this is about.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// The capacity that was last asked for.
	DesiredCapacity *int32 `json:"desiredCapacity,omitempty"`
	// The capacity that is there.
	RunningCapacity *int32 `json:"runningCapacity,omitempty"`
	// When the capacity was set last.
	LastScaleTime *metav1.Time `json:"lastScaleTime,omitempty"`
	// What was decided last, and why.
	LastDecision *Decision `json:"lastDecision,omitempty"`
	// What was done last, and what came of it.
	LastActivity *Activity `json:"lastActivity,omitempty"`
	// What has to happen before capacity is added, in a sentence each.
	ScaleOutNeeds []string `json:"scaleOutNeeds,omitempty"`
	// What has to happen before capacity is removed, in a sentence each.
	ScaleInNeeds []string `json:"scaleInNeeds,omitempty"`
	// How its policies stand.
	//
	// +listType=map
	// +listMapKey=name
	Policies []PolicyStatus `json:"policies,omitempty"`
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// What a controller goes on from after a restart. It is not for people.
	State *State `json:"state,omitempty"`
}

// A State is what a controller remembers of a target.
type State struct {
	// How often it was written: a controller that has read an earlier one does not write.
	Revision int64 `json:"revision"`
	// The controller that wrote it.
	Holder string `json:"holder,omitempty"`
	// Cooldowns, states of alarms, the activity under way.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	Memory runtime.RawExtension `json:"memory"`
}

// A Decision is what was decided at a time.
type Decision struct {
	Time metav1.Time `json:"time"`
	// scale-out, scale-in or hold.
	Direction string `json:"direction"`
	From      int32  `json:"from"`
	To        int32  `json:"to"`
	// The policy that asked for it.
	Policy string `json:"policy,omitempty"`
	// The alarm that called the policy.
	Alarm string `json:"alarm,omitempty"`
	// The arithmetic, or why nothing was done.
	Text string `json:"text,omitempty"`
	// Why nothing was done, or not all that was asked for.
	Reasons []Reason `json:"reasons,omitempty"`
}

// A Reason is why a policy's wish was not followed.
type Reason struct {
	Code    string `json:"code"`
	Policy  string `json:"policy,omitempty"`
	Message string `json:"message"`
}

// An Activity is a change of the capacity.
type Activity struct {
	Description string       `json:"description"`
	Cause       string       `json:"cause,omitempty"`
	StatusCode  string       `json:"statusCode"`
	Message     string       `json:"statusMessage,omitempty"`
	Details     string       `json:"details,omitempty"`
	StartTime   metav1.Time  `json:"startTime"`
	EndTime     *metav1.Time `json:"endTime,omitempty"`
}

// A PolicyStatus is how a policy of a target stands.
type PolicyStatus struct {
	Name   string        `json:"name"`
	Alarms []AlarmStatus `json:"alarms,omitempty"`
}

// An AlarmStatus is what an alarm sees.
type AlarmStatus struct {
	Name string `json:"name"`
	// OK, ALARM or INSUFFICIENT_DATA.
	State string       `json:"state"`
	Since *metav1.Time `json:"since,omitempty"`
	Text  string       `json:"text,omitempty"`
}
