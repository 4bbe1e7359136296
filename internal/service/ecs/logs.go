package ecs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwltypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/awslogs"
	runtime "flyball/internal/task"
)

// logDestination is where a container's log goes with the driver awslogs. Logs of other
// drivers stay with the runtime. It is called under the state's lock.
func (a *API) logDestination(t *task, c types.ContainerDefinition) (to awslogs.Destination, ok bool, err error) {
	if a.cfg.Logs == nil || !usesAwslogs(c) {
		return to, false, nil
	}
	mode := a.effectiveSetting(a.rootARN(), types.SettingNameDefaultLogDriverMode)
	to, err = awslogs.ParseOptions(c.LogConfiguration.Options, mode, *c.Name, t.id, t.runtimeID(*c.Name))
	return to, true, err
}

// openLogs makes the log streams of a task's containers. Its error is the stopped reason
// of a task whose logs would go nowhere.
func (a *API) openLogs(ctx context.Context, t *task) error {
	for _, c := range t.definition.api.ContainerDefinitions {
		var to awslogs.Destination
		var ok bool
		var err error
		a.cell.State.View(ctx, func() { to, ok, err = a.logDestination(t, c) })
		if ok && err == nil {
			err = a.cfg.Logs.Open(ctx, to, t.executionRole())
		}
		if err != nil {
			return t.noLogs(err)
		}
	}
	return nil
}

// noLogs is the stopped reason of a task whose log driver cannot be started.
func (t *task) noLogs(err error) error {
	remedy := ""
	if _, none := errors.AsType[*cwltypes.ResourceNotFoundException](err); none {
		remedy = " Create the log group, or set the option awslogs-create-group to true."
	}
	if t.api.LaunchType == types.LaunchTypeFargate {
		if remedy != "" {
			remedy = "." + remedy
		}
		return fmt.Errorf("ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: %w : exit status 1%s", err, remedy)
	}
	return fmt.Errorf("CannotStartContainerError: Error response from daemon: failed to initialize logging driver: %w%s", err, remedy)
}

// followLogs has what the containers of a task write put into their log streams. It is
// called under the state's lock.
func (a *API) followLogs(t *task, handle runtime.Task) {
	for _, c := range t.definition.api.ContainerDefinitions {
		if to, ok, err := a.logDestination(t, c); ok && err == nil {
			a.cfg.Logs.Follow(handle, *c.Name, to, t.executionRole())
		}
	}
}

// finishLogs waits until all that a task has written is put, before it is removed.
func (a *API) finishLogs(ctx context.Context, t *task) {
	if a.cfg.Logs != nil && slices.ContainsFunc(t.definition.api.ContainerDefinitions, usesAwslogs) {
		a.cfg.Logs.Finish(ctx, t.id)
	}
}

// usesAwslogs is whether the log driver of a container is awslogs.
func usesAwslogs(c types.ContainerDefinition) bool {
	return c.LogConfiguration != nil && c.LogConfiguration.LogDriver == types.LogDriverAwslogs
}

// closeLogs puts what tasks have written so far. Nothing is put afterwards.
func (a *API) closeLogs() {
	if a.cfg.Logs == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), logGrace)
	defer cancel()
	a.cfg.Logs.Close(ctx)
}

// executionRole is the role that the task's logs are put with, or "".
func (t *task) executionRole() string {
	if o := t.api.Overrides; o != nil && o.ExecutionRoleArn != nil {
		return *o.ExecutionRoleArn
	}
	return aws.ToString(t.definition.api.ExecutionRoleArn)
}
