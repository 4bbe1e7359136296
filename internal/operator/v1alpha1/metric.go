package v1alpha1

// A MetricSource is where a metric comes from: one of its members.
type MetricSource struct {
	// Metric of CloudWatch.
	CustomizedMetricSpecification *CustomizedMetricSpecification `json:"customizedMetricSpecification,omitempty"`
	// Query of Prometheus, whose answer is one series or one number. For target tracking it has to
	// be a value for each replica, or a utilization.
	Prometheus *PrometheusQuery `json:"prometheus,omitempty"`
	// Usage of the target's pods in percent of what they request, as metrics-server has it.
	Resource *ResourceMetric `json:"resource,omitempty"`
	// Messages that wait in a queue of SQS: of target tracking for each replica that runs, of an
	// alarm in all.
	SQS *Queue `json:"sqs,omitempty"`
	// Number in an answer in JSON. For target tracking it has to be a value for each replica, or a
	// utilization.
	HTTP *HTTPValue `json:"http,omitempty"`
}

// A CustomizedMetricSpecification names a metric of CloudWatch, or computes one.
//
// +kubebuilder:validation:XValidation:rule="has(self.metrics) != (has(self.metricName) && has(self.namespace) && has(self.statistic))",message="give metricName, namespace and statistic, or metrics"
type CustomizedMetricSpecification struct {
	// +kubebuilder:validation:MaxLength=255
	MetricName string `json:"metricName,omitempty"`
	// +kubebuilder:validation:MaxLength=255
	Namespace string `json:"namespace,omitempty"`
	// +kubebuilder:validation:MaxItems=30
	// +listType=map
	// +listMapKey=name
	Dimensions []MetricDimension `json:"dimensions,omitempty"`
	// +kubebuilder:validation:Enum=Average;Minimum;Maximum;SampleCount;Sum
	Statistic string `json:"statistic,omitempty"`
	// +kubebuilder:validation:MaxLength=64
	Unit string `json:"unit,omitempty"`
	// Metrics and expressions, one of which returns data.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:XValidation:rule="self.filter(m, !has(m.returnData) || m.returnData).size() == 1",message="one of the metrics returns data: the others have returnData: false"
	// +listType=map
	// +listMapKey=id
	Metrics []MetricDataQuery `json:"metrics,omitempty"`
}

// A MetricDimension is a dimension of a metric of CloudWatch.
type MetricDimension struct {
	// +kubebuilder:validation:MaxLength=255
	Name string `json:"name"`
	// +kubebuilder:validation:MaxLength=1024
	Value string `json:"value"`
}

// A MetricDataQuery is a metric of CloudWatch, or an expression over others.
//
// +kubebuilder:validation:XValidation:rule="has(self.expression) != has(self.metricStat)",message="give expression or metricStat"
type MetricDataQuery struct {
	// +kubebuilder:validation:Pattern=`^[a-z][A-Za-z0-9_]*$`
	// +kubebuilder:validation:MaxLength=255
	ID string `json:"id"`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Expression string `json:"expression,omitempty"`
	// +kubebuilder:validation:MaxLength=2047
	Label      string      `json:"label,omitempty"`
	MetricStat *MetricStat `json:"metricStat,omitempty"`
	ReturnData *bool       `json:"returnData,omitempty"`
}

// A MetricStat is a statistic of a metric of CloudWatch.
type MetricStat struct {
	Metric Metric `json:"metric"`
	// +kubebuilder:validation:MaxLength=100
	Stat string `json:"stat"`
	// +kubebuilder:validation:MaxLength=64
	Unit string `json:"unit,omitempty"`
}

// A Metric is a metric of CloudWatch.
type Metric struct {
	// +kubebuilder:validation:MaxLength=255
	MetricName string `json:"metricName"`
	// +kubebuilder:validation:MaxLength=255
	Namespace string `json:"namespace"`
	// +kubebuilder:validation:MaxItems=30
	// +listType=map
	// +listMapKey=name
	Dimensions []MetricDimension `json:"dimensions,omitempty"`
}

// A PrometheusQuery is an instant query.
type PrometheusQuery struct {
	// Address of the server, such as http://prometheus.monitoring:9090. By default that which the
	// controller was started with.
	//
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://`
	ServerAddress string `json:"serverAddress,omitempty"`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Query string `json:"query"`
}

// A ResourceMetric is a resource that pods request and use.
type ResourceMetric struct {
	// +kubebuilder:validation:Enum=cpu;memory
	Name string `json:"name"`
}

// A Queue is a queue of SQS, in the account and the region of the controller.
type Queue struct {
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-]{1,80}([.]fifo)?$`
	QueueName string `json:"queueName"`
}

// An HTTPValue is a number in an answer in JSON.
type HTTPValue struct {
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://`
	URL string `json:"url"`
	// Where the number is, as a JSON pointer (RFC 6901) such as /queue/depth; the whole answer by default.
	//
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^(/.*)?$`
	ValuePointer string `json:"valuePointer,omitempty"`
}
