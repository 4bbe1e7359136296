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

		`AT_LEAST(2, ALARM, (cpu, disk, "net (out)"))`:                                             alarm.Alarm,
		`AT_LEAST(3, ALARM, (cpu, disk, "net (out)"))`:                                             alarm.OK,
		`AT_LEAST(50%, ALARM, (cpu, disk, new))`:                                                   alarm.OK, // 2 of 3 are needed
		`AT_LEAST(33%, ALARM, (cpu, disk, new))`:                                                   alarm.Alarm,
		`AT_LEAST( 100% , NOT OK , ( cpu , a b ) )`:                                                alarm.Alarm,
		`AT_LEAST(1, NOT ALARM, (cpu, a b))`:                                                       alarm.OK,
		`NOT AT_LEAST(1,INSUFFICIENT_DATA,(new)) OR (FALSE AND OK(disk))`:                          alarm.OK,
		`AT_LEAST(1, ALARM, (arn:aws:cloudwatch:us-east-1:123456789012:alarm:cpu, disk)) AND TRUE`: alarm.Alarm,
		`ALARM(a,b) OR ALARM(cpu)`:                                                                 alarm.Alarm, // a comma belongs to the one name
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
		`AT_LEAST`, `AT_LEAST(1, ALARM, x)`, `AT_LEAST(1, ALARM, ())`, `AT_LEAST(1, ALARM, (x)`, `AT_LEAST(1 ALARM (x))`, `AT_LEAST(1, ALARM, (x,))`,
		`AT_LEAST(0, ALARM, (x))`, `AT_LEAST(2, ALARM, (x))`, `AT_LEAST(0%, ALARM, (x))`, `AT_LEAST(101%, ALARM, (x))`, `AT_LEAST(1.5, ALARM, (x))`,
		`AT_LEAST(1, BROKEN, (x))`, `AT_LEAST(1, NOT NOT OK, (x))`, `AT_LEAST(1, ALARM, (OK(x)))`, `AT_LEAST(1, ALARM, ("x"y))`,
		"AT_LEAST(1, ALARM, (x" + strings.Repeat(",x", 500) + "))",
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
	f.Add(`AT_LEAST(50%, NOT OK, ("a", b c)) AND AT_LEAST(1,ALARM,(x))`)
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
