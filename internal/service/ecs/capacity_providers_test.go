package ecs

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// provide creates a capacity provider for an Auto Scaling group of its name.
func (w *world) provide(name string, changes ...func(*ecs.CreateCapacityProviderInput)) *types.CapacityProvider {
	w.Helper()
	in := &ecs.CreateCapacityProviderInput{
		Name:                     &name,
		AutoScalingGroupProvider: &types.AutoScalingGroupProvider{AutoScalingGroupArn: aws.String("arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/" + name)},
	}
	for _, change := range changes {
		change(in)
	}
	return must(w.api.CreateCapacityProvider(w.Context(), in))(w).CapacityProvider
}

func (w *world) providers(names ...string) *ecs.DescribeCapacityProvidersOutput {
	w.Helper()
	return must(w.api.DescribeCapacityProviders(w.Context(), &ecs.DescribeCapacityProvidersInput{
		CapacityProviders: names, Include: []types.CapacityProviderField{types.CapacityProviderFieldTags},
	}))(w)
}

func TestCapacityProviderHasAWSDefaults(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.provide("spare")
		g, m := p.AutoScalingGroupProvider, p.AutoScalingGroupProvider.ManagedScaling
		if *p.CapacityProviderArn != "arn:aws:ecs:us-east-1:123456789012:capacity-provider/spare" || p.Status != types.CapacityProviderStatusActive {
			t.Errorf("%s is %s", *p.CapacityProviderArn, p.Status)
		}
		if g.ManagedDraining != types.ManagedDrainingEnabled || g.ManagedTerminationProtection != types.ManagedTerminationProtectionDisabled {
			t.Errorf("draining %s, termination protection %s", g.ManagedDraining, g.ManagedTerminationProtection)
		}
		if m.Status != types.ManagedScalingStatusDisabled || *m.TargetCapacity != 100 || *m.MinimumScalingStepSize != 1 || *m.MaximumScalingStepSize != 10000 || *m.InstanceWarmupPeriod != 300 {
			t.Errorf("managed scaling %s %d %d %d %d", m.Status, *m.TargetCapacity, *m.MinimumScalingStepSize, *m.MaximumScalingStepSize, *m.InstanceWarmupPeriod)
		}
	})
}

func TestCapacityProviderUpdateKeepsWhatItLeavesOut(t *testing.T) {
	inWorld(t, func(w *world) {
		w.provide("spare", func(in *ecs.CreateCapacityProviderInput) {
			in.AutoScalingGroupProvider.ManagedScaling = &types.ManagedScaling{Status: types.ManagedScalingStatusEnabled, TargetCapacity: aws.Int32(80)}
		})
		update := func(m *types.ManagedScaling) (*ecs.UpdateCapacityProviderOutput, error) {
			return w.api.UpdateCapacityProvider(w.Context(), &ecs.UpdateCapacityProviderInput{
				Name: aws.String("spare"), AutoScalingGroupProvider: &types.AutoScalingGroupProviderUpdate{ManagedScaling: m},
			})
		}
		must(update(&types.ManagedScaling{InstanceWarmupPeriod: aws.Int32(0)}))(w)
		if _, err := update(&types.ManagedScaling{TargetCapacity: aws.Int32(60), MinimumScalingStepSize: aws.Int32(5), MaximumScalingStepSize: aws.Int32(2)}); code(err) != "InvalidParameterException" {
			t.Errorf("steps from 5 to 2: %v", err)
		}
		w.crash()
		w.boot()
		g := w.providers("spare").CapacityProviders[0].AutoScalingGroupProvider
		if m := g.ManagedScaling; m.Status != types.ManagedScalingStatusEnabled || *m.TargetCapacity != 80 || *m.InstanceWarmupPeriod != 0 || g.AutoScalingGroupArn == nil {
			t.Errorf("managed scaling %s to %d after %d s", m.Status, *m.TargetCapacity, *m.InstanceWarmupPeriod)
		}
	})
}

func TestCapacityProvidersAreListedAndFound(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.provide("spare", func(in *ecs.CreateCapacityProviderInput) {
			in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}
		})
		names := func(out *ecs.DescribeCapacityProvidersOutput) (names []string) {
			for _, p := range out.CapacityProviders {
				names = append(names, *p.Name)
			}
			return names
		}
		if got := names(w.providers()); !slices.Equal(got, []string{"FARGATE", "FARGATE_SPOT", "spare"}) {
			t.Errorf("all are %v", got)
		}
		first := must(w.api.DescribeCapacityProviders(w.Context(), &ecs.DescribeCapacityProvidersInput{MaxResults: aws.Int32(2)}))(w)
		rest := must(w.api.DescribeCapacityProviders(w.Context(), &ecs.DescribeCapacityProvidersInput{NextToken: first.NextToken}))(w)
		if got := names(rest); !slices.Equal(got, []string{"spare"}) || rest.NextToken != nil {
			t.Errorf("the second page is %v", got)
		}
		out := w.providers(*p.CapacityProviderArn, "none")
		if got := names(out); !slices.Equal(got, []string{"spare"}) || len(out.CapacityProviders[0].Tags) != 1 || *out.Failures[0].Reason != "MISSING" {
			t.Errorf("found %v, failures %v", got, out.Failures)
		}
		must(w.api.TagResource(w.Context(), &ecs.TagResourceInput{ResourceArn: p.CapacityProviderArn, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("c")}}}))(w)
		if tags := must(w.api.ListTagsForResource(w.Context(), &ecs.ListTagsForResourceInput{ResourceArn: p.CapacityProviderArn}))(w).Tags; len(tags) != 2 {
			t.Errorf("tags %v", tags)
		}
	})
}

func TestTasksOfAnAutoScalingGroupsProviderAreEC2Tasks(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define()
		w.provide("spare")
		attach := func(providers ...string) error {
			var strategy []types.CapacityProviderStrategyItem
			for _, p := range providers {
				strategy = append(strategy, types.CapacityProviderStrategyItem{CapacityProvider: &p, Weight: 1})
			}
			_, err := w.api.PutClusterCapacityProviders(w.Context(), &ecs.PutClusterCapacityProvidersInput{
				Cluster: aws.String("prod"), CapacityProviders: providers, DefaultCapacityProviderStrategy: strategy,
			})
			return err
		}
		if err := attach("spare", "FARGATE"); code(err) != "InvalidParameterException" {
			t.Errorf("a mixed strategy: %v", err)
		}
		if err := attach("none"); code(err) != "InvalidParameterException" {
			t.Errorf("a provider that is not there: %v", err)
		}
		if err := attach("spare"); err != nil {
			t.Fatal(err)
		}
		task := must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), NetworkConfiguration: subnets}))(w).Tasks[0]
		if task.LaunchType != types.LaunchTypeEc2 || aws.ToString(task.CapacityProviderName) != "spare" || task.PlatformVersion != nil {
			t.Errorf("%s task by %s", task.LaunchType, aws.ToString(task.CapacityProviderName))
		}
		w.pass(5 * time.Second)
	})
}

func TestCapacityProviderErrors(t *testing.T) {
	inWorld(t, func(w *world) {
		w.provide("spare")
		create := func(name, group string) error {
			in := &ecs.CreateCapacityProviderInput{Name: &name, AutoScalingGroupProvider: &types.AutoScalingGroupProvider{AutoScalingGroupArn: &group}}
			return second(w.api.CreateCapacityProvider(w.Context(), in))
		}
		remove := func(name string) error {
			return second(w.api.DeleteCapacityProvider(w.Context(), &ecs.DeleteCapacityProviderInput{CapacityProvider: &name}))
		}
		tests := []struct {
			name string
			err  error
			code string
		}{
			{"a name that is taken", create("spare", "arn:other"), "ClientException"},
			{"a group that is taken", create("other", "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/spare"), "ClientException"},
			{"a name that is reserved", create("fargate-mine", "arn:other"), "InvalidParameterException"},
			{"a name with a blank", create("a b", "arn:other"), "InvalidParameterException"},
			{"no group", create("other", ""), "InvalidParameterException"},
			{"an update of FARGATE", second(w.api.UpdateCapacityProvider(w.Context(), &ecs.UpdateCapacityProviderInput{
				Name: aws.String("FARGATE"), AutoScalingGroupProvider: &types.AutoScalingGroupProviderUpdate{},
			})), "InvalidParameterException"},
			{"a deletion of FARGATE", remove("FARGATE"), "InvalidParameterException"},
			{"a deletion of none", remove("none"), "InvalidParameterException"},
		}
		for _, tt := range tests {
			if code(tt.err) != tt.code {
				t.Errorf("%s: %v", tt.name, tt.err)
			}
		}
	})
}

func TestCapacityProviderOfAClusterIsNotDeleted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.provide("spare")
		must(w.api.PutClusterCapacityProviders(w.Context(), &ecs.PutClusterCapacityProvidersInput{
			Cluster: aws.String("prod"), CapacityProviders: []string{"spare"}, DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{},
		}))(w)
		remove := func() *types.CapacityProvider {
			return must(w.api.DeleteCapacityProvider(w.Context(), &ecs.DeleteCapacityProviderInput{CapacityProvider: aws.String("spare")}))(w).CapacityProvider
		}
		if p := remove(); p.Status != types.CapacityProviderStatusActive || p.UpdateStatus != types.CapacityProviderUpdateStatusDeleteFailed || p.UpdateStatusReason == nil {
			t.Errorf("%s, %s", p.Status, p.UpdateStatus)
		}
		must(w.api.DeleteCluster(w.Context(), &ecs.DeleteClusterInput{Cluster: aws.String("prod")}))(w)
		if p := remove(); p.Status != types.CapacityProviderStatusInactive || p.UpdateStatus != types.CapacityProviderUpdateStatusDeleteComplete {
			t.Errorf("%s, %s", p.Status, p.UpdateStatus)
		}
		if out := w.providers("spare"); len(out.Failures) != 1 {
			t.Errorf("still there: %+v", out.CapacityProviders)
		}
	})
}

func TestTasksOfAServiceAreSpreadOverItsProviders(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define()
		strategy := []types.CapacityProviderStrategyItem{
			{CapacityProvider: aws.String("FARGATE"), Base: 1, Weight: 1},
			{CapacityProvider: aws.String("FARGATE_SPOT"), Weight: 4},
		}
		must(w.api.PutClusterCapacityProviders(w.Context(), &ecs.PutClusterCapacityProvidersInput{
			Cluster: aws.String("prod"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, DefaultCapacityProviderStrategy: strategy,
		}))(w)
		must(w.api.CreateService(w.Context(), webService(3, func(in *ecs.CreateServiceInput) { in.LaunchType = "" })))(w)
		w.pass(5 * time.Second)
		w.scale(6)
		w.pass(5 * time.Second)
		counts := map[string]int{}
		for _, task := range w.tasks(types.DesiredStatusRunning) {
			counts[aws.ToString(task.CapacityProviderName)]++
		}
		if counts["FARGATE"] != 2 || counts["FARGATE_SPOT"] != 4 {
			t.Errorf("tasks by provider: %v", counts)
		}
	})
}
