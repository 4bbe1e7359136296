package cloudwatch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/cell"
	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/state"
	"flyball/internal/store"
)

// keepHistory is how long CloudWatch keeps alarm history.
const keepHistory = 30 * 24 * time.Hour

// CloudWatch has no other bounds, and a disk has: the oldest items go first.
const (
	mostOfAlarm   = 5_000
	mostItems     = 100_000
	mostItemBytes = 64 << 20
)

// retireEvery is how often history past its time is removed, and retireAfter how many new
// items there are at the least, and retireShare which part of all, when it is looked for what is
// beyond the bounds: that reads through all of it.
const (
	retireEvery = time.Hour
	retireAfter = 1_000
	retireShare = 10
)

// An item is kept once, by alarm name and time, and where it is found by time alone.
var (
	kindAlarmHistory = state.Kind{Name: "cloudwatch.alarm-history", Version: 2, Packing: state.NewPacking(historyWords)}
	kindHistory      = state.Kind{Name: "cloudwatch.history", Version: 2}
)

// historyWords are what items have in common.
const historyWords = `{"AlarmContributorAttributes":null,"AlarmContributorId":null,"AlarmName":"TargetTracking-service/default/-AlarmHigh--AlarmLow-","AlarmType":"CompositeAlarm","AlarmType":"MetricAlarm","HistoryData":"{\"version\":\"1.0\",\"type\":\"Update\",\"updatedAlarm\":{\"type\":\"Create\",\"createdAlarm\":{\"actionsEnabled\":true,\"alarmActions\":[\"arn:aws:autoscaling:us-east-1:scalingPolicy:resource/ecs/service/:policyName/\"],\"alarmArn\":\"arn:aws:cloudwatch:us-east-1:alarm:\",\"alarmConfigurationUpdatedTimestamp\":\"alarmName\":\"comparisonOperator\":\"GreaterThanThreshold\",\"LessThanThreshold\",\"datapointsToAlarm\":\"dimensions\":[{\"name\":\"ClusterName\",\"value\":\"},{\"name\":\"ServiceName\"}],\"evaluationPeriods\":\"insufficientDataActions\":[],\"metricName\":\"CPUUtilization\",\"namespace\":\"AWS/ECS\",\"okactions\":[],\"period\":60,\"stateUpdatedTimestamp\":\"stateValue\":\"INSUFFICIENT_DATA\",\"statistic\":\"Average\",\"threshold\":\"treatMissingData\":\"missing\"}}"` +
	`{\"actionState\":\"Failed\",\"stateUpdateTimestamp\":\"notificationResource\":\"arn:aws:sns:us-east-1:\",\"publishedMessage\":null,\"error\":null}","HistoryItemType":"ConfigurationUpdate","HistoryItemType":"Action","HistorySummary":"Failed to execute action arn:aws:autoscaling:us-east-1:. Received error: ","HistorySummary":"Successfully executed action ` +
	`"HistoryData":"{\"version\":\"1.0\",\"oldState\":{\"stateValue\":\"INSUFFICIENT_DATA\",\"stateReason\":\"Insufficient Data: 1 datapoint was unknown.\",\"stateReason\":\"Unchecked: Initial alarm creation\"},\"newState\":{\"stateValue\":\"ALARM\",\"stateReason\":\"Threshold Crossed: 3 out of the last 3 datapoints [90.0 (26/11/26 09:10:00), ] were less than or equal to the threshold (1.0) (minimum 3 datapoints for OK -> ALARM transition).\",\"stateReasonData\":{\"version\":\"1.0\",\"queryDate\":\"2026-11-26T09:10:00.000+0000\",\"startDate\":\"2026-11-26T09:10:00.000+0000\",\"unit\":\"Percent\",\"statistic\":\"Average\",\"period\":60,\"recentDatapoints\":[],\"threshold\":50.0,\"evaluatedDatapoints\":[{\"timestamp\":\"2026-11-26T09:10:00.000+0000\",\"sampleCount\":1.0,\"value\":90.0}]}},\"newState\":{\"stateValue\":\"OK\",\"stateReason\":\"Threshold Crossed: 1 out of the last 1 datapoints [] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).\"}}","HistoryItemType":"StateUpdate","HistorySummary":"Alarm updated from OK to ALARM","HistorySummary":"Alarm updated from ALARM to OK","Timestamp":"2026-11-26T09:10:00Z"}`

// A pointer is where an item is: by the alarm, and with what lists are chosen by.
type pointer struct {
	AlarmName       string
	AlarmType       types.AlarmType
	HistoryItemType types.HistoryItemType
	Bytes           int `json:",omitempty"` // of the item; 0: an earlier release wrote it, twice
}

// earlierItem is about what an item of an earlier release takes.
const earlierItem = 8 << 10

// A history writes what happened to alarms, and keeps nothing in memory but the
// last key. It is guarded by the state's lock.
type history struct {
	last  int64
	added int          // since retire was called last
	kept  atomic.Int64 // items that it found
	full  func()       // has retire be called
}

// key is a key for an item of this time that sorts behind all keys given out
// before, in nanoseconds since 1970 with all leading zeros.
func (h *history) key(at time.Time) string {
	h.last = max(at.UnixNano(), h.last+1)
	return historyKey(h.last)
}

func historyKey(nanos int64) string { return fmt.Sprintf("%019d", nanos) }

// timeKey is the key of any time, those out of range included.
func timeKey(t time.Time) string {
	switch year := t.Year(); {
	case year < 1970:
		return historyKey(0)
	case year > 2260:
		return historyKey(math.MaxInt64)
	}
	return historyKey(t.UnixNano())
}

// alarmKeys is the prefix of the keys of one alarm's items.
func alarmKeys(name string) string { return name + "\x00" }

// add writes an item.
func (h *history) add(tx *state.Tx, e *entry, at time.Time, kind types.HistoryItemType, summary string, data any) {
	item := types.AlarmHistoryItem{
		AlarmName:       &e.name,
		AlarmType:       e.kind(),
		Timestamp:       &at,
		HistoryItemType: kind,
		HistorySummary:  &summary,
		HistoryData:     new(string(encode(data))),
	}
	key := h.key(at)
	bytes := tx.Put(kindAlarmHistory, alarmKeys(e.name)+key, item)
	tx.Put(kindHistory, key, pointer{AlarmName: e.name, AlarmType: e.kind(), HistoryItemType: kind, Bytes: bytes})
	if h.added++; h.added >= max(retireAfter, int(h.kept.Load())/retireShare) && h.full != nil {
		h.added = 0
		h.full()
	}
}

func (e *entry) kind() types.AlarmType {
	if e.composite != nil {
		return types.AlarmTypeCompositeAlarm
	}
	return types.AlarmTypeMetricAlarm
}

// addStateUpdate tells that an alarm went from one state to what it is in now.
func (h *history) addStateUpdate(tx *state.Tx, e *entry, from status, at time.Time) {
	type shownState struct {
		Value  string          `json:"stateValue"`
		Reason string          `json:"stateReason"`
		Data   json.RawMessage `json:"stateReasonData,omitempty"`
	}
	show := func(s status) shownState {
		text, data := s.reason()
		shown := shownState{Value: s.State.String(), Reason: text}
		if json.Valid([]byte(data)) {
			shown.Data = json.RawMessage(data)
		}
		return shown
	}
	h.add(tx, e, at, types.HistoryItemTypeStateUpdate,
		fmt.Sprintf("Alarm updated from %s to %s", from.State, e.State),
		struct {
			Version string     `json:"version"`
			Old     shownState `json:"oldState"`
			New     shownState `json:"newState"`
		}{"1.0", show(from), show(e.status)})
}

// addAction tells how an action ended.
func (h *history) addAction(tx *state.Tx, j *job, failure string, at time.Time) {
	state := "Succeeded"
	if failure != "" {
		state = "Failed"
	}
	h.add(tx, j.entry, at, types.HistoryItemTypeAction, j.summary(failure), struct {
		State     string  `json:"actionState"`
		Updated   int64   `json:"stateUpdateTimestamp"`
		Resource  string  `json:"notificationResource"`
		Published *string `json:"publishedMessage"`
		Error     *string `json:"error"`
	}{state, j.updated.Time().UnixMilli(), j.Action, j.message, optional.String(failure)})
}

// addConfigurationUpdate tells that an alarm was created, updated or deleted. What is
// Create, Update or Delete.
func (a *alarms) addConfigurationUpdate(tx *state.Tx, e *entry, what string, at time.Time) {
	did := strings.ToLower(what) + "d"
	a.history.add(tx, e, at, types.HistoryItemTypeConfigurationUpdate,
		fmt.Sprintf("Alarm %q %s", e.name, did),
		map[string]any{"version": "1.0", "type": what, did + "Alarm": a.configuration(e)})
}

// configuration is an alarm's definition as its history shows it.
func (a *alarms) configuration(e *entry) any {
	var shown any
	if e.composite != nil {
		shown = a.describeComposite(e)
	} else {
		shown = a.describeMetric(e)
	}
	var members map[string]any
	if err := json.Unmarshal(encode(shown), &members); err != nil {
		panic(err) // it was just encoded
	}
	return camel(members)
}

// camel writes member names as history does, such as okactions and alarmName,
// times as in reasons, and leaves out what is not set.
func camel(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = camel(v[i])
		}
		return v
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			if member == nil || member == "" || name == "StateReason" || name == "StateReasonData" {
				continue
			}
			if t, ok := member.(string); ok && strings.HasSuffix(name, "Timestamp") {
				if at, err := time.Parse(time.RFC3339, t); err == nil {
					member = at.Format(alarm.TimeFormat)
				}
			}
			if name == "OKActions" {
				name = "okactions"
			}
			out[strings.ToLower(name[:1])+name[1:]] = camel(member)
		}
		return out
	}
	return v
}

// A placed item is one of all histories.
type placedItem struct {
	key, alarm string
	bytes      int
}

// superfluous are the items that are older than a key, or beyond the bounds, of all that there
// are in the order of their times: the newest stay.
func superfluous(all []placedItem, oldest string) (gone []placedItem) {
	ofAlarm := map[string]int{}
	items, bytes := 0, 0
	for _, item := range slices.Backward(all) {
		if item.key < oldest || items >= mostItems || bytes+item.bytes > mostItemBytes || ofAlarm[item.alarm] >= mostOfAlarm {
			gone = append(gone, item)
			continue
		}
		ofAlarm[item.alarm]++
		items++
		bytes += item.bytes
	}
	return gone
}

// retireAtOnce is how many items one change removes: others wait for none longer.
const retireAtOnce = 500

// retire removes what CloudWatch keeps no longer, and what is beyond the bounds.
func (h *history) retire(ctx context.Context, c *cell.Cell, now time.Time) {
	var all []placedItem
	names := map[string]string{} // each is in memory once
	err := state.Scan(c.State, kindHistory, store.Range{}, func(key string, p *pointer) bool {
		name, ok := names[p.AlarmName]
		if !ok {
			name = p.AlarmName
			names[name] = name
		}
		all = append(all, placedItem{key, name, cmp.Or(p.Bytes, earlierItem)})
		return true
	})
	if err != nil {
		c.Log.Error("read alarm history", "error", err)
		return
	}
	h.kept.Store(int64(len(all)))
	for part := range slices.Chunk(superfluous(all, timeKey(now.Add(-keepHistory))), retireAtOnce) {
		c.State.Later(func(tx *state.Tx) {
			for _, item := range part {
				tx.Delete(kindAlarmHistory, alarmKeys(item.alarm)+item.key)
				tx.Delete(kindHistory, item.key)
			}
		})
		if c.State.Settle(ctx) != nil {
			return
		}
	}
}

// DescribeAlarmHistory lists what happened to an alarm, or to all, in the last
// 30 days.
func (a *alarms) DescribeAlarmHistory(ctx context.Context, in *cloudwatch.DescribeAlarmHistoryInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmHistoryOutput, error) {
	if in.AlarmContributorId != nil {
		return nil, unsupported("AlarmContributorId")
	}
	limit, err := maxRecords(in.MaxRecords, 100)
	if err != nil {
		return nil, err
	}
	wanted := wantedHistory{name: aws.ToString(in.AlarmName), item: in.HistoryItemType, kinds: alarmTypes(in.AlarmTypes), limit: limit}
	if wanted.name != "" && len(in.AlarmTypes) == 0 {
		wanted.kinds = nil // an alarm that is named may be of any type
	}
	prefix := ""
	if wanted.name != "" {
		prefix = alarmKeys(wanted.name)
	}
	keys, err := historyKeys(in, prefix)
	if err != nil {
		return nil, err
	}

	// The history is on disk alone: what is on its way there is waited for.
	if err := a.cell.State.Settle(ctx); err != nil {
		return nil, err
	}
	read := a.historyOfAll
	if wanted.name != "" {
		read = a.historyOfOne
	}
	items, next, err := read(wanted, keys)
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.DescribeAlarmHistoryOutput{AlarmHistoryItems: items}
	if next != "" {
		out.NextToken = new(page.Token(next))
	}
	return out, nil
}

// wantedHistory is what a page of a history is to have.
type wantedHistory struct {
	name  string // of the alarm; empty: all
	kinds []types.AlarmType
	item  types.HistoryItemType
	limit int
}

func (w wantedHistory) has(kind types.AlarmType, item types.HistoryItemType) bool {
	return (w.item == "" || w.item == item) && (w.kinds == nil || slices.Contains(w.kinds, kind))
}

// historyOfOne reads a page of one alarm's history. Next is the key of its last item, if
// others follow.
func (a *alarms) historyOfOne(w wantedHistory, keys store.Range) (items []types.AlarmHistoryItem, next string, err error) {
	items = []types.AlarmHistoryItem{}
	last := ""
	err = state.Scan(a.cell.State, kindAlarmHistory, keys, func(key string, item *types.AlarmHistoryItem) bool {
		if !w.has(item.AlarmType, item.HistoryItemType) {
			return true
		}
		if len(items) == w.limit {
			next = last
			return false
		}
		last = strings.TrimPrefix(key, alarmKeys(w.name))
		items = append(items, *item)
		return true
	})
	return items, next, err
}

// historyOfAll is historyOfOne for all alarms.
func (a *alarms) historyOfAll(w wantedHistory, keys store.Range) (items []types.AlarmHistoryItem, next string, err error) {
	var at []string
	last := ""
	err = state.Scan(a.cell.State, kindHistory, keys, func(key string, p *pointer) bool {
		if !w.has(p.AlarmType, p.HistoryItemType) {
			return true
		}
		if len(at) == w.limit {
			next = last
			return false
		}
		last = key
		at = append(at, alarmKeys(p.AlarmName)+key)
		return true
	})
	items = []types.AlarmHistoryItem{}
	for _, key := range at {
		item, err := state.Get[types.AlarmHistoryItem](a.cell.State, kindAlarmHistory, key)
		if errors.Is(err, store.ErrNotFound) {
			continue // it was removed meanwhile
		}
		if err != nil {
			return nil, "", err
		}
		items = append(items, *item)
	}
	return items, next, err
}

// historyKeys is the range of keys that a DescribeAlarmHistory asks for, after
// those of the pages before.
func historyKeys(in *cloudwatch.DescribeAlarmHistoryInput, prefix string) (store.Range, error) {
	r := store.Prefix(prefix)
	r.Reverse = in.ScanBy != types.ScanByTimestampAscending
	if in.StartDate != nil {
		r.From = prefix + timeKey(*in.StartDate)
	}
	if in.EndDate != nil {
		r.To = prefix + timeKey(in.EndDate.Add(time.Millisecond)) // history counts in milliseconds
	}
	after, err := page.Key(in.NextToken)
	switch {
	case err != nil:
		return r, badToken(err)
	case after == "":
	case r.Reverse:
		r.To = prefix + after
	default:
		r.From = prefix + after + "\x00"
	}
	return r, nil
}
