package cloudwatch

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/page"
)

// maxDatapoints is how many datapoints a page of GetMetricData has at most, from
// the API reference.
const maxDatapoints = 100_800

// A dataPage is a page of GetMetricData as it fills up.
type dataPage struct {
	from  position
	limit int // datapoints that it has room for
	order types.ScanBy
	out   *cloudwatch.GetMetricDataOutput
}

// maxPoints is how many datapoints a page may have.
func maxPoints(asked *int32) (int, error) {
	limit, ok := maxDatapoints, true
	if asked != nil {
		limit = int(*asked)
		ok = 1 <= limit && limit <= maxDatapoints
	}
	if !ok {
		return 0, validation("The value %d for parameter MaxDatapoints is invalid. It must be between 1 and %d.", limit, maxDatapoints)
	}
	return limit, nil
}

// add takes over a result, unless an earlier page has it, or what of it there is
// room for. Then the page is full, and says where the next one starts.
func (p *dataPage) add(at position, r types.MetricDataResult) (full bool) {
	if at.query == p.from.query {
		if at.series < p.from.series {
			return false
		}
		if at.series == p.from.series {
			start := p.from.after(r.Timestamps, p.order)
			r.Timestamps, r.Values = r.Timestamps[start:], r.Values[start:]
		}
	}
	if p.limit == 0 {
		p.out.NextToken = new(at.token())
		return true
	}
	if len(r.Values) > p.limit {
		r.Timestamps, r.Values = r.Timestamps[:p.limit], r.Values[:p.limit]
		r.StatusCode = types.StatusCodePartialData
		at.time = r.Timestamps[p.limit-1].Unix()
		p.out.NextToken = new(at.token())
	}
	p.limit -= len(r.Values)
	p.out.MetricDataResults = append(p.out.MetricDataResults, r)
	return p.out.NextToken != nil
}

// A position is where a page of GetMetricData starts: in this result of this query,
// after this time in the order of reading; 0 is at its start.
type position struct {
	query, series int
	time          int64
}

func (p position) token() string {
	return page.Token(fmt.Sprintf("%d/%d/%d", p.query, p.series, p.time))
}

func dataToken(token *string) (position, error) {
	key, err := page.Key(token)
	if err != nil || key == "" {
		return position{}, badToken(err)
	}
	var p position
	if n, err := fmt.Sscanf(key, "%d/%d/%d", &p.query, &p.series, &p.time); n != 3 || err != nil {
		return position{}, badToken(page.ErrToken)
	}
	return p, nil
}

// after is the index of the first datapoint after the position.
func (p position) after(times []time.Time, order types.ScanBy) int {
	if p.time == 0 {
		return 0
	}
	i := slices.IndexFunc(times, func(t time.Time) bool {
		if order == types.ScanByTimestampAscending {
			return t.Unix() > p.time
		}
		return t.Unix() < p.time
	})
	if i < 0 {
		return len(times)
	}
	return i
}
