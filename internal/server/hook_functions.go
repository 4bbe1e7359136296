package server

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"

	"flyball/internal/deliver"
)

// hookFunctions are the functions that hooks of deployments ask.
type hookFunctions struct {
	server *Server
	of     *services
}

// Ask implements ecs.Functions. A role that does not exist may, as long as any access key
// is let in.
func (h hookFunctions) Ask(ctx context.Context, serviceARN, role, function string, payload []byte) ([]byte, error) {
	in := &sdk.InvokeInput{FunctionName: &function, Payload: payload}
	asked := deliver.Invocation{Principal: "ecs.amazonaws.com", Source: serviceARN, Role: role}
	if err := h.server.mayInvoke(ctx, h.of, asked, "lambda", "Invoke", in); err != nil {
		return nil, err
	}
	out, err := h.of.lambda.Invoke(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("invoke the function %s: %w", function, err)
	}
	if kind := aws.ToString(out.FunctionError); kind != "" {
		return nil, fmt.Errorf("the function %s has failed (%s): %.500s", function, kind, out.Payload)
	}
	return out.Payload, nil
}
