// Package schedule says when a scheduled action runs. It reads the at(), rate()
// and cron() expressions of Application Auto Scaling and answers with instants.
//
//	zone, err := schedule.Zone("America/New_York")
//	s, err := schedule.Parse("cron(0 18 ? * MON-FRI *)", zone)
//	s = s.Between(start, end)
//	for run, ok := s.Next(now); ok; run, ok = s.Next(run) {
//		// run is 18:00 in New York, Monday to Friday
//	}
//
// The cron dialect is the one that AWS documents under "Cron expressions
// reference" (Amazon EventBridge User Guide), which is Quartz's:
//
//	cron(minutes hours day-of-month month day-of-week year)
//
//	minutes       0-59             , - * /
//	hours         0-23             , - * /
//	day-of-month  1-31             , - * / ? L W
//	month         1-12 or JAN-DEC  , - * /
//	day-of-week   1-7 or SUN-SAT   , - * / ? L #
//	year          1970-2199        , - * /
//
// One of the two day fields is ?, and only one. A seventh field in front holds
// seconds ("Schedule recurring scaling actions", Application Auto Scaling User
// Guide). Names may be in lower case. A range may wrap: 22-2 is 22, 23, 0, 1, 2
// and FRI-MON is Friday to Monday; years do not wrap.
//
//	L     the last day of the month; in day-of-week Saturday, the week's last day
//	L-3   the third day before the last of the month
//	LW    the last Monday to Friday of the month
//	15W   the Monday to Friday nearest to the 15th, in the same month
//	6L    the last Friday of the month
//	6#3   the third Friday of the month; without a fifth Friday 6#5 does not run
//
// Wall-clock times follow daylight saving ("Schedule types", EventBridge
// Scheduler User Guide): a time that the clock skips in spring has no run, and
// one that it shows twice in autumn has one, the first time. The days of a rate
// have 24 hours.
//
// Parsing and searching need no clock and do no I/O; only Zone reads the time
// zone database.
package schedule
