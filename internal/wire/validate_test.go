package wire

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// A validator decodes JSON into an operation's input and validates it.
func validator(t *testing.T) func(operation, body string) string {
	services := map[string]*service{}
	var handlers []*handler
	for _, s := range append(clientServices(), Lambda(always((*lambda.Client)(nil))), EventBridge(always((*eventbridge.Client)(nil))), ECR(always((*ecr.Client)(nil))), Logs(always((*cloudwatchlogs.Client)(nil)))) {
		h, err := NewHandler(Options{}, s)
		if err != nil {
			t.Fatal(err)
		}
		handlers = append(handlers, h.(*handler))
		services[s.name] = h.(*handler).services[0]
	}
	return func(operation, body string) string {
		t.Helper()
		name, op, _ := strings.Cut(operation, ":")
		s := services[name]
		o := s.ops()[op]
		if o == nil {
			t.Fatalf("no operation %s", operation)
		}
		if err := s.prepare(o); err != nil {
			t.Fatal(err)
		}
		in := reflect.New(o.in).Elem()
		if err := handlers[0].decode(handlers[0].services[0], &jsonReader{data: []byte(body)}, o.inPlan, in); err != nil {
			return s.decodeFault(err).message
		}
		return validate(o.inPlan, in).message()
	}
}

func TestViolationsAreToldInTheWordsOfAWS(t *testing.T) {
	message := validator(t)
	const (
		register = "application-autoscaling:RegisterScalableTarget"
		policy   = "application-autoscaling:PutScalingPolicy"
		describe = "application-autoscaling:DescribeScalableTargets"
		schedule = "application-autoscaling:PutScheduledAction"
		metrics  = "monitoring:PutMetricData"
	)
	one := "1 validation error detected: "
	for _, tt := range []struct{ name, operation, body, want string }{
		{"nothing to say", register, `{"ServiceNamespace":"ecs","ResourceId":"service/a/b","ScalableDimension":"ecs:service:DesiredCount","MinCapacity":0}`, ""},
		{"required", register, `{"ServiceNamespace":"ecs","ResourceId":"service/a/b"}`,
			one + "Value null at 'scalableDimension' failed to satisfy constraint: Member must not be null"},
		{"several", register, `{"ResourceId":"","ScalableDimension":"ecs:service:DesiredCount"}`,
			"2 validation errors detected: Value '' at 'resourceId' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
				"Value null at 'serviceNamespace' failed to satisfy constraint: Member must not be null"},
		{"enum", register, `{"ServiceNamespace":"ecs","ResourceId":"a","ScalableDimension":"x"}`, "Value 'x' at 'scalableDimension' failed to satisfy constraint: Member must satisfy enum value set: [ecs:service:DesiredCount, "},
		{"empty enum", register, `{"ServiceNamespace":"","ResourceId":"a","ScalableDimension":"x"}`, one + "Value '' at 'serviceNamespace' failed to satisfy constraint: Member must satisfy enum value set: [ecs, "},
		{"long", register, `{"ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"` + strings.Repeat("é", 1601) + `"}`,
			"at 'resourceId' failed to satisfy constraint: Member must have length less than or equal to 1600"},
		{"length counts characters, not bytes", register, `{"ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"` + strings.Repeat("é", 1600) + `"}`, ""},
		{"pattern", policy, `{"PolicyName":"a\nb","ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"x"}`,
			one + "Value 'a\nb' at 'policyName' failed to satisfy constraint: Member must satisfy regular expression pattern: \\p{Print}+"},
		{"pattern of all characters but controls", register, `{"ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"\u0001"}`,
			`Member must satisfy regular expression pattern: [\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*`},
		{"pattern of all characters takes those past the basic plane", register, `{"ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"\ud83d\ude00"}`, ""},
		{"pattern that looks ahead", schedule, `{"ScheduledActionName":"a/b","ServiceNamespace":"ecs","ResourceId":"x"}`, "at 'scheduledActionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!"},
		{"pattern that looks ahead is satisfied", schedule, `{"ScheduledActionName":"scale up at 9","ServiceNamespace":"ecs","ResourceId":"x","ScalableDimension":"ecs:service:DesiredCount"}`, ""},
		{"nested", policy, `{"PolicyName":"p","ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"x","TargetTrackingScalingPolicyConfiguration":{}}`,
			one + "Value null at 'targetTrackingScalingPolicyConfiguration.targetValue' failed to satisfy constraint: Member must not be null"},
		{"added since the last release of the models", policy, `{"PolicyName":"p","ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"x","PredictiveScalingPolicyConfiguration":{"MetricSpecifications":[{}],"SchedulingBufferTime":4000}}`,
			"2 validation errors detected: Value null at 'predictiveScalingPolicyConfiguration.metricSpecifications.1.member.targetValue' failed to satisfy constraint: Member must not be null; " +
				"Value '4000' at 'predictiveScalingPolicyConfiguration.schedulingBufferTime' failed to satisfy constraint: Member must have value less than or equal to 3600"},
		{"enum value of high-resolution metrics", policy, `{"PolicyName":"p","ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"x","TargetTrackingScalingPolicyConfiguration":{"TargetValue":50,"PredefinedMetricSpecification":{"PredefinedMetricType":"ECSServiceAverageCPUUtilizationHighResolution"}}}`, ""},
		{"enum value of Flyball's own", policy, `{"PolicyName":"p","ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"x","TargetTrackingScalingPolicyConfiguration":{"TargetValue":50,"PredefinedMetricSpecification":{"PredefinedMetricType":"FlyballSQSBacklogPerTask"}}}`, ""},
		{"enum value like one of Flyball's own", policy, `{"PolicyName":"p","ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"x","TargetTrackingScalingPolicyConfiguration":{"TargetValue":50,"PredefinedMetricSpecification":{"PredefinedMetricType":"FlyballBacklogPerTask"}}}`,
			one + "Value 'FlyballBacklogPerTask' at 'targetTrackingScalingPolicyConfiguration.predefinedMetricSpecification.predefinedMetricType' failed to satisfy constraint: Member must satisfy enum value set: [FlyballSQSBacklogPerTask, "},
		{"enum value that the SDK does not list", "ecs:PutAccountSetting", `{"name":"dualStackIPv6","value":"enabled"}`, ""},
		{"enum in a list of them", policy, `{"PolicyName":"p","ServiceNamespace":"ecs","ScalableDimension":"ecs:service:DesiredCount","ResourceId":"x","PolicyType":"Fast"}`,
			one + "Value 'Fast' at 'policyType' failed to satisfy constraint: Member must satisfy enum value set: [PredictiveScaling, StepScaling, TargetTrackingScaling]"},
		{"enum in AWS's own order", "monitoring:SetAlarmState", `{"AlarmName":"a","StateReason":"b","StateValue":"INVALID"}`,
			one + "Value 'INVALID' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]"},
		{"elements of a list are named by number", metrics, `{"Namespace":"A","MetricData":[{"MetricName":"a"},{"MetricName":""},{"Dimensions":[{"Name":"n"}]}]}`,
			"3 validation errors detected: Value '' at 'metricData.2.member.metricName' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
				"Value null at 'metricData.3.member.dimensions.1.member.value' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'metricData.3.member.metricName' failed to satisfy constraint: Member must not be null"},
		{"list of strings", describe, `{"ServiceNamespace":"ecs","ResourceIds":["a","` + strings.Repeat("b", 1601) + `"]}`,
			"' at 'resourceIds' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 1600, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "},
		{"long list", metrics, `{"Namespace":"A","MetricData":[{"MetricName":"a","Dimensions":[` + strings.Repeat(`{"Name":"a","Value":"b"},`, 30) + `{"Name":"a","Value":"b"}]}]}`,
			one + "Value at 'metricData.1.member.dimensions' failed to satisfy constraint: Member must have length less than or equal to 30"},
		{"map values", "application-autoscaling:TagResource", `{"ResourceARN":"arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/a","Tags":{"a":"` + strings.Repeat("v", 257) + `"}}`,
			one + "Value '{a=" + strings.Repeat("v", 257) + "}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 256]"},
		{"map keys", "application-autoscaling:TagResource", `{"ResourceARN":"arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/a","Tags":{"":"b"}}`,
			one + "Value '{=b}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"},
		{"list of structs of which AWS tells the members", "events:PutEvents", `{"Entries":[` + strings.Repeat(`{"Source":"shop","Resources":["a","b"]},`, 10) + `{"Source":"shop","Time":1700000000}]}`,
			"PutEventsRequestEntry(time=null, source=shop, resources=[a, b], detailType=null, detail=null, eventBusName=null, traceHeader=null, kmsKeyIdentifier=null, internalMetadata=null), " +
				"PutEventsRequestEntry(time=2023-11-14T22:13:20Z, source=shop, resources=null, detailType=null, detail=null, eventBusName=null, traceHeader=null, kmsKeyIdentifier=null, internalMetadata=null)]' at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"},
		{"list of structs of which CloudWatch Logs tells the members", "logs:PutMetricFilter", `{"logGroupName":"g","filterName":"f","filterPattern":"","metricTransformations":[` +
			`{"metricName":"a","metricNamespace":"n","metricValue":"1"},{"metricName":"b","metricNamespace":"n","metricValue":"1","defaultValue":0.5}]}`,
			one + "Value '[MetricTransformation(metricName=a, metricNamespace=n, metricValue=1, defaultValue=null, unit=null, dimensions=null), " +
				"MetricTransformation(metricName=b, metricNamespace=n, metricValue=1, defaultValue=0.5, unit=null, dimensions=null)]' " +
				"at 'metricTransformations' failed to satisfy constraint: Member must have length less than or equal to 1"},
		{"map keys that are secret", "lambda:UpdateFunctionConfiguration", `{"Environment":{"Variables":{"_":"b"}}}`,
			"Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"},
		{"map of numbers", "lambda:UpdateAlias", `{"RoutingConfig":{"AdditionalVersionWeights":{"2":2}}}`,
			"Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"},
		{"list of an enum that is never null", "lambda:CreateFunction", `{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{},"Architectures":["X86_64"]}`,
			one + "Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"},
		{"an enum in an order of AWS's own", "ecr:PutImageTagMutability", `{"repositoryName":"web","imageTagMutability":"X"}`,
			one + "Value 'X' at 'imageTagMutability' failed to satisfy constraint: Member must satisfy enum value set: [IMMUTABLE, MUTABLE, MUTABLE_WITH_EXCLUSION, IMMUTABLE_WITH_EXCLUSION]"},
		{"range", "monitoring:DescribeAlarms", `{"MaxRecords":101}`, one + "Value '101' at 'maxRecords' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{"range from below", "monitoring:GetMetricStatistics", `{"Namespace":"A","MetricName":"b","StartTime":0,"EndTime":1,"Period":0}`, one + "Value '0' at 'period' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"null in a list of unions", "ecs:CreateService", `{"serviceName":"a","serviceConnectConfiguration":{"enabled":true,"containerConfigurations":[null]}}`, ""},
		{"ECS spells its members low", "ecs:CreateService", `{"serviceName":"a","launchType":"ROCKET"}`, one + "Value 'ROCKET' at 'launchType' failed to satisfy constraint: Member must satisfy enum value set: [EC2, FARGATE, "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := message(tt.operation, tt.body); got != tt.want && (tt.want == "" || !strings.Contains(got, tt.want)) {
				t.Errorf("message = %q\nwant      %q", got, tt.want)
			}
		})
	}
}

func TestManyViolationsAreCountedButNotAllTold(t *testing.T) {
	got := validator(t)("monitoring:PutMetricData", `{"Namespace":"A","MetricData":[`+strings.Repeat("{},", 999)+`{}]}`)
	if !strings.HasPrefix(got, "1000 validation errors detected: ") || strings.Count(got, "; ") != maxFound-1 {
		t.Errorf("message = %.200s", got)
	}
}

// Every constraint of the models belongs to a member that the SDK still has,
// and every pattern compiles.
func TestModelsFitTheSDK(t *testing.T) {
	inputs := map[string]any{
		"application-autoscaling": (*applicationautoscaling.Client)(nil), "ecs": (*ecs.Client)(nil), "monitoring": (*cloudwatch.Client)(nil),
	}
	for name, client := range inputs {
		m, err := loadModel(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Operations) == 0 || len(m.Shapes) == 0 {
			t.Fatalf("%s: the model is empty", name)
		}
		ops := operations(reflect.TypeOf(client))
		for op, input := range m.Operations {
			for member := range m.Shapes[input].Members {
				if _, ok := ops[op].in.FieldByName(member); !ok {
					t.Errorf("%s.%s has no member %s", name, op, member)
				}
			}
		}
		for _, s := range m.Shapes {
			r := s.rule(reflect.TypeFor[string](), nil)
			if r != nil && r.match != nil {
				r.match("compiles")
			}
		}
	}
}

// Of members that are no pointers in the SDK's type, only the body tells whether they are
// there.
func TestARequiredPlainValueIsMissed(t *testing.T) {
	h, err := NewHandler(Options{}, ECS(always((*ecs.Client)(nil))))
	if err != nil {
		t.Fatal(err)
	}
	s := h.(*handler).services[0]
	op := s.ops()["CreateService"]
	if err := s.prepare(op); err != nil {
		t.Fatal(err)
	}
	const breaker = `{"deploymentConfiguration":{"deploymentCircuitBreaker":`
	for body, want := range map[string]string{
		breaker + `{"enable":false,"rollback":false}}}`: "",
		breaker + `null}}`:                            "",
		breaker + `{"rollback":true}}}`:               "Value null at 'deploymentConfiguration.deploymentCircuitBreaker.enable' failed",
		breaker + `{"enable":null,"rollback":true}}}`: "Value null at 'deploymentConfiguration.deploymentCircuitBreaker.enable' failed",
		breaker + `{"enable":true}}}`:                 "Value null at 'deploymentConfiguration.deploymentCircuitBreaker.rollback' failed",
	} {
		err := h.(*handler).decode(s, &jsonReader{data: []byte(body)}, op.inPlan, reflect.New(op.in).Elem())
		got := ""
		if err != nil {
			got = s.decodeFault(err).message
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
