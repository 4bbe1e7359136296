package ecs

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestClientTokenMakesRunTaskIdempotent(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define()
		run := func(count int32) (*ecs.RunTaskOutput, error) {
			return w.api.RunTask(w.Context(), &ecs.RunTaskInput{
				Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate,
				NetworkConfiguration: subnets, Count: &count, ClientToken: aws.String("once"),
			})
		}
		first := must(run(1))(w)
		again := must(run(1))(w)
		if len(again.Tasks) != 1 || *again.Tasks[0].TaskArn != *first.Tasks[0].TaskArn {
			t.Errorf("again: %+v", again.Tasks)
		}
		w.crash()
		w.boot()
		_, err := run(2)
		conflict, ok := errors.AsType[*types.ConflictException](err)
		if !ok || len(conflict.ResourceIds) != 1 || conflict.ResourceIds[0] != *first.Tasks[0].TaskArn {
			t.Errorf("the token with another request: %v", err)
		}
		listed := 0
		for _, status := range []types.DesiredStatus{types.DesiredStatusRunning, types.DesiredStatusStopped} {
			listed += len(must(w.api.ListTasks(w.Context(), &ecs.ListTasksInput{Cluster: aws.String("prod"), DesiredStatus: status}))(w).TaskArns)
		}
		if listed != 1 {
			t.Errorf("%d tasks", listed)
		}
	})
}

func TestExecuteCommandSaysWhyItFails(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define()
		task := func(exec bool) *string {
			return must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{
				Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate,
				NetworkConfiguration: subnets, EnableExecuteCommand: exec,
			}))(w).Tasks[0].TaskArn
		}
		plain, enabled := task(false), task(true)
		tests := []struct {
			name string
			in   ecs.ExecuteCommandInput
			code string
		}{
			{"not interactive", ecs.ExecuteCommandInput{Task: enabled}, "InvalidParameterException"},
			{"a task that is not there", ecs.ExecuteCommandInput{Task: aws.String("none"), Interactive: true}, "InvalidParameterException"},
			{"a container that is not there", ecs.ExecuteCommandInput{Task: enabled, Container: aws.String("none"), Interactive: true}, "InvalidParameterException"},
			{"not enabled", ecs.ExecuteCommandInput{Task: plain, Interactive: true}, "InvalidParameterException"},
			{"enabled, but no agent runs", ecs.ExecuteCommandInput{Task: enabled, Interactive: true}, "TargetNotConnectedException"},
		}
		for _, tt := range tests {
			tt.in.Cluster, tt.in.Command = aws.String("prod"), aws.String("ls")
			if _, err := w.api.ExecuteCommand(w.Context(), &tt.in); code(err) != tt.code {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
	})
}
