package logs

import (
	"context"
	"log/slog"
	"math"
	"strconv"
	"sync"
	"time"

	"flyball/internal/cell"
	"flyball/internal/logstore"
	"flyball/internal/service/logs/pattern"
	"flyball/metric"
)

// maxCombinations is how many combinations of dimensions a filter may make in an hour;
// further ones are not counted ("PutMetricFilter": AWS disables such a filter).
const maxCombinations = 1000

// counts are what metric filters have made of events and nobody was told yet. The
// metrics are published each minute ("Configuring metric values for a metric filter").
type counts struct {
	cell *cell.Cell
	log  *slog.Logger

	mu           sync.Mutex
	sets         map[countKey]*metric.Set
	combinations map[string]map[metric.Key]bool // of a filter, in this hour
	hour         time.Time
}

// A countKey is a minute of a metric.
type countKey struct {
	metric metric.Key
	unit   string
	minute int64 // milliseconds since 1970
}

const minute = 60_000

// take counts what a filter makes of events. Each counts in the minute of its own time.
func (c *counts) take(f metricFilter, events []logstore.Event) {
	if f.parsed == nil {
		return
	}
	for i := range events {
		m, matches := f.parsed.Find([]byte(events[i].Message))
		value, ok := f.value(m, matches)
		if !ok {
			continue
		}
		key := countKey{c.metric(f, m), string(f.Unit), events[i].Time / minute * minute}
		c.add(streamKey(f.Group, f.Name), len(f.Dimensions) > 0, key, value)
	}
}

// value is what an event adds to a metric.
func (f metricFilter) value(m pattern.Match, matches bool) (float64, bool) {
	if !matches {
		if f.Default == nil {
			return 0, false
		}
		return *f.Default, true
	}
	text := f.Value
	if found, ok := m.Value(f.Value); ok {
		text = found
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// metric is the metric of a match. A dimension whose field the event lacks is left out.
func (c *counts) metric(f metricFilter, m pattern.Match) metric.Key {
	var dimensions []metric.Dimension
	for name, reference := range f.Dimensions {
		if value, ok := m.Value(reference); ok && value != "" {
			dimensions = append(dimensions, metric.Dimension{Name: name, Value: value})
		}
	}
	for _, field := range f.SystemFields {
		value := c.cell.Account
		if field == systemRegion {
			value = c.cell.Region
		}
		dimensions = append(dimensions, metric.Dimension{Name: field, Value: value})
	}
	return metric.NewID(f.Namespace, f.Metric, dimensions...).Key()
}

func (c *counts) add(filter string, dimensions bool, key countKey, value float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if dimensions && !c.room(filter, key.metric) {
		return
	}
	set := c.sets[key]
	if set == nil {
		set = &metric.Set{}
		c.sets[key] = set
	}
	set.Add(value, 1)
}

// room tells whether a filter may have a combination of dimensions in this hour.
func (c *counts) room(filter string, combination metric.Key) bool {
	if hour := c.cell.Clock.Now().Truncate(time.Hour); !hour.Equal(c.hour) {
		c.hour, c.combinations = hour, map[string]map[metric.Key]bool{}
	}
	known := c.combinations[filter]
	if known == nil {
		known = map[metric.Key]bool{}
		c.combinations[filter] = known
	}
	if known[combination] {
		return true
	}
	if len(known) >= maxCombinations {
		return false
	}
	if known[combination] = true; len(known) == maxCombinations {
		c.log.Warn("a metric filter has as many combinations of dimensions as it may have in an hour", "filter", filter)
	}
	return true
}

// publish hands what was counted to a recorder.
func (c *counts) publish(to Recorder) {
	c.mu.Lock()
	sets := c.sets
	c.sets = map[countKey]*metric.Set{}
	c.mu.Unlock()
	if to == nil || len(sets) == 0 {
		return
	}
	samples := make([]metric.Sample, 0, len(sets))
	for key, set := range sets {
		samples = append(samples, metric.Sample{Metric: key.metric.ID(), Time: time.UnixMilli(key.minute).UTC(), Unit: key.unit, Set: *set})
	}
	to.Record(samples)
}

// run publishes at the end of each minute, until ctx ends and then once more.
func (c *counts) run(ctx context.Context, to Recorder) {
	for {
		next := c.cell.Clock.Now().Truncate(time.Minute).Add(time.Minute)
		err := c.cell.Clock.SleepUntil(ctx, next)
		c.publish(to)
		if err != nil {
			return
		}
	}
}
