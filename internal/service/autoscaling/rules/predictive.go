package rules

import (
	"encoding/json"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/governor"
	"flyball/internal/service/autoscaling/fault"
	"flyball/scaling"
)

// defaultBuffer is how long before the hour capacity is set where a policy says
// nothing.
const defaultBuffer = 300 * time.Second

// withDefaults is a configuration as it is described: with the mode and the
// buffer that it has when it names none.
func withDefaults(c *types.PredictiveScalingPolicyConfiguration) *types.PredictiveScalingPolicyConfiguration {
	if c == nil {
		return nil
	}
	full := *c
	if full.Mode == "" {
		full.Mode = types.PredictiveScalingModeForecastOnly
	}
	if full.SchedulingBufferTime == nil {
		full.SchedulingBufferTime = seconds(defaultBuffer)
	}
	return &full
}

// Forecasts is what package governor knows of a predictive policy's configuration.
func (p Policy) Forecasts() governor.Predictive {
	c := p.Predictive
	return governor.Predictive{
		Scales: c.Mode == types.PredictiveScalingModeForecastAndScale,
		Buffer: time.Duration(aws.ToInt32(c.SchedulingBufferTime)) * time.Second,
		Breach: scaling.Breach{
			Increase: c.MaxCapacityBreachBehavior == types.PredictiveScalingMaxCapacityBreachBehaviorIncreaseMaxCapacity,
			Buffer:   int(aws.ToInt32(c.MaxCapacityBuffer)),
		},
	}
}

// SameForecast reports whether two predictive policies forecast the same.
func (p Policy) SameForecast(other Policy) bool {
	x, _ := json.Marshal(p.Predictive.MetricSpecifications)
	y, _ := json.Marshal(other.Predictive.MetricSpecifications)
	return string(x) == string(y)
}

// Customized are the sources of a configuration's own metrics; none where the
// configuration is refused.
func Customized(c *types.PredictiveScalingPolicyConfiguration) []Source {
	if c == nil || checkPredictive(withDefaults(c)) != nil {
		return nil
	}
	m := c.MetricSpecifications[0]
	var own []Source
	for _, c := range []*types.PredictiveScalingCustomizedMetricSpecification{
		m.CustomizedLoadMetricSpecification, m.CustomizedScalingMetricSpecification, m.CustomizedCapacityMetricSpecification,
	} {
		if c != nil {
			own = append(own, customized(c))
		}
	}
	return own
}

// checkPredictive says what is wrong with a configuration.
func checkPredictive(c *types.PredictiveScalingPolicyConfiguration) error {
	if len(c.MetricSpecifications) != 1 {
		return fault.Invalid("You must specify one metric specification.")
	}
	if b := aws.ToInt32(c.SchedulingBufferTime); b < 0 || b > 3600 {
		return fault.Invalid("SchedulingBufferTime must be between 0 and 3600")
	}
	if err := checkBreach(c.MaxCapacityBreachBehavior, c.MaxCapacityBuffer); err != nil {
		return err
	}
	switch c.Mode {
	case types.PredictiveScalingModeForecastOnly, types.PredictiveScalingModeForecastAndScale:
	default:
		return fault.Invalid("Mode must be ForecastOnly or ForecastAndScale")
	}
	return checkSpecification(c.MetricSpecifications[0])
}

func checkBreach(behavior types.PredictiveScalingMaxCapacityBreachBehavior, buffer *int32) error {
	switch behavior {
	case types.PredictiveScalingMaxCapacityBreachBehaviorIncreaseMaxCapacity:
		if buffer == nil {
			return fault.Invalid("MaxCapacityBuffer must be specified when MaxCapacityBreachBehavior is IncreaseMaxCapacity")
		}
		if *buffer < 0 || *buffer > 100 {
			return fault.Invalid("MaxCapacityBuffer must be between 0 and 100")
		}
	case "", types.PredictiveScalingMaxCapacityBreachBehaviorHonorMaxCapacity:
		if buffer != nil {
			return fault.Invalid("MaxCapacityBuffer can only be specified when MaxCapacityBreachBehavior is IncreaseMaxCapacity")
		}
	default:
		return fault.Invalid("MaxCapacityBreachBehavior must be HonorMaxCapacity or IncreaseMaxCapacity")
	}
	return nil
}

// checkSpecification checks which metrics there are, and then each.
func checkSpecification(m types.PredictiveScalingMetricSpecification) error {
	if v := aws.ToFloat64(m.TargetValue); !(v > 0) || v > math.Ldexp(1, 360) {
		return fault.Invalid("TargetValue must be greater than 0 and at most 2^360")
	}
	load := m.PredefinedLoadMetricSpecification != nil || m.CustomizedLoadMetricSpecification != nil
	scaling := m.PredefinedScalingMetricSpecification != nil || m.CustomizedScalingMetricSpecification != nil
	if pair := m.PredefinedMetricPairSpecification; pair != nil {
		if load || scaling || m.CustomizedCapacityMetricSpecification != nil {
			return fault.Invalid("PredefinedMetricPairSpecification cannot be specified with other metric specifications")
		}
		_, ok := metricPairs[aws.ToString(pair.PredefinedMetricType)]
		return checkPredefinedMetric(pair.PredefinedMetricType, pair.ResourceLabel, ok, "pair")
	}
	switch {
	case !load || !scaling:
		return fault.Invalid("Either a predefined metric pair, or a load metric and a scaling metric must be specified")
	case m.PredefinedLoadMetricSpecification != nil && m.CustomizedLoadMetricSpecification != nil:
		return fault.Invalid("Only one of PredefinedLoadMetricSpecification and CustomizedLoadMetricSpecification can be specified")
	case m.PredefinedScalingMetricSpecification != nil && m.CustomizedScalingMetricSpecification != nil:
		return fault.Invalid("Only one of PredefinedScalingMetricSpecification and CustomizedScalingMetricSpecification can be specified")
	}
	if l := m.PredefinedLoadMetricSpecification; l != nil {
		_, ok := loadMetrics[aws.ToString(l.PredefinedMetricType)]
		if err := checkPredefinedMetric(l.PredefinedMetricType, l.ResourceLabel, ok, "load"); err != nil {
			return err
		}
	}
	if s := m.PredefinedScalingMetricSpecification; s != nil {
		_, ok := scalingMetrics[aws.ToString(s.PredefinedMetricType)]
		if err := checkPredefinedMetric(s.PredefinedMetricType, s.ResourceLabel, ok, "scaling"); err != nil {
			return err
		}
	}
	return checkCustomizedMetrics(m.CustomizedLoadMetricSpecification, m.CustomizedScalingMetricSpecification, m.CustomizedCapacityMetricSpecification)
}

func checkPredefinedMetric(metricType, label *string, known bool, use string) error {
	name := aws.ToString(metricType)
	if !known {
		return fault.Invalid("Predefined metric type %s is not supported as %s metric of scalable dimension %s", name, use, dimension(scaling.Services))
	}
	return checkLabel(name, label, name == "ALBRequestCount" || loadMetrics[name].balancer || scalingMetrics[name].balancer)
}

// checkCustomizedMetrics checks the queries of a policy's customized metrics. The
// ids of one metric must differ from each other; two metrics may share some, as in
// the examples of AWS and of Terraform. What an expression says is CloudWatch's to
// check.
func checkCustomizedMetrics(metrics ...*types.PredictiveScalingCustomizedMetricSpecification) error {
	for _, m := range metrics {
		if m == nil {
			continue
		}
		seen, answers := map[string]bool{}, 0
		for _, q := range plainQueries(m.MetricDataQueries) {
			if err := checkQuery(q); err != nil {
				return err
			}
			if seen[*q.Id] {
				return fault.Invalid("The Id '%s' is not unique in MetricDataQueries", *q.Id)
			}
			seen[*q.Id] = true
			if returnsData(q) {
				answers++
			}
		}
		if answers != 1 {
			return fault.Invalid("Exactly one element of MetricDataQueries must return data")
		}
	}
	return nil
}
