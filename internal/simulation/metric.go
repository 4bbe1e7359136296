package simulation

import (
	"fmt"
	gomath "math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
	"flyball/metric/math"
	"flyball/sim"
)

// quantities are what metrics of AWS's, and Flyball's own, measure of a service.
var quantities = map[string]sim.Quantity{
	"AWS/ECS CPUUtilization":                     sim.CPUUtilization,
	"AWS/ECS MemoryUtilization":                  sim.MemoryUtilization,
	"AWS/ApplicationELB RequestCount":            sim.RequestCount,
	"AWS/ApplicationELB RequestCountPerTarget":   sim.RequestCountPerTarget,
	"AWS/ApplicationELB TargetResponseTime":      sim.ResponseTime,
	"AWS/SQS ApproximateNumberOfMessagesVisible": sim.QueueLength,
	"AWS/SQS NumberOfMessagesSent":               sim.RequestCount,
	"Flyball/SQS BacklogPerTask":                 sim.BacklogPerTask,
	"Flyball/Kubernetes CPUUtilization":          sim.CPUUtilization,
	"Flyball/Kubernetes MemoryUtilization":       sim.MemoryUtilization,
	"ECS/ContainerInsights RunningTaskCount":     sim.RunningTasks,
	"ECS/ContainerInsights DesiredTaskCount":     sim.DesiredTasks,
}

// metricOf is a metric with a statistic as package sim has it.
func metricOf(namespace, name, stat string) (sim.Metric, error) {
	q, known := quantities[namespace+" "+name]
	if !known {
		return sim.Metric{}, fmt.Errorf("the metric %s of namespace %s cannot be simulated: the model of a service does not have it", name, namespace)
	}
	s, err := statistic(stat)
	switch {
	case err != nil:
		return sim.Metric{}, err
	case s == metric.SampleCount || !s.Basic():
		return sim.Metric{}, fmt.Errorf("the statistic %s of the metric %s cannot be simulated; Average, Sum, Minimum and Maximum can", stat, name)
	case s == metric.Average:
		s = metric.Statistic{}
	}
	return sim.Metric{Quantity: q, Statistic: s}, nil
}

// formula is metric math of a period as package sim has it.
func formula(queries []cwtypes.MetricDataQuery, period time.Duration) (sim.Metric, error) {
	var (
		returned string
		ids      []string
		program  []math.Query
		f        sim.Formula
	)
	for _, q := range queries {
		id := aws.ToString(q.Id)
		if q.ReturnData == nil || *q.ReturnData {
			returned = id
		}
		if s := q.MetricStat; s != nil {
			m, err := metricOf(aws.ToString(s.Metric.Namespace), aws.ToString(s.Metric.MetricName), aws.ToString(s.Stat))
			if err != nil {
				return m, err
			}
			if len(queries) == 1 {
				return m, nil
			}
			ids, f.Of = append(ids, id), append(f.Of, m)
		}
		program = append(program, math.Query{ID: id, Expression: aws.ToString(q.Expression)})
	}
	compiled, err := math.Compile(program)
	if err != nil {
		return sim.Metric{}, fmt.Errorf("its metric math: %w", err)
	}
	f.Value = func(values []float64, nothingRuns bool) float64 {
		return compute(compiled, returned, ids, values, period, nothingRuns)
	}
	return sim.Metric{Quantity: sim.Computed, Formula: &f}, nil
}

// compute is the value of a formula for one period.
func compute(program *math.Program, returned string, ids []string, values []float64, step time.Duration, nothingRuns bool) float64 {
	grid := math.Grid{Start: time.Unix(0, 0).UTC(), Step: step, Len: 1}
	env := math.Env{Grid: grid, Metric: func(id string) (math.Series, error) {
		s := math.NewSeries(grid)
		if i := slices.Index(ids, id); i >= 0 {
			s.Values[0] = values[i]
		}
		return s, nil
	}}
	if nothingRuns {
		env.ZeroDivisor = 1
	}
	run := program.Run(env)
	series, err := run.Result(returned)
	if err != nil || len(series) != 1 {
		return gomath.NaN()
	}
	return series[0].Values[0]
}
