package permission

import (
	"context"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flyball/internal/service/autoscaling"
	"flyball/internal/service/cloudwatch"
	localec2 "flyball/internal/service/ec2"
	localecr "flyball/internal/service/ecr"
	localecs "flyball/internal/service/ecs"
	localelb "flyball/internal/service/elb"
	localevents "flyball/internal/service/events"
	localiam "flyball/internal/service/iam"
	locallambda "flyball/internal/service/lambda"
	locallogs "flyball/internal/service/logs"
	localscheduler "flyball/internal/service/scheduler"
	localsqs "flyball/internal/service/sqs"
	localsts "flyball/internal/service/sts"
)

// inputs are the types of the inputs of the operations that each service serves.
func inputs() map[string]map[string]reflect.Type {
	all := map[string]map[string]reflect.Type{}
	for name, api := range map[string]any{
		"application-autoscaling": &autoscaling.API{}, "monitoring": &cloudwatch.API{}, "ec2": &localec2.API{}, "ecr": &localecr.API{}, "ecs": &localecs.API{},
		"elasticloadbalancing": &localelb.API{}, "events": &localevents.API{},
		"iam": &localiam.API{}, "lambda": &locallambda.API{}, "logs": &locallogs.API{}, "scheduler": &localscheduler.API{}, "sqs": &localsqs.API{}, "sts": &localsts.API{},
	} {
		all[name] = map[string]reflect.Type{}
		t := reflect.TypeOf(api)
		for i := range t.NumMethod() {
			m := t.Method(i)
			if m.Type.IsVariadic() && m.Type.NumIn() == 4 && m.Type.In(1) == reflect.TypeFor[context.Context]() &&
				m.Type.In(2).Elem().Name() == m.Name+"Input" {
				all[name][m.Name] = m.Type.In(2).Elem()
			}
		}
	}
	return all
}

func TestTheTablesHaveEveryOperationThatIsServedAndNoOther(t *testing.T) {
	for name, served := range inputs() {
		want := slices.Sorted(maps.Keys(served))
		if got := slices.Sorted(maps.Keys(services[name].operations)); !slices.Equal(got, want) {
			t.Errorf("%s: the table has %v, want %v", name, got, want)
		}
	}
}

func TestWhatTheTablesNameIsInTheInputs(t *testing.T) {
	member := regexp.MustCompile(`{(\w+)[^}]*}`)
	for name, served := range inputs() {
		for op, templates := range services[name].operations {
			for _, m := range member.FindAllStringSubmatch(templates, -1) {
				if _, ok := served[op].FieldByName(m[1]); !ok {
					t.Errorf("%s: the input of %s has no %s", name, op, m[1])
				}
			}
		}
		for op, passes := range services[name].passes {
			for _, p := range passes {
				first, _, _ := strings.Cut(p.member, ".")
				if m := member.FindStringSubmatch(p.member); m != nil {
					first = m[1]
				}
				if _, ok := served[op].FieldByName(first); !ok {
					t.Errorf("%s: the input of %s has no %s", name, op, p.member)
				}
			}
		}
		for _, k := range services[name].keys {
			first, _, _ := strings.Cut(k.member, ".")
			if !slices.ContainsFunc(slices.Collect(maps.Values(served)), func(t reflect.Type) bool { _, ok := t.FieldByName(first); return ok }) {
				t.Errorf("%s: no input has %s", name, k.member)
			}
		}
	}
}
