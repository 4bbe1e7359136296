package cloudwatch

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/metric"
)

// Limits of alarms, from the API reference.
const (
	maxActions = 5
	aDay       = 86_400  // seconds
	aWeek      = 604_800 // seconds
)

// trackingPrefix starts the names of the alarms of target tracking policies.
// They may have the short periods of our extension; see checkPeriod.
const trackingPrefix = "TargetTracking-"

// checkMetricAlarm refuses what is wrong with a metric alarm, or what of
// CloudWatch is not here.
func (a *alarms) checkMetricAlarm(in *cloudwatch.PutMetricAlarmInput) error {
	if err := checkName(in.AlarmName); err != nil {
		return err
	}
	switch {
	case in.EvaluationCriteria != nil || in.EvaluationInterval != nil:
		return unsupported("EvaluationCriteria")
	case in.EvaluationWindow != nil:
		return unsupported("EvaluationWindow")
	case in.WarmUpConfiguration != nil:
		return unsupported("WarmUpConfiguration")
	case in.ActionConfiguration != nil:
		return unsupported("ActionConfiguration")
	case in.ComparisonOperator == "":
		return validation("The parameter ComparisonOperator must be specified.")
	case in.EvaluationPeriods == nil || *in.EvaluationPeriods < 1:
		return validation("The parameter EvaluationPeriods must be specified, and be at least 1.")
	case in.DatapointsToAlarm != nil && *in.DatapointsToAlarm < 1:
		return validation("DatapointsToAlarm must be at least 1.")
	case in.DatapointsToAlarm != nil && *in.DatapointsToAlarm > *in.EvaluationPeriods:
		return validation("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
	}
	comparison, err := alarm.ParseComparison(string(in.ComparisonOperator))
	if err != nil {
		return unsupported("ComparisonOperator " + string(in.ComparisonOperator))
	}
	if err := checkThreshold(in, comparison); err != nil {
		return err
	}
	if t := in.TreatMissingData; t != nil {
		if _, err := alarm.ParseTreatment(*t); err != nil {
			return validation("The value %s is not supported for TreatMissingData parameter. Supported values are [breaching, notBreaching, ignore, missing].", *t)
		}
	}
	if err := a.checkActions(in.OKActions, in.AlarmActions, in.InsufficientDataActions); err != nil {
		return err
	}
	if err := checkLowSample(in); err != nil {
		return err
	}
	if len(in.Metrics) > 0 {
		return a.checkMetrics(in)
	}
	return checkMetric(in)
}

// checkLowSample checks what becomes of a percentile of few samples, which is nothing to
// another statistic.
func checkLowSample(in *cloudwatch.PutMetricAlarmInput) error {
	e := in.EvaluateLowSampleCountPercentile
	switch {
	case e == nil:
		return nil
	case *e != "evaluate" && *e != "ignore":
		return validation("Option %s is not supported. Supported options for parameter EvaluateLowSampleCountPercentile are evaluate and ignore.", *e)
	case in.Statistic != "":
		return validation("Option evaluateLowSampleCountPercentile can not be applied with statistic %s.", in.Statistic)
	}
	return nil
}

// checkThreshold checks what the alarm compares with: a number or a band.
func checkThreshold(in *cloudwatch.PutMetricAlarmInput, comparison alarm.Comparison) error {
	band := aws.ToString(in.ThresholdMetricId)
	switch {
	case comparison.OfBand() && band == "":
		return validation("ComparisonOperators for ranges require ThresholdMetricId to be set")
	case !comparison.OfBand() && in.ThresholdMetricId != nil:
		return validation("ThresholdMetricId can be set only with the ComparisonOperators for ranges, and not with %s", in.ComparisonOperator)
	case comparison.OfBand() && in.Threshold != nil:
		return validation("Threshold should not be set if ThresholdMetricId is set")
	case comparison.OfBand() && len(in.Metrics) == 0:
		return validation("Metrics must be set if ThresholdMetricId is set")
	case comparison.OfBand():
		for _, action := range slices.Concat(in.OKActions, in.AlarmActions, in.InsufficientDataActions) {
			if isScaling(action) {
				return validation("autoscaling actions not supported when ThresholdMetricId is set")
			}
		}
	case in.Threshold == nil || math.IsNaN(*in.Threshold) || math.IsInf(*in.Threshold, 0):
		return validation("PutMetricAlarm request should have valid Threshold parameter")
	}
	return nil
}

func checkName(name *string) error {
	if aws.ToString(name) == "" {
		return validation("The parameter AlarmName must be specified.")
	}
	if strings.ContainsFunc(*name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return validation("AlarmName must not contain ASCII control characters.")
	}
	return nil
}

// checkMetric checks what tells the metric where there is no Metrics.
func checkMetric(in *cloudwatch.PutMetricAlarmInput) error {
	switch {
	case aws.ToString(in.MetricName) == "":
		return validation("MetricName must not be null")
	case aws.ToString(in.Namespace) == "":
		return validation("Namespace must not be null")
	case in.Period == nil:
		return validation("Period must not be null")
	case !isASCII(*in.MetricName):
		return validation("MetricName must not contain Non-ASCII characters.")
	case !isASCII(*in.Namespace):
		return validation("Namespace must not contain Non-ASCII characters.")
	case in.Statistic != "" && in.ExtendedStatistic != nil:
		return validation("The parameters Statistic and ExtendedStatistic are mutually exclusive and you have specified both.")
	case in.Statistic == "" && in.ExtendedStatistic == nil:
		return validation("One of the parameters Statistic and ExtendedStatistic must be specified.")
	}
	if e := in.ExtendedStatistic; e != nil {
		if stat, err := metric.ParseStatistic(*e); err != nil || stat.Basic() {
			return validation("The value %s for parameter ExtendedStatistic is not supported.", *e)
		}
	} else if _, err := metric.ParseStatistic(string(in.Statistic)); err != nil {
		return invalidValue("The value %s for parameter Statistic is not supported.", in.Statistic)
	}
	if err := checkDimensions(in.Dimensions); err != nil {
		return err
	}
	return checkPeriod(*in.AlarmName, *in.Period, *in.EvaluationPeriods)
}

// checkMetrics checks an alarm that is defined with Metrics: a metric, or metric
// math over several.
func (a *alarms) checkMetrics(in *cloudwatch.PutMetricAlarmInput) error {
	for _, member := range []struct {
		name string
		set  bool
	}{
		{"MetricName", in.MetricName != nil}, {"Namespace", in.Namespace != nil}, {"Dimensions", len(in.Dimensions) > 0},
		{"Period", in.Period != nil}, {"Unit", in.Unit != ""}, {"Statistic", in.Statistic != ""}, {"ExtendedStatistic", in.ExtendedStatistic != nil},
	} {
		if member.set {
			return validation("%s should not be set if list of Metrics is set.", member.name)
		}
	}
	threshold := aws.ToString(in.ThresholdMetricId)
	if err := checkQueries(in.Metrics, a.cell.Account, threshold); err != nil {
		return err
	}
	period, same := formulaPeriod(in.Metrics)
	if !same {
		return validation("All elements of the metrics list must have the same Period.")
	}
	if err := checkFormula(in.Metrics, threshold, period); err != nil {
		return err
	}
	return checkPeriod(*in.AlarmName, period, *in.EvaluationPeriods)
}

// checkQueries checks each element of Metrics, and how many there are of each kind:
// one returns data and, beside it, the one that is the threshold, or "".
func checkQueries(queries []types.MetricDataQuery, account, threshold string) error {
	var metrics, expressions, answers int
	ids := map[string]bool{}
	for i := range queries {
		q, at := &queries[i], fmt.Sprintf("Metrics.member.%d.", i+1)
		r, err := newDataQuery(q, at)
		switch {
		case err != nil:
			return validation("Invalid metrics list: %s", strings.TrimSpace(message(err)))
		case ids[r.id]:
			return validation("Invalid metrics list: the Id %s is not unique", r.id)
		case q.AccountId != nil && *q.AccountId != account:
			return unsupported("The parameter " + at + "AccountId of another account")
		}
		ids[r.id] = true
		if r.returned {
			answers++
		}
		if r.expression {
			expressions++
			continue
		}
		metrics++
		if err := checkDimensions(q.MetricStat.Metric.Dimensions); err != nil {
			return err
		}
	}
	switch {
	case threshold != "" && !ids[threshold]:
		return validation("Metrics list must contain exactly one metric matching the ThresholdMetricId parameter")
	case threshold != "" && answers != 2:
		return validation("Exactly two elements of the metrics list should return data.")
	case threshold == "" && answers != 1:
		return validation("Exactly one element of the metrics list should return data.")
	case metrics > maxAlarmMetrics:
		return validation("Too many metrics in alarm, maximum is %d", maxAlarmMetrics)
	case expressions > maxAlarmExpressions:
		return validation("Too many expressions in alarm, maximum is %d", maxAlarmExpressions)
	}
	return nil
}

func checkDimensions(in []types.Dimension) error {
	if len(in) > metric.MaxDimensions {
		return validation("The collection Dimensions must not have a size greater than %d.", metric.MaxDimensions)
	}
	for i, d := range in {
		if aws.ToString(d.Name) == "" || aws.ToString(d.Value) == "" {
			return validation("The parameters Dimensions.member.%d.Name and Dimensions.member.%d.Value must be specified.", i+1, i+1)
		}
		if strings.ContainsRune(*d.Name+*d.Value, 0) {
			return validation("Dimensions.member.%d must not contain control characters.", i+1)
		}
	}
	return nil
}

// checkPeriod refuses periods that CloudWatch does not have for alarms, except
// 1 and 5 seconds for target tracking, which the tag flyball:metric-period
// turns on.
func checkPeriod(name string, period, periods int32) error {
	short := []int32{10, 20, 30}
	if strings.HasPrefix(name, trackingPrefix) {
		short = append(short, 1, 5)
	}
	if period <= 0 || period%60 != 0 && !slices.Contains(short, period) {
		return validation("Period must be 10, 20, 30 or a multiple of 60")
	}
	switch total := int64(period) * int64(periods); {
	case period < 3600 && total > aDay:
		return validation("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= %d) for alarms using period < 3600", aDay)
	case total > aWeek:
		return validation("Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= %d) for alarms using period >= 3600", aWeek)
	}
	return nil
}

// checkActions refuses what is no ARN, and what is in another region. Whether it
// is of something that exists is found out when the action is carried out, as with
// AWS.
func (a *alarms) checkActions(lists ...[]string) error {
	for _, actions := range lists {
		if len(actions) > maxActions {
			return validation("The number of actions of a state must not be greater than %d.", maxActions)
		}
		for _, action := range actions {
			to, err := arn.Parse(action)
			switch {
			case err != nil || len(action) > 1024:
				return validation("Invalid arn syntax: %s", action)
			case to.Partition != a.cell.Partition():
				return validation("Invalid partition %s specified. Only %s is supported.", to.Partition, a.cell.Partition())
			case to.Region != "" && to.Region != a.cell.Region:
				return validation("Invalid region %s specified. Only %s is supported.", to.Region, a.cell.Region)
			case !slices.Contains(actionVendors, to.Service):
				return validation("Unsupported AWS vendor %s", to.Service)
			}
		}
	}
	return nil
}

// actionVendors are the services that the action of an alarm can be of ("PutMetricAlarm");
// swf is the older name of automate.
var actionVendors = []string{"aiops", "automate", "autoscaling", "lambda", "sns", "ssm", "ssm-incidents", "swf"}

// checkCompositeAlarm refuses what is wrong with a composite alarm, without
// reading the rule.
func (a *alarms) checkCompositeAlarm(in *cloudwatch.PutCompositeAlarmInput) error {
	if err := checkName(in.AlarmName); err != nil {
		return err
	}
	switch {
	case in.ActionConfiguration != nil:
		return unsupported("ActionConfiguration")
	case aws.ToString(in.AlarmRule) == "" || strings.TrimSpace(*in.AlarmRule) != *in.AlarmRule:
		return validation("AlarmRule must not contain leading or trailing whitespace or be null")
	case len(*in.AlarmRule) > 10240:
		return validation("AlarmRule must not be longer than 10240 characters.")
	}
	if err := checkSuppressor(in); err != nil {
		return err
	}
	for _, action := range slices.Concat(in.OKActions, in.AlarmActions, in.InsufficientDataActions) {
		if isScaling(action) {
			return validation("Composite alarms cannot have the action %s: scaling policies follow metric alarms.", action)
		}
	}
	return a.checkActions(in.OKActions, in.AlarmActions, in.InsufficientDataActions)
}

// checkSuppressor checks that an actions suppressor and its periods are given together.
func checkSuppressor(in *cloudwatch.PutCompositeAlarmInput) error {
	wait, extension := in.ActionsSuppressorWaitPeriod, in.ActionsSuppressorExtensionPeriod
	if s := aws.ToString(in.ActionsSuppressor); strings.HasPrefix(s, "arn:") {
		if at, err := arn.Parse(s); err != nil || at.Service != "cloudwatch" || !strings.HasPrefix(at.Resource, "alarm:") {
			return validation("ActionsSuppressor must be a valid CloudWatch Alarm ARN or an Alarm name")
		}
	}
	if in.ActionsSuppressor == nil {
		switch {
		case wait != nil:
			return validation("ActionsSuppressorWaitPeriod requires an ActionSuppressor")
		case extension != nil:
			return validation("ActionsSuppressorExtensionPeriod requires an ActionSuppressor")
		}
		return nil
	}
	switch {
	case wait == nil:
		return validation("ActionsSuppressorWaitPeriod must not be null")
	case extension == nil:
		return validation("ActionsSuppressorExtensionPeriod must not be null")
	case *wait < 0 || *extension < 0:
		return validation("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must not be negative.")
	}
	return nil
}

// percentile reads the p of a statistic such as p99.9.
func percentile(statistic string) (p float64, ok bool) {
	digits, ok := strings.CutPrefix(statistic, "p")
	if !ok {
		return 0, false
	}
	p, err := strconv.ParseFloat(digits, 64)
	return p, err == nil
}
