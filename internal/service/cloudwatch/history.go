package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/page"
	"flyball/internal/store"
)

// keepHistory is how long CloudWatch keeps alarm history.
const keepHistory = 30 * 24 * time.Hour

// A history writes what happened to alarms to the store, and keeps nothing in
// memory but the last key. Each item is there twice: in the order of time, and
// for each alarm in the order of time.
type history struct {
	mu   sync.Mutex
	last int64
}

// key is a key for an item of this time that sorts behind all keys given out
// before, in nanoseconds since 1970 with all leading zeros.
func (h *history) key(at time.Time) string {
	h.mu.Lock()
	defer h.mu.Unlock()
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

// add adds an item to a batch, under a key of its time.
func (h *history) add(b *store.Batch, key string, r *record, at time.Time, kind types.HistoryItemType, summary string, data any) {
	item := types.AlarmHistoryItem{
		AlarmName:       &r.name,
		AlarmType:       r.kind(),
		Timestamp:       &at,
		HistoryItemType: kind,
		HistorySummary:  &summary,
		HistoryData:     ptr(string(encode(data))),
	}
	value := encode(item)
	b.Put(kindHistory, key, value)
	b.Put(kindAlarmHistory, alarmKeys(r.name)+key, value)
}

func (r *record) kind() types.AlarmType {
	if r.composite != nil {
		return types.AlarmTypeCompositeAlarm
	}
	return types.AlarmTypeMetricAlarm
}

// stateUpdate tells that an alarm went from one state to what it is in now.
func (h *history) stateUpdate(b *store.Batch, key string, r *record, from standing, at time.Time) {
	type state struct {
		Value  string          `json:"stateValue"`
		Reason string          `json:"stateReason"`
		Data   json.RawMessage `json:"stateReasonData,omitempty"`
	}
	show := func(s standing) state {
		text, data := s.reason()
		shown := state{Value: s.State.String(), Reason: text}
		if json.Valid([]byte(data)) {
			shown.Data = json.RawMessage(data)
		}
		return shown
	}
	h.add(b, key, r, at, types.HistoryItemTypeStateUpdate,
		fmt.Sprintf("Alarm updated from %s to %s", from.State, r.State),
		struct {
			Version string `json:"version"`
			Old     state  `json:"oldState"`
			New     state  `json:"newState"`
		}{"1.0", show(from), show(r.standing)})
}

// action tells how an action ended.
func (h *history) action(b *store.Batch, a *API, r *record, n action, failure string) {
	state := "Succeeded"
	if failure != "" {
		state = "Failed"
	}
	at := a.now()
	h.add(b, h.key(at), r, at, types.HistoryItemTypeAction, n.summary(failure), struct {
		State     string  `json:"actionState"`
		Updated   int64   `json:"stateUpdateTimestamp"`
		Resource  string  `json:"notificationResource"`
		Published *string `json:"publishedMessage"`
		Error     *string `json:"error"`
	}{state, n.updated.Time().UnixMilli(), n.Action, n.message, optional(failure)})
}

// configured tells that an alarm was created, updated or deleted. What is
// Create, Update or Delete.
func (h *history) configured(b *store.Batch, a *API, r *record, what string, at time.Time) {
	did := strings.ToLower(what) + "d"
	h.add(b, h.key(at), r, at, types.HistoryItemTypeConfigurationUpdate,
		fmt.Sprintf("Alarm %q %s", r.name, did),
		map[string]any{"version": "1.0", "type": what, did + "Alarm": a.configuration(r)})
}

// configuration is an alarm's definition as its history shows it.
func (a *API) configuration(r *record) any {
	var shown any
	if r.composite != nil {
		shown = a.describeComposite(r)
	} else {
		shown = a.describeMetric(r)
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
func (h *history) retire(st store.Store, now time.Time) {
	old := store.Range{To: timeKey(now.Add(-keepHistory))}
	b := new(store.Batch)
	if err := st.Scan(kindHistory, old, func(key string, value []byte) bool {
		var item types.AlarmHistoryItem
		if json.Unmarshal(value, &item) == nil && item.AlarmName != nil {
			b.Delete(kindAlarmHistory, alarmKeys(*item.AlarmName)+key)
		}
		return true
	}); err != nil || b.Len() == 0 {
		return // a store that cannot be read has failed for more than this
	}
	b.DeleteRange(kindHistory, old)
	st.Write(b)
}

// DescribeAlarmHistory lists what happened to an alarm, or to all, in the last
// 30 days.
func (a *API) DescribeAlarmHistory(_ context.Context, in *cloudwatch.DescribeAlarmHistoryInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmHistoryOutput, error) {
	if in.AlarmContributorId != nil {
		return nil, unsupported("AlarmContributorId")
	}
	limit, err := maxRecords(in.MaxRecords, 100)
	if err != nil {
		return nil, err
	}
	kind, prefix := kindHistory, ""
	kinds := alarmTypes(in.AlarmTypes)
	if name := str(in.AlarmName); name != "" {
		kind, prefix = kindAlarmHistory, alarmKeys(name)
		if len(in.AlarmTypes) == 0 {
			kinds = nil // who names an alarm knows which type it has
		}
	}
	keys, err := historyKeys(in, prefix)
	if err != nil {
		return nil, err
	}

	out := &cloudwatch.DescribeAlarmHistoryOutput{AlarmHistoryItems: []historyItem{}}
	last := ""
	err = a.Store.Scan(kind, keys, func(key string, value []byte) bool {
		var item historyItem
		if err := json.Unmarshal(value, &item); err != nil {
			a.Log.Error("read alarm history", "key", key, "error", err)
			return true
		}
		if in.HistoryItemType != "" && item.HistoryItemType != in.HistoryItemType || kinds != nil && !slices.Contains(kinds, item.AlarmType) {
			return true
		}
		if len(out.AlarmHistoryItems) == limit {
			out.NextToken = ptr(page.Token(last))
			return false
		}
		last = strings.TrimPrefix(key, prefix)
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, item)
		return true
	})
	if err != nil {
		return nil, internal(err)
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

type historyItem = types.AlarmHistoryItem
