package rules

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/service/autoscaling/fault"
	"flyball/scaling"
)

// resourceLabels are app/LB/ID/targetgroup/TG/ID.
var resourceLabels = regexp.MustCompile(`^app/[^/]+/[^/]+/targetgroup/[^/]+/[^/]+$`)

// checkLabel checks the resource label of a predefined metric: those of load
// balancers need one, others have none.
func checkLabel(metricType string, label *string, needed bool) error {
	switch {
	case !needed && label == nil:
		return nil
	case !needed:
		return fault.Invalid("Resource label cannot be specified for predefined metric type %s", metricType)
	case aws.ToString(label) == "":
		return fault.Invalid("Resource label should be specified for predefined metric type %s", metricType)
	case !resourceLabels.MatchString(*label):
		return fault.Invalid("Invalid resource label '%s' for predefined metric type %s: it must have the form app/LOAD-BALANCER/ID/targetgroup/TARGET-GROUP/ID", *label, metricType)
	}
	return nil
}

// Labels are the resource labels of a policy's predefined metrics, but for those that name
// a queue.
func (p Policy) Labels() []string {
	var labels []*string
	_, _, ofQueue := p.Queue()
	if t := p.Tracking; t != nil && t.PredefinedMetricSpecification != nil && !ofQueue {
		labels = append(labels, t.PredefinedMetricSpecification.ResourceLabel)
	}
	if p.Predictive != nil {
		m := p.Specification()
		if s := m.PredefinedMetricPairSpecification; s != nil {
			labels = append(labels, s.ResourceLabel)
		}
		if s := m.PredefinedLoadMetricSpecification; s != nil {
			labels = append(labels, s.ResourceLabel)
		}
		if s := m.PredefinedScalingMetricSpecification; s != nil {
			labels = append(labels, s.ResourceLabel)
		}
	}
	var given []string
	for _, l := range labels {
		if l != nil {
			given = append(given, *l)
		}
	}
	return given
}

// CheckAttached refuses a policy that follows a target group in which its service
// does not register tasks: nothing that the policy does would change its metric.
func (p Policy) CheckAttached(id scaling.ResourceID, groupARNs []string) error {
	for _, label := range p.Labels() {
		_, group, _ := strings.Cut(label, "/targetgroup/")
		group = "targetgroup/" + group
		if !slices.ContainsFunc(groupARNs, func(arn string) bool { return strings.HasSuffix(arn, ":"+group) }) {
			return fault.Invalid("Target group %s is not attached to ECS service %s", group, id)
		}
	}
	return nil
}

// checkMetric checks what CloudWatch takes for a metric. It is checked here because
// the alarms are put in-process, past the checks of requests.
func checkMetric(namespace, name *string, unitName string, dimensions []types.MetricDimension) error {
	if aws.ToString(namespace) == "" || aws.ToString(name) == "" {
		return fault.Invalid("A metric must have a Namespace and a MetricName")
	}
	if unit := cwtypes.StandardUnit(unitName); unit != "" && !slices.Contains(unit.Values(), unit) {
		return fault.Invalid("Unit must be one of %v", unit.Values())
	}
	if len(dimensions) > maxDimensions {
		return fault.Invalid("A metric can have %d dimensions at most", maxDimensions)
	}
	names := []bounded{{"Namespace", namespace, 255}, {"MetricName", name, 255}}
	for _, d := range dimensions {
		if aws.ToString(d.Name) == "" || aws.ToString(d.Value) == "" {
			return fault.Invalid("A metric dimension must have a name and a value")
		}
		names = append(names, bounded{"A dimension's name", d.Name, 255}, bounded{"A dimension's value", d.Value, 1024})
	}
	return checkLengths(names)
}

// maxDimensions is how many dimensions CloudWatch takes for a metric.
const maxDimensions = 30

// A bounded is a text that must not be too long.
type bounded struct {
	what string
	text *string
	most int // characters
}

func checkLengths(names []bounded) error {
	for _, n := range names {
		if utf8.RuneCountInString(*n.text) > n.most {
			return fault.Invalid("%s must not be longer than %d characters", n.what, n.most)
		}
	}
	return nil
}

// sortedDimensions are dimensions in an order that does not depend on the request.
func sortedDimensions(dimensions []types.MetricDimension) []string {
	pairs := make([]string, len(dimensions))
	for i, d := range dimensions {
		pairs[i] = aws.ToString(d.Name) + "\x00" + aws.ToString(d.Value)
	}
	slices.SortFunc(pairs, strings.Compare)
	return pairs
}

// alarmDimensions are dimensions in CloudWatch's type; nil for none.
func alarmDimensions(in []types.MetricDimension) []cwtypes.Dimension {
	var out []cwtypes.Dimension
	for _, d := range in {
		out = append(out, cwtypes.Dimension{Name: d.Name, Value: d.Value})
	}
	return out
}

// serviceDimensions tell a service's metrics from others'.
func serviceDimensions(id scaling.ResourceID) []cwtypes.Dimension {
	cluster, service := id.Service()
	return []cwtypes.Dimension{
		{Name: aws.String("ClusterName"), Value: aws.String(cluster)},
		{Name: aws.String("ServiceName"), Value: aws.String(service)},
	}
}

// functionDimensions tell the metrics of a version or an alias of a function from
// others'.
func functionDimensions(id scaling.ResourceID) []cwtypes.Dimension {
	name, qualifier := id.Function()
	return []cwtypes.Dimension{
		{Name: aws.String("FunctionName"), Value: aws.String(name)},
		{Name: aws.String("Resource"), Value: aws.String(name + ":" + qualifier)},
	}
}

// balancerDimensions tell the metrics of a load balancer's target group, which a
// resource label names.
func balancerDimensions(label string) []cwtypes.Dimension {
	balancer, group, _ := strings.Cut(label, "/targetgroup/")
	return []cwtypes.Dimension{
		{Name: aws.String("LoadBalancer"), Value: aws.String(balancer)},
		{Name: aws.String("TargetGroup"), Value: aws.String("targetgroup/" + group)},
	}
}

// seconds is a period as the SDK has it.
func seconds(d time.Duration) *int32 { return aws.Int32(int32(d / time.Second)) }
