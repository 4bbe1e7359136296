package function

import (
	"context"
	"slices"
	"strconv"
)

// environ are the variables of a new environment: the user's between those that a
// function may change and those that it may not.
func (h *Host) environ(ctx context.Context, e *environment, runs program) ([]string, error) {
	var more []string
	if h.opts.Environ != nil {
		var err error
		if more, err = h.opts.Environ(ctx, e.fn); err != nil {
			return nil, err
		}
	}
	fn := e.fn
	return slices.Concat(
		[]string{"LANG=en_US.UTF-8", "TZ=:UTC", "HOME=" + e.layout.scratch, "TMPDIR=" + e.layout.scratch},
		runs.env, fn.Env, more,
		[]string{
			"_HANDLER=" + fn.Handler,
			"AWS_EXECUTION_ENV=AWS_Lambda_" + fn.Runtime,
			"AWS_LAMBDA_FUNCTION_NAME=" + fn.Name,
			"AWS_LAMBDA_FUNCTION_VERSION=" + fn.Version,
			"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(fn.Memory),
			"AWS_LAMBDA_INITIALIZATION_TYPE=" + e.kind,
			"AWS_LAMBDA_LOG_GROUP_NAME=" + fn.group(),
			"AWS_LAMBDA_LOG_STREAM_NAME=" + e.log.stream,
			"AWS_LAMBDA_RUNTIME_API=" + e.gate.Addr().String(),
			"AWS_REGION=" + fn.Region,
			"AWS_DEFAULT_REGION=" + fn.Region,
			"LAMBDA_TASK_ROOT=" + e.layout.code,
			"LAMBDA_RUNTIME_DIR=" + e.layout.runtime,
		},
		fn.logging(),
	), nil
}

// logging tells a function how to log that is to log in JSON; others are told nothing.
func (fn Function) logging() []string {
	if !fn.JSONLogs {
		return nil
	}
	return []string{"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=" + fn.LogLevel}
}

// group is the name of the function's log group.
func (fn Function) group() string {
	if fn.Group != "" {
		return fn.Group
	}
	return "/aws/lambda/" + fn.Name
}
