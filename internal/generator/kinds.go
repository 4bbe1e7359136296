package generator

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// A kind of part says how one is written and made.
type kind struct {
	parameters []string
	example    string
	about      string
	make       func(*arguments) part
}

// kinds are all by their names.
var kinds = map[string]kind{
	"steady": {[]string{"rate"}, "steady(300/m)", "always the same", makeSteady},
	"ramp":   {[]string{"from", "to", "at", "for"}, "ramp(from=1x, to=1.5x, at=7d, for=7d)", "along a straight line; from the beginning to the end, if nothing else is said", makeRamp},
	"spike":  {[]string{"at", "for", "by", "rise", "fall", "every"}, "spike(at=9d14h, for=1h, by=2x)", "once, or every so often; rise and fall are how long it takes to come and go", makeSpike},
	"daily":  {[]string{"low", "high", "peak"}, "daily(low=300/m, high=3000/m, peak=14:00)", "a wave each day", makeDaily},
	"weekly": {append([]string{"weekdays", "weekend"}, days...), "weekly(weekend=0.6x, mon=1.2x)", "days that are different", makeWeekly},
	"bursts": {[]string{"every", "for", "by"}, "bursts(every=6h, for=10m, by=3x)", "by chance, so far apart and so long on average", makeBursts},
	"noise":  {[]string{"by"}, "noise(10%)", "chance in each minute: its standard deviation", makeNoise},
}

// days are those of the week, from Sunday on.
var days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// names are the kinds, as they are listed.
func names() string {
	all := slices.Sorted(maps.Keys(kinds))
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

// Help are the kinds of parts with an example of each, a line each.
func Help() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		b.WriteString("  " + kinds[name].example + strings.Repeat(" ", max(1, 44-len(kinds[name].example))) + kinds[name].about + "\n")
	}
	return b.String()
}

// Examples are one of each kind, to be completed.
func Examples() (all []string) {
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		all = append(all, kinds[name].example)
	}
	return all
}

func makeSteady(a *arguments) part { return steady{a.amount("rate")} }

func makeNoise(a *arguments) part { return noise{a.share("by")} }

func makeRamp(a *arguments) part {
	r := ramp{at: a.span("at", 0), span: a.span("for", 0)}
	r.from, r.to = a.pair("from", "to")
	return r
}

func makeSpike(a *arguments) part {
	s := spike{span: a.positive("for"), rise: a.span("rise", 0), fall: a.span("fall", 0), every: a.span("every", 0), by: a.amount("by")}
	a.needs("at")
	s.at = a.span("at", 0)
	if s.every > 0 && s.every < s.rise+s.span+s.fall {
		a.wrong(a.values["every"].at, "have it come less often, or be shorter", "the spike comes again before it has gone")
	}
	return s
}

func makeBursts(a *arguments) part {
	b := bursts{every: a.positive("every"), span: a.positive("for"), by: a.amount("by")}
	if b.every < time.Minute {
		a.wrong(a.values["every"].at, "write a minute or more", "bursts that come every %v are not seen in minutes", b.every)
	}
	return b
}

func makeDaily(a *arguments) part {
	d := daily{peak: a.clock("peak", 14*time.Hour)}
	d.low, d.high = a.pair("low", "high")
	return d
}

func makeWeekly(a *arguments) part {
	var w weekly
	if len(a.values) == 0 {
		a.wrong(a.at, "write "+a.form.example, "weekly names no day")
	}
	for i, name := range days {
		w.days[i] = amount{1, true}
		of := "weekdays"
		if i == 0 || i == 6 {
			of = "weekend"
		}
		for _, given := range []string{of, name} {
			if _, is := a.values[given]; is {
				w.days[i] = a.amount(given)
			}
		}
	}
	return w
}
