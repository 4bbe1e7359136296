package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
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

// retireEvery is how often history past its time is removed.
const retireEvery = time.Hour

// The items of histories are there twice: by time, and by alarm name and time.
var (
	kindHistory      = state.Kind{Name: "cloudwatch.history", Version: 1}
	kindAlarmHistory = state.Kind{Name: "cloudwatch.alarm-history", Version: 1}
)

// A history writes what happened to alarms, and keeps nothing in memory but the
// last key. It is guarded by the state's lock.
type history struct {
	last int64
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
	tx.Put(kindHistory, key, item)
	tx.Put(kindAlarmHistory, alarmKeys(e.name)+key, item)
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

// retire removes what CloudWatch keeps no longer.
func (h *history) retire(c *cell.Cell, now time.Time) {
	old := store.Range{To: timeKey(now.Add(-keepHistory))}
	var gone []string
	err := state.Scan(c.State, kindHistory, old, func(key string, item *types.AlarmHistoryItem) bool {
		gone = append(gone, alarmKeys(aws.ToString(item.AlarmName))+key)
		return true
	})
	if err != nil {
		c.Log.Error("read alarm history that is past its time", "error", err)
		return
	}
	if len(gone) == 0 {
		return
	}
	c.State.Later(func(tx *state.Tx) {
		for _, key := range gone {
			tx.Delete(kindAlarmHistory, key)
		}
		tx.DeleteRange(kindHistory, old)
	})
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
	kind, prefix := kindHistory, ""
	kinds := alarmTypes(in.AlarmTypes)
	if name := aws.ToString(in.AlarmName); name != "" {
		kind, prefix = kindAlarmHistory, alarmKeys(name)
		if len(in.AlarmTypes) == 0 {
			kinds = nil // an alarm that is named may be of any type
		}
	}
	keys, err := historyKeys(in, prefix)
	if err != nil {
		return nil, err
	}

	// The history is on disk alone: what is on its way there is waited for.
	if err := a.cell.State.Settle(ctx); err != nil {
		return nil, err
	}
	out := &cloudwatch.DescribeAlarmHistoryOutput{AlarmHistoryItems: []types.AlarmHistoryItem{}}
	last := ""
	err = state.Scan(a.cell.State, kind, keys, func(key string, item *types.AlarmHistoryItem) bool {
		if in.HistoryItemType != "" && item.HistoryItemType != in.HistoryItemType || kinds != nil && !slices.Contains(kinds, item.AlarmType) {
			return true
		}
		if len(out.AlarmHistoryItems) == limit {
			out.NextToken = new(page.Token(last))
			return false
		}
		last = strings.TrimPrefix(key, prefix)
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, *item)
		return true
	})
	if err != nil {
		return nil, err
	}
	return out, nil
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
