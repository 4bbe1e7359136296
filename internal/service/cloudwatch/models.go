package cloudwatch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/anomaly"
	"flyball/internal/due"
	"flyball/metric"
)

const (
	// modelEvery is how often a detector is trained: at 0, 6, 12 and 18 o'clock UTC. The
	// band of the six hours from then on is that of the model that was trained at their
	// beginning on what was before, whenever it is asked for.
	modelEvery = 6 * time.Hour
	// trainAfter is how long after such an hour an alarm's model is trained: when the
	// last datapoints before it have come.
	trainAfter = 30 * time.Second
	// trainAgain is when a detector that lacks data is tried again.
	trainAgain = 5 * time.Minute
	// maxModels is how many models of a detector are kept: those of two weeks, and of
	// the next day.
	maxModels = 60
)

// A lesson is what a detector is trained with, again and again.
type lesson struct {
	detector string // id
	period   time.Duration
}

// A trained is the place of a model.
type trained struct {
	lesson
	at int64 // seconds since 1970
}

// models are those that detectors have learned. They are nowhere else: after a restart
// the same are learned again.
type models struct {
	queue due.Queue[lesson]

	mu       sync.Mutex
	all      map[trained]*anomaly.Model
	kept     map[string][]trained // by detector
	states   map[string]types.AnomalyDetectorStateValue
	followed map[lesson]int // by how many alarms
}

func (m *models) init() {
	m.all, m.kept = map[trained]*anomaly.Model{}, map[string][]trained{}
	m.states, m.followed = map[string]types.AnomalyDetectorStateValue{}, map[lesson]int{}
}

// get is a model that there is already, or nil.
func (m *models) get(key trained) *anomaly.Model {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[key]
}

// put keeps a model, and forgets the oldest ones of a detector that has too many.
func (m *models) put(key trained, model *anomaly.Model) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all[key] == nil {
		m.kept[key.detector] = append(m.kept[key.detector], key)
	}
	m.all[key] = model
	m.states[key.detector] = types.AnomalyDetectorStateValueTrained
	if kept := m.kept[key.detector]; len(kept) > maxModels {
		i := slices.IndexFunc(kept, func(k trained) bool {
			return !slices.ContainsFunc(kept, func(other trained) bool { return other.at < k.at })
		})
		delete(m.all, kept[i])
		m.kept[key.detector] = slices.Delete(kept, i, i+1)
	}
}

// lacks notes that a detector has too little data.
func (m *models) lacks(detector string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.states[detector] = types.AnomalyDetectorStateValueTrainedInsufficientData
}

// forget drops what a detector has learned.
func (m *models) forget(detector string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range m.kept[detector] {
		delete(m.all, key)
	}
	delete(m.kept, detector)
	delete(m.states, detector)
}

// state is how far the training of a detector is.
func (m *models) state(detector string) types.AnomalyDetectorStateValue {
	m.mu.Lock()
	defer m.mu.Unlock()
	if state, ok := m.states[detector]; ok {
		return state
	}
	return types.AnomalyDetectorStateValuePendingTraining
}

// newest is the band at a time of the newest model before it, which is that of the six
// hours before while the next one is being trained.
func (m *models) newest(l lesson, t time.Time, width float64) (lower, upper float64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for at := t.Truncate(modelEvery); t.Sub(at) < anomaly.Horizon; at = at.Add(-modelEvery) {
		if model := m.all[trained{l, at.Unix()}]; model != nil {
			return model.Band(t, width)
		}
	}
	return 0, 0, false
}

// train learns what was usual before a time. Without enough data there is no model.
func (s *detectors) train(ctx context.Context, d *detector, key trained) (*anomaly.Model, error) {
	if model := s.models.get(key); model != nil {
		return model, nil
	}
	at := time.Unix(key.at, 0).UTC()
	points, err := s.points(ctx, d, key.period, at.Add(-anomaly.Reach), at)
	if err != nil {
		return nil, err
	}
	model, err := anomaly.Train(points, d.options(at, key.period))
	switch {
	case errors.Is(err, anomaly.ErrTooFew), errors.Is(err, anomaly.ErrTooLarge):
		return nil, nil
	case err != nil:
		return nil, err
	}
	s.models.put(key, model)
	return model, nil
}

// points reads what a detector is trained on.
func (s *detectors) points(ctx context.Context, d *detector, period time.Duration, from, to time.Time) ([]metric.Datapoint, error) {
	out, err := s.metrics.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		StartTime: &from, EndTime: &to, MetricDataQueries: d.queries(period), ScanBy: types.ScanByTimestampAscending,
	})
	if err != nil || len(out.MetricDataResults) == 0 {
		return nil, err
	}
	r := out.MetricDataResults[0]
	points := make([]metric.Datapoint, len(r.Values))
	for i, v := range r.Values {
		points[i] = metric.Datapoint{Time: r.Timestamps[i], Value: v}
	}
	return points, nil
}

// soon has a detector trained in a moment, and again from then on.
func (s *detectors) soon(l lesson) { s.models.queue.Sooner(l, s.cell.Clock.Now().Add(settle)) }

// follow has a detector trained for an alarm.
func (s *detectors) follow(l lesson) {
	s.models.mu.Lock()
	s.models.followed[l]++
	s.models.mu.Unlock()
	s.soon(l)
}

// unfollow is the reverse of follow. What was learned stays as long as the detector.
func (s *detectors) unfollow(l lesson) {
	s.models.mu.Lock()
	defer s.models.mu.Unlock()
	if s.models.followed[l]--; s.models.followed[l] == 0 {
		delete(s.models.followed, l)
		s.models.queue.Drop(l)
	}
}

// anew has a detector trained for everything that asks for it.
func (s *detectors) anew(id string, d detector) {
	s.models.forget(id)
	s.soon(lesson{id, d.period()})
	s.models.mu.Lock()
	defer s.models.mu.Unlock()
	for l := range s.models.followed {
		if l.detector == id {
			s.soon(l)
		}
	}
}

// learn trains detectors that are due, and has them due again.
func (s *detectors) learn(ctx context.Context, lessons []lesson) {
	for _, l := range lessons {
		var d detector
		var found bool
		s.cell.State.View(ctx, func() { d, found = s.rows.Get(l.detector) })
		if !found {
			continue
		}
		now := s.cell.Clock.Now()
		at := now.Truncate(modelEvery)
		model, err := s.train(ctx, &d, trained{l, at.Unix()})
		next := at.Add(modelEvery + trainAfter)
		if model == nil {
			s.models.lacks(l.detector)
			next = now.Add(trainAgain)
		}
		if err != nil {
			s.cell.Log.Error("train an anomaly detector", "detector", l.detector, "error", err)
		}
		s.models.queue.Set(l, next)
	}
}
