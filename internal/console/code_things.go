package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/awscommand"
	"flyball/internal/hcl"
	"flyball/internal/policydoc"
)

// fetchDocuments are those of all that is scaled; none where nothing is.
func fetchDocuments(v *visit) (policydoc.Documents, error) {
	all, err := policydoc.Fetch(v.r.Context(), v.Client.AutoScaling, v.Client.CloudWatch)
	if errors.Is(err, policydoc.ErrNothing) {
		return policydoc.Documents{}, nil
	}
	return all, err
}

// wholeAlarm is an alarm with all that documents leave out.
func wholeAlarm(all []cwtypes.MetricAlarm, name string) cwtypes.MetricAlarm {
	i := slices.IndexFunc(all, func(a cwtypes.MetricAlarm) bool { return aws.ToString(a.AlarmName) == name })
	if i < 0 {
		return cwtypes.MetricAlarm{}
	}
	return all[i]
}

// writeAlarms writes the alarms that the page lists, but those that target tracking makes for itself.
func writeAlarms(v *visit) (all code, err error) {
	query, own := strings.ToLower(strings.TrimSpace(v.r.FormValue("q"))), 0
	pages := cloudwatch.NewDescribeAlarmsPaginator(v.Client.CloudWatch, &cloudwatch.DescribeAlarmsInput{
		MaxRecords: aws.Int32(100), AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm, cwtypes.AlarmTypeCompositeAlarm},
	})
	shown := func(name *string) bool {
		return strings.Contains(strings.ToLower(aws.ToString(name)), query) && len(all.plan) < mostWritten
	}
	for pages.HasMorePages() {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return all, err
		}
		for _, a := range page.MetricAlarms {
			switch {
			case !shown(a.AlarmName):
			case strings.HasPrefix(aws.ToString(a.AlarmName), "TargetTracking-"):
				own++
			default:
				all.alarm(a)
			}
		}
		for _, a := range page.CompositeAlarms {
			if shown(a.AlarmName) {
				all.composite(a)
			}
		}
	}
	if own > 0 && len(all.plan) > 0 {
		all.note(fmt.Sprintf("%d alarms are left out: target tracking policies make them.", own))
	}
	return all, nil
}

// note adds something to know.
func (c *code) note(text string) { c.plan = append(c.plan, planned{Note: text}) }

// Notes are all that is to be known.
func (c code) Notes() (notes []string) {
	for _, p := range c.plan {
		if p.Note != "" {
			notes = append(notes, p.Note)
		}
	}
	return notes
}

// alarm writes an alarm.
func (c *code) alarm(a cwtypes.MetricAlarm) {
	name := aws.ToString(a.AlarmName)
	in := alarmInput(a)
	in.AlarmDescription, in.ActionsEnabled, in.AlarmActions, in.OKActions, in.InsufficientDataActions = a.AlarmDescription, a.ActionsEnabled, a.AlarmActions, a.OKActions, a.InsufficientDataActions
	in.Unit, in.EvaluateLowSampleCountPercentile, in.ThresholdMetricId = a.Unit, a.EvaluateLowSampleCountPercentile, a.ThresholdMetricId
	if aws.ToBool(in.ActionsEnabled) {
		in.ActionsEnabled = nil // as usual
	}
	fields := hcl.Fields{
		{"alarm_name", name}, {"alarm_description", a.AlarmDescription}, {"namespace", a.Namespace}, {"metric_name", a.MetricName}, {"statistic", text(a.Statistic)},
		{"extended_statistic", a.ExtendedStatistic}, {"period", a.Period}, {"evaluation_periods", a.EvaluationPeriods}, {"datapoints_to_alarm", a.DatapointsToAlarm},
		{"comparison_operator", string(a.ComparisonOperator)}, {"treat_missing_data", a.TreatMissingData}, {"unit", text(a.Unit)}, {"threshold_metric_id", a.ThresholdMetricId},
		{"evaluate_low_sample_count_percentiles", a.EvaluateLowSampleCountPercentile},
	}
	if a.Threshold != nil {
		fields = append(fields, hcl.Field{"threshold", *a.Threshold})
	}
	if in.ActionsEnabled != nil {
		fields = append(fields, hcl.Field{"actions_enabled", false})
	}
	for attribute, actions := range map[string][]string{"alarm_actions": a.AlarmActions, "ok_actions": a.OKActions, "insufficient_data_actions": a.InsufficientDataActions} {
		fields = append(fields, listField(attribute, actions))
	}
	slices.SortStableFunc(fields, func(a, b hcl.Field) int { return strings.Compare(a.Name, b.Name) })
	if len(a.Dimensions) > 0 {
		of := map[string]any{}
		for _, d := range a.Dimensions {
			of[aws.ToString(d.Name)] = aws.ToString(d.Value)
		}
		fields = append(fields, hcl.Field{"dimensions", hcl.Expression(of)})
	}
	for _, q := range a.Metrics {
		fields = append(fields, hcl.Field{"metric_query", metricQuery(q)})
	}
	c.add(awscommand.Format("cloudwatch", "put-metric-alarm", in), "aws_cloudwatch_metric_alarm", name, name, fields, "")
}

// metricQuery is a query of an alarm as Terraform has it.
func metricQuery(q cwtypes.MetricDataQuery) map[string]any {
	members, _ := hcl.Given(q).(map[string]any)
	s := q.MetricStat
	if s == nil {
		return members
	}
	delete(members, "MetricStat")
	metric := map[string]any{"MetricName": aws.ToString(s.Metric.MetricName), "Namespace": aws.ToString(s.Metric.Namespace), "Period": float64(aws.ToInt32(s.Period)), "Stat": aws.ToString(s.Stat)}
	if s.Unit != "" {
		metric["Unit"] = string(s.Unit)
	}
	of := map[string]any{}
	for _, d := range s.Metric.Dimensions {
		of[aws.ToString(d.Name)] = aws.ToString(d.Value)
	}
	if len(of) > 0 {
		metric["Dimensions"] = hcl.Expression(of)
	}
	members["Metric"] = metric
	return members
}

// listField is an attribute of texts; nothing where there are none.
func listField(name string, texts []string) hcl.Field {
	if len(texts) == 0 {
		return hcl.Field{}
	}
	return hcl.Field{name, hcl.Expression(hcl.Given(texts))}
}

// composite writes a composite alarm.
func (c *code) composite(a cwtypes.CompositeAlarm) {
	name := aws.ToString(a.AlarmName)
	in := &cloudwatch.PutCompositeAlarmInput{
		AlarmName: a.AlarmName, AlarmRule: a.AlarmRule, AlarmDescription: a.AlarmDescription, AlarmActions: a.AlarmActions, OKActions: a.OKActions, InsufficientDataActions: a.InsufficientDataActions,
	}
	c.add(awscommand.Format("cloudwatch", "put-composite-alarm", in), "aws_cloudwatch_composite_alarm", name, name, hcl.Fields{
		{"alarm_name", name}, {"alarm_rule", aws.ToString(a.AlarmRule)}, {"alarm_description", a.AlarmDescription}, listField("alarm_actions", a.AlarmActions),
		listField("ok_actions", a.OKActions), listField("insufficient_data_actions", a.InsufficientDataActions),
	}, "")
}

// writeQueues writes the queues that the page lists.
func writeQueues(v *visit) (all code, err error) {
	pages := sqs.NewListQueuesPaginator(v.Client.SQS, &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
	var urls []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return all, err
		}
		urls = append(urls, page.QueueUrls...)
	}
	slices.Sort(urls)
	for _, url := range urls[:min(len(urls), mostWritten)] {
		if err := all.queue(v.r.Context(), v, url); err != nil {
			return all, err
		}
	}
	return all, nil
}

// writeQueue writes the queue that an address names.
func writeQueue(v *visit) (all code, err error) {
	name := v.r.PathValue("name")
	out, err := v.Client.SQS.GetQueueUrl(v.r.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if errors.As(err, new(*sqstypes.QueueDoesNotExist)) {
		return all, &missing{"There is no queue " + name + " in region " + v.Region + "."}
	}
	if err != nil {
		return all, err
	}
	return all, all.queue(v.r.Context(), v, aws.ToString(out.QueueUrl))
}

// queueFields are the attributes of a queue in Terraform, beside its name, by those of the API with
// what they usually are.
var queueFields = []struct{ attribute, usual, field string }{
	{"FifoQueue", "false", "fifo_queue"}, {"ContentBasedDeduplication", "false", "content_based_deduplication"}, {"DelaySeconds", "0", "delay_seconds"},
	{"MaximumMessageSize", "", "max_message_size"}, {"MessageRetentionPeriod", "345600", "message_retention_seconds"}, {"ReceiveMessageWaitTimeSeconds", "0", "receive_wait_time_seconds"},
	{"VisibilityTimeout", "30", "visibility_timeout_seconds"}, {"KmsMasterKeyId", "", "kms_master_key_id"}, {"KmsDataKeyReusePeriodSeconds", "300", "kms_data_key_reuse_period_seconds"},
	{"DeduplicationScope", "", "deduplication_scope"}, {"FifoThroughputLimit", "", "fifo_throughput_limit"}, {"SqsManagedSseEnabled", "", "sqs_managed_sse_enabled"},
	{"RedrivePolicy", "", "redrive_policy"}, {"RedriveAllowPolicy", "", "redrive_allow_policy"}, {"Policy", "", "policy"},
}

// providerMessage is the largest message that version 5 of the provider takes, in bytes; SQS takes more.
const providerMessage = 262144

// queue writes a queue.
func (c *code) queue(ctx context.Context, v *visit, url string) error {
	out, err := v.Client.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
	if err != nil {
		return err
	}
	tags, err := v.Client.SQS.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
	if err != nil {
		return err
	}
	name := lastPart(url)
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	if len(tags.Tags) > 0 {
		in.Tags = tags.Tags
	}
	fields := hcl.Fields{{"name", name}}
	for _, f := range queueFields {
		value := out.Attributes[f.attribute]
		if value == "" || value == f.usual {
			continue
		}
		in.Attributes[f.attribute] = value
		if n, err := strconv.Atoi(value); f.attribute == "MaximumMessageSize" && err == nil && n > providerMessage {
			fields = append(fields, hcl.Field{"lifecycle", map[string]any{"IgnoreChanges": hcl.Raw("[max_message_size]")}})
			continue
		}
		var written any = value
		switch {
		case strings.HasPrefix(value, "{"):
			written = jsonHCL(value)
		case value == "true" || value == "false":
			written = value == "true"
		default:
			if n, err := strconv.Atoi(value); err == nil {
				written = n
			}
		}
		fields = append(fields, hcl.Field{f.field, written})
	}
	if len(in.Attributes) == 0 {
		in.Attributes = nil
	}
	fields = append(fields, mapField("tags", tags.Tags))
	c.add(awscommand.Format("sqs", "create-queue", in), "aws_sqs_queue", name, url, fields, "")
	return nil
}

// mapField is an attribute of members; nothing where there are none.
func mapField(name string, of map[string]string) hcl.Field {
	if len(of) == 0 {
		return hcl.Field{}
	}
	all := map[string]any{}
	for key, value := range of {
		all[key] = value
	}
	return hcl.Field{name, hcl.Expression(all)}
}

// writeFunctions writes the functions that the page lists.
func writeFunctions(v *visit) (all code, err error) {
	pages := lambda.NewListFunctionsPaginator(v.Client.Lambda, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() && len(all.plan) < mostWritten {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return all, err
		}
		for _, f := range page.Functions {
			if err := all.function(v, aws.ToString(f.FunctionName)); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// writeFunction writes the function that an address names.
func writeFunction(v *visit) (all code, err error) {
	return all, all.function(v, v.r.PathValue("name"))
}

// function writes a function with its event source mappings.
func (c *code) function(v *visit, name string) error {
	out, err := v.Client.Lambda.GetFunction(v.r.Context(), &lambda.GetFunctionInput{FunctionName: &name})
	if errors.As(err, new(*lambdatypes.ResourceNotFoundException)) {
		return &missing{"There is no function " + name + " in region " + v.Region + "."}
	}
	if err != nil {
		return err
	}
	f := out.Configuration
	in := &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: f.Runtime, Handler: f.Handler, Role: f.Role, MemorySize: f.MemorySize, Timeout: f.Timeout, Description: optionalText(aws.ToString(f.Description)), DeadLetterConfig: f.DeadLetterConfig,
	}
	fields := hcl.Fields{
		{"function_name", name}, {"runtime", text(f.Runtime)}, {"handler", f.Handler}, {"role", aws.ToString(f.Role)}, {"memory_size", f.MemorySize}, {"timeout", f.Timeout}, {"description", f.Description},
		{"filename", name + ".zip"},
	}
	if len(out.Tags) > 0 {
		in.Tags = out.Tags
	}
	if out.Concurrency != nil {
		fields = append(fields, hcl.Field{"reserved_concurrent_executions", out.Concurrency.ReservedConcurrentExecutions})
	}
	fields = append(fields, mapField("tags", out.Tags))
	if f.Environment != nil && len(f.Environment.Variables) > 0 {
		in.Environment = &lambdatypes.Environment{Variables: f.Environment.Variables}
		fields = append(fields, hcl.Field{"environment", map[string]any{"Variables": mapField("", f.Environment.Variables).Value}})
	}
	if f.DeadLetterConfig != nil {
		fields = append(fields, hcl.Field{"dead_letter_config", hcl.Given(f.DeadLetterConfig)})
	}
	fields = append(fields, hcl.Field{"lifecycle", map[string]any{"IgnoreChanges": hcl.Raw("[filename]")}})
	command := awscommand.Format("lambda", "create-function", in) + " --zip-file fileb://" + name + ".zip"
	if out.Concurrency != nil {
		command += "\n" + awscommand.Format("lambda", "put-function-concurrency", &lambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: out.Concurrency.ReservedConcurrentExecutions})
	}
	c.add(command, "aws_lambda_function", name, name, fields, "# The code is what is in "+name+".zip, and not taken from here.\n")
	mappings, err := readMappings(v, &lambda.ListEventSourceMappingsInput{FunctionName: &name})
	if err != nil {
		return err
	}
	for _, m := range mappings {
		c.mapping(name, m)
	}
	return nil
}

// mapping writes an event source mapping.
func (c *code) mapping(function string, m lambdatypes.EventSourceMappingConfiguration) {
	enabled := !strings.HasPrefix(aws.ToString(m.State), "Disabl")
	from := aws.ToString(m.EventSourceArn)
	name := function + "-" + from[strings.LastIndexByte(from, ':')+1:]
	in := &lambda.CreateEventSourceMappingInput{FunctionName: &function, EventSourceArn: m.EventSourceArn, BatchSize: m.BatchSize, MaximumBatchingWindowInSeconds: m.MaximumBatchingWindowInSeconds, FilterCriteria: m.FilterCriteria, ScalingConfig: m.ScalingConfig, FunctionResponseTypes: m.FunctionResponseTypes}
	if !enabled {
		in.Enabled = &enabled
	}
	if m.FilterCriteria != nil && len(m.FilterCriteria.Filters) == 0 {
		in.FilterCriteria = nil
	}
	fields := hcl.Fields{{"function_name", hcl.Raw("aws_lambda_function." + label(function) + ".arn")}, {"event_source_arn", m.EventSourceArn}, {"batch_size", m.BatchSize}, {"enabled", enabled}}
	if n := m.MaximumBatchingWindowInSeconds; n != nil && *n > 0 {
		fields = append(fields, hcl.Field{"maximum_batching_window_in_seconds", n})
	}
	if len(m.FunctionResponseTypes) > 0 {
		fields = append(fields, hcl.Field{"function_response_types", hcl.Expression(hcl.Given(m.FunctionResponseTypes))})
	}
	if s := m.ScalingConfig; s != nil && s.MaximumConcurrency != nil {
		fields = append(fields, hcl.Field{"scaling_config", map[string]any{"MaximumConcurrency": float64(*s.MaximumConcurrency)}})
	}
	if in.FilterCriteria != nil {
		var filters []any
		for _, f := range in.FilterCriteria.Filters {
			filters = append(filters, map[string]any{"Pattern": aws.ToString(f.Pattern)})
		}
		fields = append(fields, hcl.Field{"filter_criteria", map[string]any{"Filter": filters}})
	}
	c.add(awscommand.Format("lambda", "create-event-source-mapping", in), "aws_lambda_event_source_mapping", name, aws.ToString(m.UUID), fields, "")
}

// writeRepositories writes the repositories that the page lists.
func writeRepositories(v *visit) (all code, err error) {
	found, err := listRepositories(v.r.Context(), v.Client)
	for _, r := range found[:min(len(found), mostWritten)] {
		name := aws.ToString(r.RepositoryName)
		in := &ecr.CreateRepositoryInput{RepositoryName: &name}
		fields := hcl.Fields{{"name", name}}
		if r.ImageTagMutability != types.ImageTagMutabilityMutable {
			in.ImageTagMutability = r.ImageTagMutability
			fields = append(fields, hcl.Field{"image_tag_mutability", string(r.ImageTagMutability)})
		}
		all.add(awscommand.Format("ecr", "create-repository", in), "aws_ecr_repository", name, name, fields, "")
	}
	return all, err
}

// tagged are tags in the order of their keys, as calls take them.
func tagged[T any](all map[string]string, make func(key, value string) T) (tags []T) {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		tags = append(tags, make(key, all[key]))
	}
	return tags
}
