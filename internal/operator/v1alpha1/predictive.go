package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// A PredictiveScalingPolicyConfiguration has capacity there before the load comes that is forecast from the past. It removes
// none: that is for policies of the other types.
//
// +kubebuilder:validation:XValidation:rule="has(self.maxCapacityBuffer) == (has(self.maxCapacityBreachBehavior) && self.maxCapacityBreachBehavior == 'IncreaseMaxCapacity')",message="maxCapacityBuffer belongs to the maxCapacityBreachBehavior IncreaseMaxCapacity, and has to be there"
type PredictiveScalingPolicyConfiguration struct {
	// The metrics: one specification.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1
	// +listType=atomic
	MetricSpecifications []PredictiveScalingMetricSpecification `json:"metricSpecifications"`
	// Whether capacity is set, or only forecast.
	//
	// +kubebuilder:validation:Enum=ForecastOnly;ForecastAndScale
	// +kubebuilder:default=ForecastOnly
	Mode string `json:"mode,omitempty"`
	// Seconds before an hour at which the capacity for it is set; 300 by default.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	SchedulingBufferTime *int32 `json:"schedulingBufferTime,omitempty"`
	// What is done where a forecast is above maxCapacity.
	//
	// +kubebuilder:validation:Enum=HonorMaxCapacity;IncreaseMaxCapacity
	MaxCapacityBreachBehavior string `json:"maxCapacityBreachBehavior,omitempty"`
	// By how many percent of the forecast it may be above maxCapacity.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxCapacityBuffer *int32 `json:"maxCapacityBuffer,omitempty"`
}

// A PredictiveScalingMetricSpecification says what is forecast, and how much of it a replica can take.
//
// +kubebuilder:validation:XValidation:rule="[has(self.predefinedMetricPairSpecification), has(self.predefinedLoadMetricSpecification), has(self.customizedLoadMetricSpecification)].filter(one, one).size() == 1",message="give one load: predefinedMetricPairSpecification, predefinedLoadMetricSpecification or customizedLoadMetricSpecification"
// +kubebuilder:validation:XValidation:rule="[has(self.predefinedMetricPairSpecification), has(self.predefinedScalingMetricSpecification), has(self.customizedScalingMetricSpecification)].filter(one, one).size() == 1",message="give one scaling metric: predefinedMetricPairSpecification, predefinedScalingMetricSpecification or customizedScalingMetricSpecification"
// +kubebuilder:validation:XValidation:rule="!has(self.predefinedMetricPairSpecification) || !has(self.customizedCapacityMetricSpecification)",message="predefinedMetricPairSpecification is given alone"
type PredictiveScalingMetricSpecification struct {
	// The value that the scaling metric is to have.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:ExclusiveMinimum=true
	TargetValue float64 `json:"targetValue"`
	// Load and scaling metric at once.
	PredefinedMetricPairSpecification *PredefinedMetricSpecification `json:"predefinedMetricPairSpecification,omitempty"`
	// The load of all replicas together.
	PredefinedLoadMetricSpecification *PredefinedMetricSpecification `json:"predefinedLoadMetricSpecification,omitempty"`
	// What of the load comes to a replica.
	PredefinedScalingMetricSpecification *PredefinedMetricSpecification `json:"predefinedScalingMetricSpecification,omitempty"`
	// The load of all replicas together.
	CustomizedLoadMetricSpecification *PredictiveScalingMetric `json:"customizedLoadMetricSpecification,omitempty"`
	// What of the load comes to a replica, or a utilization.
	CustomizedScalingMetricSpecification *PredictiveScalingMetric `json:"customizedScalingMetricSpecification,omitempty"`
	// How many replicas there were. Without it those that run when the forecast is made count for the newest hour.
	CustomizedCapacityMetricSpecification *PredictiveScalingMetric `json:"customizedCapacityMetricSpecification,omitempty"`
}

// A PredefinedMetricSpecification names a metric of a load balancer of AWS.
type PredefinedMetricSpecification struct {
	// +kubebuilder:validation:Enum=ALBRequestCount;ALBTargetGroupRequestCount;ALBRequestCountPerTarget
	PredefinedMetricType string `json:"predefinedMetricType"`
	// The last parts of the load balancer's and of the target group's ARN.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1023
	ResourceLabel string `json:"resourceLabel"`
}

// A PredictiveScalingMetric is a metric whose past can be read: metrics of CloudWatch, or a query of Prometheus.
//
// +kubebuilder:validation:XValidation:rule="has(self.metricDataQueries) != has(self.prometheus)",message="give metricDataQueries (of CloudWatch) or prometheus"
type PredictiveScalingMetric struct {
	// Metrics and expressions, one of which returns data.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:XValidation:rule="self.filter(m, !has(m.returnData) || m.returnData).size() == 1",message="one of the queries returns data: the others have returnData: false"
	// +listType=map
	// +listMapKey=id
	MetricDataQueries []MetricDataQuery `json:"metricDataQueries,omitempty"`
	// Query whose mean over each hour counts. How far back it goes is the server's retention.
	Prometheus *PrometheusQuery `json:"prometheus,omitempty"`
}

// A ForecastStatus is what a predictive policy forecasts.
type ForecastStatus struct {
	// When it was made.
	MadeTime metav1.Time `json:"madeTime"`
	// The first hour that it is for.
	StartTime metav1.Time `json:"startTime"`
	// The end of the last hour that it is for.
	EndTime metav1.Time `json:"endTime"`
	// The capacity that the least hour needs, whatever the bounds.
	LeastCapacity int32 `json:"leastCapacity"`
	// The capacity that the most loaded hour needs, whatever the bounds.
	MostCapacity int32 `json:"mostCapacity"`
	// The most loaded hour.
	MostTime metav1.Time `json:"mostTime"`
	// All that in a sentence, and how the forecast before this one has turned out.
	Text string `json:"text,omitempty"`
}
