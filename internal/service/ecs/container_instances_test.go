package ecs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"flyball/internal/optional"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// register records a machine of 2 CPUs and 1 GiB in the cluster prod.
func (w *world) register() types.ContainerInstance {
	w.Helper()
	return *must(w.api.RegisterContainerInstance(w.Context(), &ecs.RegisterContainerInstanceInput{
		Cluster:                  aws.String("prod"),
		InstanceIdentityDocument: aws.String(`{"instanceId":"i-1","instanceType":"t3.small","imageId":"ami-1","availabilityZone":"us-east-1b"}`),
		TotalResources: []types.Resource{
			{Name: aws.String("CPU"), Type: aws.String("INTEGER"), IntegerValue: 2048},
			{Name: aws.String("MEMORY"), Type: aws.String("INTEGER"), IntegerValue: 1024},
			{Name: aws.String("PORTS"), Type: aws.String("STRINGSET"), StringSetValue: []string{"22"}},
		},
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
	}))(w).ContainerInstance
}

func (w *world) instance(ref string) types.ContainerInstance {
	w.Helper()
	out := must(w.api.DescribeContainerInstances(w.Context(), &ecs.DescribeContainerInstancesInput{Cluster: aws.String("prod"), ContainerInstances: []string{ref}}))(w)
	if len(out.ContainerInstances) != 1 {
		w.Fatalf("failures %+v", out.Failures)
	}
	return out.ContainerInstances[0]
}

// defineOnHost defines a task of one CPU and 400 MiB that takes port 80 of its
// host.
func (w *world) defineOnHost() {
	w.define(func(in *ecs.RegisterTaskDefinitionInput) {
		in.NetworkMode, in.RequiresCompatibilities, in.Cpu, in.Memory = types.NetworkModeBridge, nil, nil, nil
		c := &in.ContainerDefinitions[0]
		c.Cpu, c.Memory = 1024, aws.Int32(400)
		c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(8080), HostPort: aws.Int32(80)}}
	})
}

func (w *world) startOn(refs ...string) *ecs.StartTaskOutput {
	w.Helper()
	return must(w.api.StartTask(w.Context(), &ecs.StartTaskInput{Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), ContainerInstances: refs, StartedBy: aws.String("me")}))(w)
}

func TestRegisteredInstanceIsReadBack(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		i := w.register()
		arn := *i.ContainerInstanceArn
		if !strings.HasPrefix(arn, "arn:aws:ecs:us-east-1:123456789012:container-instance/prod/") || *i.Ec2InstanceId != "i-1" || *i.Status != "ACTIVE" || !i.AgentConnected || len(i.Tags) != 1 {
			t.Errorf("registered %+v", i)
		}
		var attributes []string
		for _, a := range i.Attributes {
			attributes = append(attributes, *a.Name+"="+aws.ToString(a.Value))
		}
		if want := []string{"ecs.ami-id=ami-1", "ecs.availability-zone=us-east-1b", "ecs.instance-type=t3.small", "ecs.os-type=linux"}; !slices.Equal(attributes, want) {
			t.Errorf("attributes %v", attributes)
		}
		w.crash()
		w.boot()
		if again := w.instance(lastPart(arn)); *again.ContainerInstanceArn != arn || len(again.Tags) != 0 {
			t.Errorf("read back %+v", again)
		}
		d := must(w.api.DescribeClusters(w.Context(), &ecs.DescribeClustersInput{Clusters: []string{"prod"}}))(w)
		if n := d.Clusters[0].RegisteredContainerInstancesCount; n != 1 {
			t.Errorf("%d instances", n)
		}
		if _, err := w.api.DeleteCluster(w.Context(), &ecs.DeleteClusterInput{Cluster: aws.String("prod")}); code(err) != "ClusterContainsContainerInstancesException" {
			t.Errorf("deleted with an instance: %v", err)
		}
		must(w.api.TagResource(w.Context(), &ecs.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("c")}}}))(w)
		if tags := must(w.api.ListTagsForResource(w.Context(), &ecs.ListTagsForResourceInput{ResourceArn: &arn}))(w).Tags; len(tags) != 2 {
			t.Errorf("tags %v", tags)
		}
	})
}

func TestTasksTakeResourcesOfTheirInstance(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.defineOnHost()
		arn := *w.register().ContainerInstanceArn
		out := w.startOn(arn, strings.Repeat("0", 32))
		if len(out.Tasks) != 1 || *out.Tasks[0].ContainerInstanceArn != arn || out.Tasks[0].LaunchType != types.LaunchTypeEc2 || *out.Failures[0].Reason != "MISSING" {
			t.Fatalf("tasks %+v, failures %+v", out.Tasks, out.Failures)
		}
		w.pass(5 * time.Second)
		i := w.instance(arn)
		if r := i.RemainingResources; i.RunningTasksCount != 1 || r[0].IntegerValue != 1024 || r[1].IntegerValue != 624 || !slices.Equal(r[2].StringSetValue, []string{"22", "80"}) {
			t.Errorf("%d running leave %+v", i.RunningTasksCount, r)
		}
		if f := w.startOn(arn).Failures; len(f) != 1 || *f[0].Reason != "RESOURCE:PORTS" {
			t.Errorf("a second task on port 80: %+v", f)
		}
		listed := must(w.api.ListTasks(w.Context(), &ecs.ListTasksInput{Cluster: aws.String("prod"), ContainerInstance: &arn}))(w).TaskArns
		other := must(w.api.ListTasks(w.Context(), &ecs.ListTasksInput{Cluster: aws.String("prod"), ContainerInstance: aws.String("none")}))(w).TaskArns
		if len(listed) != 1 || len(other) != 0 {
			t.Errorf("listed %v, of another %v", listed, other)
		}
		must(w.api.StopTask(w.Context(), &ecs.StopTaskInput{Cluster: aws.String("prod"), Task: out.Tasks[0].TaskArn}))(w)
		w.pass(5 * time.Second)
		if r := w.instance(arn).RemainingResources; r[0].IntegerValue != 2048 || r[1].IntegerValue != 1024 || len(r[2].StringSetValue) != 1 {
			t.Errorf("left after the end %+v", r)
		}
	})
}

func TestInstanceWithTasksIsDeregisteredByForce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.defineOnHost()
		arn := *w.register().ContainerInstanceArn
		w.startOn(arn)
		deregister := func(force bool) (*ecs.DeregisterContainerInstanceOutput, error) {
			return w.api.DeregisterContainerInstance(w.Context(), &ecs.DeregisterContainerInstanceInput{Cluster: aws.String("prod"), ContainerInstance: &arn, Force: &force})
		}
		if _, err := deregister(false); messageOf(err) != "Found running tasks on the instance." {
			t.Errorf("without force: %v", err)
		}
		if i := must(deregister(true))(w).ContainerInstance; *i.Status != "INACTIVE" {
			t.Errorf("it is %s", *i.Status)
		}
		if arns := must(w.api.ListContainerInstances(w.Context(), &ecs.ListContainerInstancesInput{Cluster: aws.String("prod")}))(w).ContainerInstanceArns; len(arns) != 0 {
			t.Errorf("still listed %v", arns)
		}
		if _, err := deregister(true); code(err) != "InvalidParameterException" {
			t.Errorf("again: %v", err)
		}
	})
}

func TestInstancesDrain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		arn := *w.register().ContainerInstanceArn
		w.register()
		update := func(status types.ContainerInstanceStatus) (*ecs.UpdateContainerInstancesStateOutput, error) {
			return w.api.UpdateContainerInstancesState(w.Context(), &ecs.UpdateContainerInstancesStateInput{Cluster: aws.String("prod"), ContainerInstances: []string{arn, "none"}, Status: status})
		}
		out := must(update(types.ContainerInstanceStatusDraining))(w)
		if len(out.ContainerInstances) != 1 || *out.ContainerInstances[0].Status != "DRAINING" || len(out.Failures) != 1 {
			t.Errorf("%+v, failures %+v", out.ContainerInstances, out.Failures)
		}
		if _, err := update(types.ContainerInstanceStatusRegistering); code(err) != "InvalidParameterException" {
			t.Errorf("made REGISTERING: %v", err)
		}
		draining := must(w.api.ListContainerInstances(w.Context(), &ecs.ListContainerInstancesInput{Cluster: aws.String("prod"), Status: types.ContainerInstanceStatusDraining}))(w)
		if !slices.Equal(draining.ContainerInstanceArns, []string{arn}) {
			t.Errorf("draining %v", draining.ContainerInstanceArns)
		}
	})
}

func TestAttributesOfInstances(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		one, two := *w.register().ContainerInstanceArn, *w.register().ContainerInstanceArn
		attribute := func(name, value, target string) types.Attribute {
			return types.Attribute{Name: &name, Value: optional.String(value), TargetId: optional.String(target)}
		}
		put := func(attributes ...types.Attribute) error {
			return second(w.api.PutAttributes(w.Context(), &ecs.PutAttributesInput{Cluster: aws.String("prod"), Attributes: attributes}))
		}
		list := func(name, value string) int {
			in := &ecs.ListAttributesInput{Cluster: aws.String("prod"), TargetType: types.TargetTypeContainerInstance, AttributeName: optional.String(name), AttributeValue: optional.String(value)}
			return len(must(w.api.ListAttributes(w.Context(), in))(w).Attributes)
		}
		if err := put(attribute("env", "prod", one), attribute("env", "test", lastPart(two)), attribute("bare", "", one)); err != nil {
			t.Fatal(err)
		}
		if all, env, prod := list("", ""), list("env", ""), list("env", "prod"); all != 11 || env != 2 || prod != 1 {
			t.Errorf("%d attributes, %d env, %d env=prod", all, env, prod)
		}
		must(w.api.DeleteAttributes(w.Context(), &ecs.DeleteAttributesInput{Cluster: aws.String("prod"), Attributes: []types.Attribute{attribute("env", "", one)}}))(w)
		if env := list("env", ""); env != 1 {
			t.Errorf("%d env after one was deleted", env)
		}

		var many []types.Attribute
		for _, name := range strings.Split("abcdefghij", "") {
			many = append(many, attribute(name, "x", one))
		}
		tests := []struct {
			name string
			err  error
			code string
		}{
			{"no attributes", put(), "InvalidParameterException"},
			{"a name with a blank", put(attribute("a b", "", one)), "InvalidParameterException"},
			{"a value that ends with a blank", put(attribute("a", "b ", one)), "InvalidParameterException"},
			{"no target", put(attribute("a", "b", "")), "InvalidParameterException"},
			{"a target that is not there, after one that is", put(attribute("half", "b", one), attribute("half", "b", "none")), "TargetNotFoundException"},
			{"an eleventh", put(many...), "AttributeLimitExceededException"},
		}
		for _, tt := range tests {
			if code(tt.err) != tt.code {
				t.Errorf("%s: %v", tt.name, tt.err)
			}
		}
		if n := list("half", "") + list("a", ""); n != 0 {
			t.Errorf("refused calls left %d attributes", n)
		}
	})
}
