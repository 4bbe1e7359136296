package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"flyball/internal/client"
)

// A caller changes things that nobody else changes, by one call after the other,
// so that it knows what the server must show: all that was acknowledged, and of
// the call that the kill cut off all or nothing.
type caller struct {
	home    *region
	known   facts
	cutOff  *change
	calls   int // that were acknowledged
	refused []string
}

// do makes a call. It reports whether further calls can be made: after one that
// was cut off nobody knows what is there.
func (c *caller) do(ctx context.Context, todo change, call func(context.Context) error) bool {
	todo.began = time.Now()
	c.cutOff = &todo
	err := call(ctx)
	switch status := answered(err); {
	case err == nil, status == http.StatusOK: // what is broken then is the answer's way to us
		c.known.apply(todo.set)
		c.calls++
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError:
		c.refused = append(c.refused, todo.call+": "+err.Error())
	default: // what failed inside may have been done in part
		return false
	}
	c.cutOff = nil
	return true
}

// answered is the status of a call's answer, 0 if there was none.
func answered(err error) int {
	var res *smithyhttp.ResponseError
	if !errors.As(err, &res) {
		return 0
	}
	return res.HTTPStatusCode()
}

// before is the error of a look before the call: its answer says nothing of the
// call's.
func before(err error) error { return fmt.Errorf("before the call: %v", err) }

// logRefusals tells of calls that the server must not have refused.
func (c *caller) logRefusals() {
	for _, text := range c.refused {
		log.Printf("refused: %s", oneLine(text))
	}
}

// onceConfig is what clients of services have that internal/client has none of. They try
// each call once, and send as its clients do: with net/http alone, a client of the SDK may end
// its connection while a fast answer still comes.
func onceConfig(addr string) aws.Config {
	like := client.New(client.Config{Endpoint: "http://" + addr, Region: "us-east-1"}).ECS.Options()
	return aws.Config{
		Region: like.Region, BaseEndpoint: like.BaseEndpoint, Credentials: like.Credentials, HTTPClient: like.HTTPClient,
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// newOnce is a client that tries each call once: a call that is tried again may
// have happened before.
func newOnce(url, region string) *client.Client {
	c := client.New(client.Config{Endpoint: url, Region: region})
	once := aws.NopRetryer{}
	c.AutoScaling = applicationautoscaling.New(c.AutoScaling.Options(), func(o *applicationautoscaling.Options) { o.Retryer = once })
	c.CloudWatch = cloudwatch.New(c.CloudWatch.Options(), func(o *cloudwatch.Options) { o.Retryer = once })
	c.ECS = ecs.New(c.ECS.Options(), func(o *ecs.Options) { o.Retryer = once })
	c.LoadBalancing = elb.New(c.LoadBalancing.Options(), func(o *elb.Options) { o.Retryer = once })
	c.Logs = cloudwatchlogs.New(c.Logs.Options(), func(o *cloudwatchlogs.Options) { o.Retryer = once })
	return c
}
