package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// A ScalingPolicy says after which metric a ScalableTarget is scaled.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=scp,categories=flyball
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.scalableTargetRef.name`
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.policyType`
// +kubebuilder:printcolumn:name="Value",type=number,JSONPath=`.spec.targetTrackingScalingPolicyConfiguration.targetValue`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Metric",type=string,JSONPath=`.status.conditions[?(@.type=="MetricAvailable")].status`
// +kubebuilder:printcolumn:name="Forecast",type=string,priority=1,JSONPath=`.status.forecast.text`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ScalingPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ScalingPolicySpec   `json:"spec"`
	Status ScalingPolicyStatus `json:"status,omitempty"`
}

// A ScalingPolicyList is a list of them.
//
// +kubebuilder:object:root=true
type ScalingPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ScalingPolicy `json:"items"`
}

// A ScalableTargetRef names a ScalableTarget of the same namespace.
type ScalableTargetRef struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// A PolicyType is the kind of a policy.
//
// +kubebuilder:validation:Enum=TargetTrackingScaling;StepScaling;PredictiveScaling
type PolicyType string

// The kinds of policies.
const (
	TargetTrackingScaling PolicyType = "TargetTrackingScaling"
	StepScaling           PolicyType = "StepScaling"
	PredictiveScaling     PolicyType = "PredictiveScaling"
)

// A ScalingPolicySpec is one of the kinds of policies.
//
// +kubebuilder:validation:XValidation:rule="has(self.targetTrackingScalingPolicyConfiguration) == (self.policyType == 'TargetTrackingScaling')",message="targetTrackingScalingPolicyConfiguration belongs to a policy of the type TargetTrackingScaling, and has to be there"
// +kubebuilder:validation:XValidation:rule="has(self.stepScalingPolicyConfiguration) == (self.policyType == 'StepScaling')",message="stepScalingPolicyConfiguration belongs to a policy of the type StepScaling, and has to be there"
// +kubebuilder:validation:XValidation:rule="has(self.predictiveScalingPolicyConfiguration) == (self.policyType == 'PredictiveScaling')",message="predictiveScalingPolicyConfiguration belongs to a policy of the type PredictiveScaling, and has to be there"
// +kubebuilder:validation:XValidation:rule="has(self.alarms) == (self.policyType == 'StepScaling')",message="alarms belong to a policy of the type StepScaling, which has at least one"
type ScalingPolicySpec struct {
	// The target in the same namespace.
	ScalableTargetRef ScalableTargetRef `json:"scalableTargetRef"`
	PolicyType        PolicyType        `json:"policyType"`

	TargetTrackingScalingPolicyConfiguration *TargetTrackingScalingPolicyConfiguration `json:"targetTrackingScalingPolicyConfiguration,omitempty"`
	StepScalingPolicyConfiguration           *StepScalingPolicyConfiguration           `json:"stepScalingPolicyConfiguration,omitempty"`
	PredictiveScalingPolicyConfiguration     *PredictiveScalingPolicyConfiguration     `json:"predictiveScalingPolicyConfiguration,omitempty"`
	// The alarms that call a step policy.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	// +listType=map
	// +listMapKey=alarmName
	Alarms []MetricAlarm `json:"alarms,omitempty"`
}

// A TargetTrackingScalingPolicyConfiguration keeps a metric at a value.
//
// +kubebuilder:validation:XValidation:rule="[has(self.customizedMetricSpecification), has(self.prometheus), has(self.resource), has(self.sqs), has(self.http)].filter(one, one).size() == 1",message="give one metric: customizedMetricSpecification (of CloudWatch), prometheus, resource, sqs or http"
type TargetTrackingScalingPolicyConfiguration struct {
	// The value that the metric is kept at.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:ExclusiveMinimum=true
	TargetValue float64 `json:"targetValue"`
	// Seconds after a scale-out before the next one adds more than it did; 300 by default.
	//
	// +kubebuilder:validation:Minimum=0
	ScaleOutCooldown *int32 `json:"scaleOutCooldown,omitempty"`
	// Seconds after a scale-in before the next one; 300 by default.
	//
	// +kubebuilder:validation:Minimum=0
	ScaleInCooldown *int32 `json:"scaleInCooldown,omitempty"`
	// Whether the policy never removes capacity.
	DisableScaleIn bool `json:"disableScaleIn,omitempty"`

	MetricSource `json:",inline"`
}

// A StepScalingPolicyConfiguration adds and removes capacity in steps.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minAdjustmentMagnitude) || self.adjustmentType == 'PercentChangeInCapacity'",message="minAdjustmentMagnitude belongs to the adjustmentType PercentChangeInCapacity"
// +kubebuilder:validation:XValidation:rule="self.adjustmentType != 'ExactCapacity' || self.stepAdjustments.all(s, s.scalingAdjustment >= 0)",message="an exact capacity cannot be negative"
type StepScalingPolicyConfiguration struct {
	// What the adjustments of the steps mean.
	//
	// +kubebuilder:validation:Enum=ChangeInCapacity;PercentChangeInCapacity;ExactCapacity
	AdjustmentType string `json:"adjustmentType"`
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	// +listType=atomic
	StepAdjustments []StepAdjustment `json:"stepAdjustments"`
	// +kubebuilder:validation:Minimum=1
	MinAdjustmentMagnitude *int32 `json:"minAdjustmentMagnitude,omitempty"`
	// Seconds after an activity before the next one; 300 by default.
	//
	// +kubebuilder:validation:Minimum=0
	Cooldown *int32 `json:"cooldown,omitempty"`
	// How one value is made of the datapoints that an alarm evaluated.
	//
	// +kubebuilder:validation:Enum=Average;Minimum;Maximum
	// +kubebuilder:default=Average
	MetricAggregationType string `json:"metricAggregationType,omitempty"`
}

// A StepAdjustment is the adjustment for a range of differences between metric and
// threshold.
//
// +kubebuilder:validation:XValidation:rule="has(self.metricIntervalLowerBound) || has(self.metricIntervalUpperBound)",message="a step has metricIntervalLowerBound, metricIntervalUpperBound or both"
// +kubebuilder:validation:XValidation:rule="!has(self.metricIntervalLowerBound) || !has(self.metricIntervalUpperBound) || self.metricIntervalLowerBound < self.metricIntervalUpperBound",message="metricIntervalUpperBound has to be above metricIntervalLowerBound"
type StepAdjustment struct {
	MetricIntervalLowerBound *float64 `json:"metricIntervalLowerBound,omitempty"`
	MetricIntervalUpperBound *float64 `json:"metricIntervalUpperBound,omitempty"`
	ScalingAdjustment        int32    `json:"scalingAdjustment"`
}

// A MetricAlarm calls a step policy as long as its metric breaches a threshold.
//
// +kubebuilder:validation:XValidation:rule="[has(self.customizedMetricSpecification), has(self.prometheus), has(self.resource), has(self.sqs), has(self.http)].filter(one, one).size() == 1",message="give one metric: customizedMetricSpecification (of CloudWatch), prometheus, resource, sqs or http"
// +kubebuilder:validation:XValidation:rule="!has(self.datapointsToAlarm) || self.datapointsToAlarm <= self.evaluationPeriods",message="datapointsToAlarm cannot be more than evaluationPeriods"
type MetricAlarm struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	AlarmName string `json:"alarmName"`
	// +kubebuilder:validation:Enum=GreaterThanOrEqualToThreshold;GreaterThanThreshold;LessThanThreshold;LessThanOrEqualToThreshold
	ComparisonOperator string  `json:"comparisonOperator"`
	Threshold          float64 `json:"threshold"`
	// How many of the newest periods are looked at.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1440
	// +kubebuilder:default=1
	EvaluationPeriods int32 `json:"evaluationPeriods,omitempty"`
	// How many of these have to breach; all by default.
	//
	// +kubebuilder:validation:Minimum=1
	DatapointsToAlarm *int32 `json:"datapointsToAlarm,omitempty"`
	// What a period without a datapoint counts as.
	//
	// +kubebuilder:validation:Enum=missing;ignore;breaching;notBreaching
	// +kubebuilder:default=missing
	TreatMissingData string `json:"treatMissingData,omitempty"`

	MetricSource `json:",inline"`
}

// Conditions of a ScalingPolicy.
const (
	// Accepted says whether the policy, or the action, takes part in scaling its target.
	Accepted = "Accepted"
	// MetricAvailable says whether its metric can be read.
	MetricAvailable = "MetricAvailable"
	// ForecastAvailable says whether a predictive policy has a forecast to go by.
	ForecastAvailable = "ForecastAvailable"
)

// A ScalingPolicyStatus is how a policy stands.
type ScalingPolicyStatus struct {
	// The generation of the spec that this is about.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// How its alarms stand.
	//
	// +listType=map
	// +listMapKey=name
	Alarms []AlarmStatus `json:"alarms,omitempty"`
	// What a predictive policy forecasts.
	Forecast *ForecastStatus `json:"forecast,omitempty"`
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
