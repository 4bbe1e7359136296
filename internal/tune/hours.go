package tune

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// Hours raise the minimum by the hour of the day, in UTC: what the minimum is from Monday to
// Friday, and what it is on the other two days. Where they say less than the candidate's
// minimum that one holds. The zero value raises nothing.
type Hours struct {
	Week    [24]int32 `json:"mondayToFriday"`
	Weekend [24]int32 `json:"saturdayAndSunday"`
}

// A block is hours in a row with the same minimum.
type block struct {
	from, to int
	least    int32
	days     string
}

func (b block) String() string {
	return fmt.Sprintf("at least %d from %02d:00 to %02d:00 UTC, %s", b.least, b.from, b.to%24, b.days)
}

// describe tells the hours whose minimum is higher than the candidate's: each block of them, or
// from what to what they go where there are many.
func (h Hours) describe(least int32) string {
	all := h.blocks(least)
	if len(all) <= mostBlocks {
		var texts []string
		for _, b := range all {
			texts = append(texts, b.String())
		}
		return strings.Join(texts, "; ")
	}
	lowest, highest := all[0].least, all[0].least
	for _, b := range all {
		lowest, highest = min(lowest, b.least), max(highest, b.least)
	}
	days := "daily"
	if h.Week != h.Weekend {
		days = "by the day of the week"
	}
	return fmt.Sprintf("at least %d to %d by the hour, %s", lowest, highest, days)
}

// mostBlocks is how many blocks of hours are told one by one.
const mostBlocks = 3

// blocks are the hours whose minimum is higher than the candidate's.
func (h Hours) blocks(least int32) []block {
	if h.Week == h.Weekend {
		return blocksOf(h.Week, least, "daily")
	}
	return append(blocksOf(h.Week, least, "Monday to Friday"), blocksOf(h.Weekend, least, "Saturday and Sunday")...)
}

func blocksOf(hours [24]int32, least int32, days string) (all []block) {
	for from := 0; from < 24; {
		to := from + 1
		for to < 24 && hours[to] == hours[from] {
			to++
		}
		if hours[from] > least {
			all = append(all, block{from, to, hours[from], days})
		}
		from = to
	}
	return all
}

// actions are the scheduled actions of a candidate: one for each hour in which the minimum
// changes.
func (s Subject) actions(c Candidate) []types.ScheduledAction {
	h := c.Hours
	if h.Week == h.Weekend {
		return s.changes(c, h.Week, h.Week[23], "", "* * ?")
	}
	// The day before a Monday is another kind of day, and the one before a Saturday, too: what
	// midnight changes may be nothing on the other days.
	weekly := s.changes(c, h.Week, -1, "week-", "? * MON-FRI")
	return append(weekly, s.changes(c, h.Weekend, -1, "weekend-", "? * SAT,SUN")...)
}

// changes are the actions of one kind of day, on which the minimum is another one before.
func (s Subject) changes(c Candidate, hours [24]int32, before int32, kind, days string) (all []types.ScheduledAction) {
	for hour, least := range hours {
		least = max(least, c.Min)
		if before >= 0 && least == max(before, c.Min) {
			continue
		}
		before = least
		all = append(all, types.ScheduledAction{
			ScheduledActionName: aws.String(fmt.Sprintf("%s-%s%02d", s.Name, kind, hour)), ResourceId: aws.String(s.ResourceID),
			Schedule:             aws.String(fmt.Sprintf("cron(0 %d %s *)", hour, days)),
			ScalableTargetAction: &types.ScalableTargetAction{MinCapacity: &least, MaxCapacity: &c.Max},
		})
	}
	return all
}

// coarse are the hours in blocks of some, with what the busiest hour of a block needs.
func (h Hours) coarse(hours int) Hours {
	for _, day := range []*[24]int32{&h.Week, &h.Weekend} {
		for from := 0; from < 24; from += hours {
			block := day[from : from+hours]
			most := slices.Max(block)
			for i := range block {
				block[i] = most
			}
		}
	}
	return h
}

// scaled are the hours with another share of their tasks.
func (h Hours) scaled(share float64) Hours {
	for i := range h.Week {
		h.Week[i] = int32(math.Round(float64(h.Week[i]) * share))
		h.Weekend[i] = int32(math.Round(float64(h.Weekend[i]) * share))
	}
	return h
}

// within keeps the hours between two bounds. An hour of the minimum is none.
func (h Hours) within(least, most int32) Hours {
	for _, day := range []*[24]int32{&h.Week, &h.Weekend} {
		for i := range day {
			if day[i] = min(day[i], most); day[i] <= least {
				day[i] = 0
			}
		}
	}
	return h
}
