package server

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestAFunctionTakesMessagesIfItsRoleMay(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	admin := callerWith(s.URL(), testRegion, adminKey)
	config := configOf(s.URL(), testRegion, adminKey)
	l, queues := lambda.NewFromConfig(config), sqs.NewFromConfig(config)
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:sqs:" + testRegion + ":" + testAccount + ":orders"
	createRole(t, admin, runsName, trusting("lambda.amazonaws.com", ""), document("Allow", "sqs:ReceiveMessage", arn, ""))
	createFunction(t, l)
	in := &lambda.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: &arn}
	_, err = l.CreateEventSourceMapping(t.Context(), in)
	refused(t, err, "InvalidParameterValueException", http.StatusBadRequest, "The function execution role does not have permissions to call DeleteMessage on SQS")
	allows := document("Allow", "sqs:*", arn, "")
	_, err = admin.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String(runsName), PolicyName: aws.String("own"), PolicyDocument: &allows})
	if err == nil {
		_, err = l.CreateEventSourceMapping(t.Context(), in)
	}
	if err == nil {
		_, err = queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("one")})
	}
	if err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "an empty queue", func() bool {
		out, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
		return err == nil && out.Attributes["ApproximateNumberOfMessages"] == "0" && out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
	})
}

// The whole way: an invocation uses what is provisioned, the metric of that is above its
// target, the alarm calls, and more environments are started.
func TestProvisionedConcurrencyFollowsItsUtilization(t *testing.T) {
	s := open(t, "", at(60))
	defer running(t, s)()
	config := configOf(s.URL(), testRegion, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	l, scaling := lambda.NewFromConfig(config), applicationautoscaling.NewFromConfig(config)
	createFunction(t, l, func(in *lambda.CreateFunctionInput) { in.Publish = true })
	_, err := l.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	id, dimension := aws.String("function:f:live"), astypes.ScalableDimensionLambdaFunctionProvisionedConcurrency
	if err == nil {
		_, err = scaling.RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: astypes.ServiceNamespaceLambda, ResourceId: id, ScalableDimension: dimension, MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(2),
		})
	}
	if err == nil {
		_, err = scaling.PutScalingPolicy(t.Context(), &applicationautoscaling.PutScalingPolicyInput{
			ServiceNamespace: astypes.ServiceNamespaceLambda, ResourceId: id, ScalableDimension: dimension, PolicyName: aws.String("utilization"),
			PolicyType: astypes.PolicyTypeTargetTrackingScaling,
			TargetTrackingScalingPolicyConfiguration: &astypes.TargetTrackingScalingPolicyConfiguration{
				TargetValue: aws.Float64(0.7),
				PredefinedMetricSpecification: &astypes.PredefinedMetricSpecification{
					PredefinedMetricType: astypes.MetricTypeLambdaProvisionedConcurrencyUtilization,
				},
			},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	ready := func(n int32) bool {
		out, err := l.GetProvisionedConcurrencyConfig(t.Context(), &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
		return err == nil && out.Status == types.ProvisionedConcurrencyStatusEnumReady && *out.AvailableProvisionedConcurrentExecutions == n
	}
	awaitTrue(t, "the least concurrency", func() bool { return ready(1) })
	awaitTrue(t, "more concurrency", func() bool {
		_, err := l.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), Qualifier: aws.String("live"), Payload: []byte(`{}`)})
		return err == nil && ready(2)
	})
	awaitTrue(t, "an activity", func() bool {
		out, err := scaling.DescribeScalingActivities(t.Context(), &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: astypes.ServiceNamespaceLambda})
		return err == nil && len(out.ScalingActivities) == 2 && *out.ScalingActivities[0].Description == "Setting desired concurrency to 2." &&
			aws.ToString(out.ScalingActivities[0].StatusMessage) == "Successfully set desired concurrency to 2. Change successfully fulfilled by lambda."
	})
}

// A message that a function had when the server ended comes again.
func TestMessagesOutliveTheServer(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	stop := running(t, s)
	config := configOf(s.URL(), testRegion, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	l, queues := lambda.NewFromConfig(config), sqs.NewFromConfig(config)
	createFunction(t, l, func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(1) })
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"VisibilityTimeout": "2"}})
	if err == nil {
		_, err = l.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0)})
	}
	if err == nil {
		_, err = l.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{
			FunctionName: aws.String("f"), EventSourceArn: aws.String("arn:aws:sqs:" + testRegion + ":" + testAccount + ":q"),
		})
	}
	if err == nil {
		_, err = queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("one")})
	}
	if err != nil {
		t.Fatal(err)
	}
	waiting := func() string {
		out, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
		if err != nil {
			return err.Error()
		}
		return out.Attributes["ApproximateNumberOfMessages"] + " " + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
	}
	awaitTrue(t, "a message in flight", func() bool { return waiting() == "0 1" })
	stop()
	s = open(t, folder)
	defer running(t, s)()
	config = configOf(s.URL(), testRegion, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	l, queues = lambda.NewFromConfig(config), sqs.NewFromConfig(config)
	queue.QueueUrl = aws.String(s.URL() + "/" + testAccount + "/q")
	if got := waiting(); got == "0 0" {
		t.Fatal("the message is lost")
	}
	if _, err := l.DeleteFunctionConcurrency(t.Context(), &lambda.DeleteFunctionConcurrencyInput{FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "an empty queue", func() bool { return waiting() == "0 0" })
}
