package schedule

import "time"

// A month is what a rule about days has to know of it.
type month struct {
	length int
	first  time.Weekday // of its first day
}

func monthOf(year int, m time.Month) month {
	start := time.Date(year, m, 1, 0, 0, 0, 0, time.UTC)
	return month{
		length: start.AddDate(0, 1, -1).Day(),
		first:  start.Weekday(),
	}
}

// weekday is the day of the week of a day of the month.
func (m month) weekday(day int) time.Weekday {
	return (m.first + time.Weekday(day-1)) % 7
}

// firstOf is the first day of the month that is this day of the week.
func (m month) firstOf(w time.Weekday) int {
	return 1 + int(w-m.first+7)%7
}

// workday is the Monday to Friday nearest to a day, in the same month: Saturday
// the 1st gives Monday the 3rd.
func (m month) workday(day int) int {
	switch m.weekday(day) {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == m.length {
			return day - 2
		}
		return day + 1
	}
	return day
}

// A daySet is days of a month: bit n is the day n.
type daySet uint32

func only(day int) daySet { return 1 << day }

// days is what the day-of-month and day-of-week fields say together.
type days interface {
	in(month) daySet
}

type (
	daysOfMonth daySet // the days themselves
	workdayNear int    // 15W
	lastDay     struct {
		before  int  // 3 in L-3
		workday bool // LW
	}
	daysOfWeek uint8        // bit n is a time.Weekday
	lastOf     time.Weekday // 6L
	nthOf      struct {     // 6#3
		day time.Weekday
		n   int
	}
)

func (d daysOfMonth) in(m month) daySet { return daySet(d) & (1<<(m.length+1) - 1) }

// A month without the day has no workday near it: 31W has seven runs a year.
func (w workdayNear) in(m month) daySet {
	if int(w) > m.length {
		return 0
	}
	return only(m.workday(int(w)))
}

func (l lastDay) in(m month) daySet {
	day := m.length - l.before
	switch {
	case day < 1:
		return 0
	case l.workday:
		return only(m.workday(day))
	}
	return only(day)
}

func (w daysOfWeek) in(m month) daySet {
	var set daySet
	for day := 1; day <= m.length; day++ {
		set |= daySet(w>>m.weekday(day)&1) << day
	}
	return set
}

func (l lastOf) in(m month) daySet {
	day := m.firstOf(time.Weekday(l)) + 28
	if day > m.length {
		day -= 7
	}
	return only(day)
}

func (n nthOf) in(m month) daySet {
	day := m.firstOf(n.day) + 7*(n.n-1)
	if day > m.length {
		return 0
	}
	return only(day)
}
