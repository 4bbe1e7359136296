package alarm_test

import (
	"slices"
	"strings"
	"testing"

	"flyball/alarm"
)

func TestExpression(t *testing.T) {
	states := map[string]alarm.State{"cpu": alarm.Alarm, "disk": alarm.OK, "net (out)": alarm.Alarm, "a b": alarm.Alarm,
		"arn:aws:cloudwatch:us-east-1:123456789012:alarm:cpu": alarm.Alarm}
	for rule, want := range map[string]alarm.State{
		`ALARM(cpu)`:                                                 alarm.Alarm,
		`ALARM("cpu") AND ALARM("disk")`:                             alarm.OK,
		`ALARM(cpu) AND NOT ALARM(disk)`:                             alarm.Alarm,
		`ALARM(cpu) OR ALARM(disk) AND FALSE`:                        alarm.Alarm, // AND binds tighter
		`(ALARM(cpu) OR ALARM(disk)) AND FALSE`:                      alarm.OK,
		`NOT NOT OK(disk)`:                                           alarm.Alarm,
		`NOT (OK(disk) OR INSUFFICIENT_DATA(new))`:                   alarm.OK,
		`INSUFFICIENT_DATA ( new )`:                                  alarm.Alarm,
		`ALARM("net (out)")`:                                         alarm.Alarm,
		`ALARM( a b )`:                                               alarm.Alarm,
		`ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:cpu)`: alarm.Alarm,
		"TRUE\n AND\tTRUE":                                           alarm.Alarm,
		`FALSE`:                                                      alarm.OK,
		`false`:                                                      alarm.OK,
	} {
		x, err := alarm.ParseExpression(rule)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		if got := x.Evaluate(func(name string) alarm.State { return states[name] }); got != want {
			t.Errorf("%s is %v, want %v", rule, got, want)
		}
	}
}

func TestExpressionNamesItsAlarmsOnce(t *testing.T) {
	x, err := alarm.ParseExpression(`ALARM(b) AND (OK("a \"q\"") OR ALARM(b))`)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"b", `a "q"`}; !slices.Equal(x.Alarms(), want) {
		t.Errorf("got %q, want %q", x.Alarms(), want)
	}
}

func TestExpressionRefusals(t *testing.T) {
	for _, rule := range []string{
		``, `ALARM`, `ALARM()`, `ALARM(x`, `ALARM("x)`, `ALARM("x"y)`, `ALARM x`, `ALARM(x) ALARM(y)`,
		`AND ALARM(x)`, `ALARM(x) OR`, `(ALARM(x)`, `ALARM(x))`, `NOT`, `cpu`, `BROKEN(x)`, `()`,
		strings.Repeat("(", 501) + "TRUE" + strings.Repeat(")", 501),
		strings.Repeat("(", 9000),
		"TRUE" + strings.Repeat(" OR TRUE", 500),
	} {
		if x, err := alarm.ParseExpression(rule); err == nil {
			t.Errorf("%.40s: accepted with alarms %q", rule, x.Alarms())
		}
	}
}

func TestCyclic(t *testing.T) {
	rules := map[string][]string{"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": nil, "x": {"y"}, "y": {"z"}, "z": {"y"}, "s": {"s"}}
	for name, want := range map[string]bool{"a": false, "b": false, "d": false, "x": false, "y": true, "z": true, "s": true} {
		if got := alarm.Cyclic(name, func(n string) []string { return rules[n] }); got != want {
			t.Errorf("Cyclic(%s) = %v, want %v", name, got, want)
		}
	}
}

func FuzzParseExpression(f *testing.F) {
	f.Add(`ALARM("cpu") AND NOT (OK(deploy) OR INSUFFICIENT_DATA(deploy)) OR TRUE`)
	f.Add(`NOT(ALARM("a\"b"))`)
	f.Add(`((((ALARM`)
	f.Fuzz(func(t *testing.T, rule string) {
		x, err := alarm.ParseExpression(rule)
		if err != nil {
			return
		}
		if len(x.Alarms()) > alarm.MaxChildren || slices.Contains(x.Alarms(), "") {
			t.Errorf("alarms %q", x.Alarms())
		}
		if s := x.Evaluate(func(string) alarm.State { return alarm.OK }); s != alarm.OK && s != alarm.Alarm {
			t.Errorf("state %v", s)
		}
	})
}
