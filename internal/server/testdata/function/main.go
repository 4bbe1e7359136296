// Command function is a function for tests: it does what its event says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// An order is what the function is to do.
type order struct{ Do string }

func do(ctx context.Context, event json.RawMessage) (any, error) {
	var o order
	if err := json.Unmarshal(event, &o); err != nil {
		return nil, err
	}
	fmt.Println("it is to do", o.Do)
	switch o.Do {
	case "fail":
		return nil, errors.New("it fails")
	case "wait":
		time.Sleep(time.Minute) // longer than anybody waits for it
	case "list queues":
		return queues().ListQueues(ctx, &sqs.ListQueuesInput{})
	case "create a queue":
		return queues().CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("mine")})
	}
	return event, nil
}

// queues is SQS as the function's environment says.
func queues() *sqs.Client {
	return sqs.New(sqs.Options{
		Region: os.Getenv("AWS_REGION"), BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL")), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	})
}

func main() { lambda.Start(do) }
