package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/cell"
	"flyball/internal/page"
	"flyball/internal/state"
	"flyball/metric"
	"flyball/metric/math"
)

// Limits of anomaly detectors, from the API reference.
const (
	maxExcluded    = 10
	maxDetectorIDs = 50
)

// detectors is the part of the service that anomaly detectors are: rows, and the
// models that they learn.
type detectors struct {
	cell    *cell.Cell
	metrics *metrics
	rows    *state.Table[detector] // by id
	models  models
}

// open loads the detectors, and has all of them trained.
func (s *detectors) open(c *cell.Cell, m *metrics) (err error) {
	s.cell, s.metrics = c, m
	s.models.init()
	if s.rows, err = state.NewTable[detector](c.State, state.Kind{Name: "cloudwatch.detector", Version: 1}); err != nil {
		return err
	}
	for _, d := range s.rows.Rows("") {
		s.soon(lesson{d.id(), d.period()})
	}
	return nil
}

// PutAnomalyDetector creates a detector, or changes how one is trained; then it is
// trained anew.
func (s *detectors) PutAnomalyDetector(ctx context.Context, in *cloudwatch.PutAnomalyDetectorInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutAnomalyDetectorOutput, error) {
	//lint:ignore SA1019 older clients name the metric by these
	d, err := s.named(naming{in.Namespace, in.MetricName, in.Stat, in.Dimensions, in.SingleMetricAnomalyDetector, in.MetricMathAnomalyDetector})
	if err != nil {
		return nil, err
	}
	if err := checkConfiguration(in.Configuration); err != nil {
		return nil, err
	}
	d.Configuration, d.Characteristics = in.Configuration, in.MetricCharacteristics
	id := d.id()
	if err := s.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		s.put(tx, id, d)
		return nil
	}); err != nil {
		return nil, err
	}
	return &cloudwatch.PutAnomalyDetectorOutput{AnomalyDetectorId: &id}, nil
}

// put makes a detector known.
func (s *detectors) put(tx *state.Tx, id string, d detector) {
	s.rows.Put(tx, id, d)
	tx.After(func() { s.anew(id, d) })
}

// ensure makes a detector known that an alarm needs, unless it is.
func (s *detectors) ensure(tx *state.Tx, d detector) {
	id := d.id()
	if _, ok := s.rows.Get(id); !ok {
		s.put(tx, id, d)
	}
}

// DeleteAnomalyDetector deletes a detector. Alarms on it have no band from then on.
func (s *detectors) DeleteAnomalyDetector(ctx context.Context, in *cloudwatch.DeleteAnomalyDetectorInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAnomalyDetectorOutput, error) {
	id := aws.ToString(in.AnomalyDetectorId)
	if id == "" {
		//lint:ignore SA1019 older clients name the metric by these
		d, err := s.named(naming{in.Namespace, in.MetricName, in.Stat, in.Dimensions, in.SingleMetricAnomalyDetector, in.MetricMathAnomalyDetector})
		if err != nil {
			return nil, err
		}
		id = d.id()
	}
	err := s.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, ok := s.rows.Get(id); !ok {
			return &types.ResourceNotFoundException{Message: new("The anomaly detector does not exist."), ResourceType: new("AnomalyDetector"), ResourceId: &id}
		}
		s.rows.Delete(tx, id)
		tx.After(func() { s.models.forget(id) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatch.DeleteAnomalyDetectorOutput{}, nil
}

// DescribeAnomalyDetectors lists detectors: of metrics, if no types are asked for.
func (s *detectors) DescribeAnomalyDetectors(ctx context.Context, in *cloudwatch.DescribeAnomalyDetectorsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAnomalyDetectorsOutput, error) {
	limit, ok := page.Limit(in.MaxResults, 100, 100)
	switch {
	case !ok || in.MaxResults != nil && *in.MaxResults > 100:
		return nil, invalidValue("The value %d for parameter MaxResults is invalid. It must be between 1 and 100.", *in.MaxResults)
	case len(in.AnomalyDetectorIds) > maxDetectorIDs:
		return nil, invalidValue("The collection AnomalyDetectorIds must not have a size greater than %d.", maxDetectorIDs)
	case len(in.AnomalyDetectorIds) > 0 && (in.Namespace != nil || in.MetricName != nil || in.Dimensions != nil || in.AnomalyDetectorTypes != nil):
		return nil, invalidCombination("AnomalyDetectorIds cannot be specified with Namespace, MetricName, Dimensions or AnomalyDetectorTypes.")
	}
	out := &cloudwatch.DescribeAnomalyDetectorsOutput{AnomalyDetectors: []types.AnomalyDetector{}}
	var err error
	s.cell.State.View(ctx, func() {
		found := slices.DeleteFunc(s.rows.Rows(""), func(d detector) bool { return !d.isAskedFor(in) })
		found, out.NextToken, err = page.Of(found, func(d detector) string { return d.id() }, in.NextToken, limit)
		for _, d := range found {
			out.AnomalyDetectors = append(out.AnomalyDetectors, d.describe(s.cell.Account, s.models.state(d.id())))
		}
	})
	if err != nil {
		return nil, badToken(err)
	}
	return out, nil
}

// isAskedFor tells whether a listing has the detector.
func (d *detector) isAskedFor(in *cloudwatch.DescribeAnomalyDetectorsInput) bool {
	if len(in.AnomalyDetectorIds) > 0 {
		return slices.Contains(in.AnomalyDetectorIds, d.id())
	}
	kind := types.AnomalyDetectorTypeSingleMetric
	if d.Single == nil {
		kind = types.AnomalyDetectorTypeMetricMath
	}
	asked := in.AnomalyDetectorTypes
	if len(asked) == 0 {
		asked = []types.AnomalyDetectorType{types.AnomalyDetectorTypeSingleMetric}
	}
	if !slices.Contains(asked, kind) {
		return false
	}
	if in.Namespace == nil && in.MetricName == nil && in.Dimensions == nil {
		return true
	}
	if d.Single == nil {
		return false
	}
	has := func(asked *string, own *string) bool { return asked == nil || *asked == *own }
	same := metric.NewID("", "", dimensions(in.Dimensions)...).Key() == metric.NewID("", "", dimensions(d.Single.Dimensions)...).Key()
	return has(in.Namespace, d.Single.Namespace) && has(in.MetricName, d.Single.MetricName) && (in.Dimensions == nil || same)
}

// A naming is how calls name a detector: by the members of a metric itself, which are
// older than the two objects.
type naming struct {
	namespace, name, stat *string
	dimensions            []types.Dimension
	single                *types.SingleMetricAnomalyDetector
	math                  *types.MetricMathAnomalyDetector
}

// named is the detector that a call names, found valid.
func (s *detectors) named(n naming) (detector, error) {
	plain := n.namespace != nil || n.name != nil || n.stat != nil || len(n.dimensions) > 0
	switch {
	case n.single != nil && n.math != nil, plain && (n.single != nil || n.math != nil):
		return detector{}, invalidCombination("Either single metric attributes, SingleMetricAnomalyDetector or MetricMathAnomalyDetector can be set")
	case n.math != nil:
		return s.checkMath(n.math.MetricDataQueries)
	case n.single == nil:
		n.single = &types.SingleMetricAnomalyDetector{Namespace: n.namespace, MetricName: n.name, Dimensions: n.dimensions, Stat: n.stat}
	}
	return s.checkSingle(n.single)
}

func (s *detectors) checkSingle(in *types.SingleMetricAnomalyDetector) (detector, error) {
	switch {
	case in.AccountId != nil && *in.AccountId != s.cell.Account:
		return detector{}, invalidValue("The parameter AccountId of another account is not supported.")
	case aws.ToString(in.Namespace) == "":
		return detector{}, missing("Namespace")
	case aws.ToString(in.MetricName) == "":
		return detector{}, missing("MetricName")
	case aws.ToString(in.Stat) == "":
		return detector{}, missing("Stat")
	}
	if err := checkDimensions(in.Dimensions); err != nil {
		return detector{}, invalidValue("%s", message(err))
	}
	stat, err := metric.ParseStatistic(*in.Stat)
	if err != nil {
		return detector{}, invalidValue("The value %s for parameter Stat is not supported.", *in.Stat)
	}
	return singleDetector(metric.NewID(*in.Namespace, *in.MetricName, dimensions(in.Dimensions)...), stat), nil
}

// checkMath checks the queries of a detector: they are those of an alarm.
func (s *detectors) checkMath(queries []types.MetricDataQuery) (detector, error) {
	if len(queries) == 0 {
		return detector{}, missing("MetricMathAnomalyDetector.MetricDataQueries")
	}
	if len(queries) == 1 && queries[0].MetricStat != nil {
		return detector{}, invalidValue("The MetricDataQueries list in MetricMathAnomalyDetector contains a single metric, please use SingleMetricAnomalyDetector instead")
	}
	if err := checkQueries(queries, s.cell.Account, ""); err != nil {
		return detector{}, invalidValue("%s", message(err))
	}
	id := *returned(queries, "").Id
	program, err := math.Compile(mathQueries(queries))
	if err == nil {
		err = program.Watchable(id)
	}
	if err != nil {
		return detector{}, invalidValue("%v", err)
	}
	switch period, same := formulaPeriod(queries); {
	case program.HasBands(id) || len(program.Selections(id)) > 0:
		return detector{}, invalidValue("An anomaly detector cannot be of an ANOMALY_DETECTION_BAND or of a Metrics Insights query.")
	case !same || period < 60:
		return detector{}, invalidValue("All MetricDataQueries must have the same Period, of 60 seconds or more.")
	}
	return detectorOf(program, queries, id)
}

// checkConfiguration refuses what is wrong with how a detector is to be trained, and
// what CloudWatch's own model has and this one has not.
func checkConfiguration(c *types.AnomalyDetectorConfiguration) error {
	if c == nil {
		return nil
	}
	switch {
	case c.AdaptationSpeed != "" && c.AdaptationSpeed != types.AnomalyDetectorAdaptationSpeedNormal:
		return invalidValue("The AdaptationSpeed %s is not supported.", c.AdaptationSpeed)
	case c.OutlierFilteringStrength != "" && c.OutlierFilteringStrength != types.AnomalyDetectorOutlierFilteringStrengthModerate:
		return invalidValue("The OutlierFilteringStrength %s is not supported.", c.OutlierFilteringStrength)
	case len(c.ExcludedTimeRanges) > maxExcluded:
		return invalidValue("The collection ExcludedTimeRanges must not have a size greater than %d.", maxExcluded)
	}
	for i, r := range c.ExcludedTimeRanges {
		if r.StartTime == nil || r.EndTime == nil || !r.StartTime.Before(*r.EndTime) {
			return invalidValue("The StartTime of ExcludedTimeRanges.member.%d must be before its EndTime.", i+1)
		}
	}
	if zone := aws.ToString(c.MetricTimezone); zone != "" {
		if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
			return invalidValue("The value %s for parameter MetricTimezone is not a time zone.", zone)
		}
	}
	return nil
}

// missingBand is what an answer says of a band without a detector.
func missingBand(id string) string {
	return fmt.Sprintf("There is no anomaly detector for %s: create one with PutAnomalyDetector.", id)
}
