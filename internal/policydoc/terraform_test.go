package policydoc_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/policydoc"
)

// A plan of before the first apply: two services by for_each, each in a module that has a module
// for its scaling, whose resources are counted. The cluster's ARN is unknown, and goes through a
// local value. The state after the apply tells the same.
func TestModulesInModules(t *testing.T) {
	for _, name := range []string{"modules-plan.json", "modules-state.json"} {
		d := read(t, name)
		if ids := d.Resources(); !slices.Equal(ids, []string{"service/shop-prod/web", "service/shop-prod/worker"}) {
			t.Fatalf("%s: resources %v", name, ids)
		}
		web, worker := d.Of("service/shop-prod/web"), d.Of("service/shop-prod/worker")
		if len(web.Policies) != 3 || len(web.Actions) != 2 || len(worker.Policies) != 3 || len(worker.Actions) != 0 {
			t.Errorf("%s: web has %d policies and %d scheduled actions, worker %d and %d", name, len(web.Policies), len(web.Actions), len(worker.Policies), len(worker.Actions))
		}
		if s := web.Services; len(s) != 1 || s[0].CPU != 512 || s[0].Memory != 1024 || s[0].Desired != 2 {
			t.Errorf("%s: web is %+v", name, s)
		}
		if s := worker.Targets; len(s) != 1 || aws.ToInt32(s[0].MinCapacity) != 0 || aws.ToInt32(s[0].MaxCapacity) != 10 {
			t.Errorf("%s: worker's target is %+v", name, s)
		}
		for _, p := range worker.Policies {
			calls := slices.IndexFunc(d.Alarms, func(a types.MetricAlarm) bool { return slices.Contains(a.AlarmActions, *p.PolicyARN) })
			if p.StepScalingPolicyConfiguration == nil {
				continue
			}
			if calls < 0 || !strings.HasPrefix(*d.Alarms[calls].AlarmName, map[string]string{"worker-out": "worker-queue-high", "worker-in": "worker-queue-low"}[*p.PolicyName]) {
				t.Errorf("%s: policy %s is called by alarm %d", name, *p.PolicyName, calls)
			}
		}
	}
}

// plan is a plan with a scalable target of an unknown resource beside some services.
func plan(services ...string) string {
	text := `{"format_version":"1.2","planned_values":{"root_module":{"child_modules":[`
	for i, address := range services {
		module := address[:strings.LastIndex(address, "aws_")-1]
		name := address[strings.LastIndex(address, ".")+1:]
		if i > 0 {
			text += ","
		}
		text += `{"address":` + quoted(module) + `,"resources":[{"address":` + quoted(address) + `,"mode":"managed","type":"aws_ecs_service","values":{"name":"` + name + `"}}]}`
	}
	return text + `,{"address":"module.a.module.s","resources":[{"address":"module.a[\"x.[y\"].module.s.aws_appautoscaling_target.t","mode":"managed","type":"aws_appautoscaling_target","values":{"min_capacity":1,"max_capacity":4}}]}]}}}`
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

// A target whose resource is unknown, and leads nowhere, is of the one service of its module, or of
// the module around it.
func TestATargetIsOfTheServiceOfItsModule(t *testing.T) {
	for name, c := range map[string]struct {
		services []string
		want     string
	}{
		"in the same module":       {[]string{`module.a["x.[y"].module.s.aws_ecs_service.near`, `module.b.aws_ecs_service.far`}, "service/default/near"},
		"in the module around it":  {[]string{`module.a["x.[y"].aws_ecs_service.near`, `module.a["z"].aws_ecs_service.far`}, "service/default/near"},
		"two in the module around": {[]string{`module.a["x.[y"].aws_ecs_service.one`, `module.a["x.[y"].aws_ecs_service.two`}, ""},
		"in another instance":      {[]string{`module.a["z"].aws_ecs_service.far`}, ""},
	} {
		d, err := policydoc.Read(strings.NewReader(plan(c.services...)))
		if c.want == "" {
			if err == nil || !strings.Contains(err.Error(), "after the apply, terraform show -json tells it") {
				t.Errorf("%s: %v, %v", name, d.Resources(), err)
			}
			continue
		}
		if err != nil || !slices.Equal(d.Resources(), []string{c.want}) {
			t.Errorf("%s: %v, %v", name, d.Resources(), err)
		}
	}
}
