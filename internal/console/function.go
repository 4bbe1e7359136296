package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/awscommand"
	"flyball/internal/client"
	"flyball/internal/shellenv"
)

// functionCharts are the metrics of a function.
var functionCharts = []itemChart{
	{"invocations", "Invocations a minute", "", []itemLine{
		{"invocations", "load", "Invocations", "Sum", true, 1}, {"errors", "bad", "Errors", "Sum", true, 1}, {"throttles", "threshold", "Throttles", "Sum", true, 1},
	}},
	{"duration", "Duration", "ms", []itemLine{
		{"p50", "metric", "Duration", "p50", false, 1}, {"p95", "load", "Duration", "p95", false, 1}, {"at most", "bad", "Duration", "Maximum", false, 1},
	}},
	{"concurrency", "Concurrent executions", "", []itemLine{{"at most", "metric", "ConcurrentExecutions", "Maximum", true, 1}}},
	{"async", "Events that were dropped", "a minute", []itemLine{{"dropped", "bad", "AsyncEventsDropped", "Sum", false, 1}}},
}

func (c *console) functionCharts(v *visit) error {
	return itemCharts(v, "AWS/Lambda", dimensions("FunctionName", v.r.PathValue("name")), functionCharts)
}

// functionItem reads one function.
func (c *console) functionItem(v *visit) (*itemPage, error) {
	name, api, l := v.r.PathValue("name"), v.Client.Lambda, linksOf(v)
	ctx := v.r.Context()
	out, err := api.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
	if errors.As(err, new(*types.ResourceNotFoundException)) {
		return nil, &missing{"There is no function " + name + " in region " + v.Region + "."}
	}
	if err != nil {
		return nil, err
	}
	f := out.Configuration
	p := &itemPage{Name: name, Section: "functions", List: "Functions", State: string(f.State), Well: f.State == types.StateActive, Links: []cell{{Text: "As code", Link: l.To("functions", name, "code")}}}
	reserved := "from those of the account"
	if out.Concurrency != nil {
		reserved = fmt.Sprintf("%d reserved", aws.ToInt32(out.Concurrency.ReservedConcurrentExecutions))
	}
	p.Figures = []figure{
		{"Memory", fmt.Sprint(aws.ToInt32(f.MemorySize)), "MB"}, {"Timeout", fmt.Sprint(aws.ToInt32(f.Timeout)), "s"},
	}
	p.tell(said("ARN", aws.ToString(f.FunctionArn)), said("Description", aws.ToString(f.Description)), said("Why", aws.ToString(f.StateReason), aws.ToString(f.LastUpdateStatusReason)),
		said("Runtime", string(cmp.Or(f.Runtime, types.Runtime(f.PackageType)))), said("Handler", aws.ToString(f.Handler)), said("Role", aws.ToString(f.Role)),
		said("Changed", aws.ToString(f.LastModified)), said("Concurrency", reserved))
	if out.Code != nil {
		p.tell(said("Image", aws.ToString(out.Code.ImageUri)))
	}
	if f.Environment != nil {
		p.tell(said("Environment", environmentTexts(f.Environment.Variables)...))
	}
	if f.DeadLetterConfig != nil {
		p.tell(destination(l, "Dead-letter queue", f.DeadLetterConfig.TargetArn))
	}
	if err := p.asynchronous(v, name); err != nil {
		return nil, err
	}
	p.tell(said("Tags", mapText(out.Tags)))
	mappings, err := mappingTable(v, &lambda.ListEventSourceMappingsInput{FunctionName: &name})
	if err != nil {
		return nil, err
	}
	mappings.Empty = "It polls nothing."
	p.add("mappings", mappings)
	aliases, err := p.aliases(v, name)
	if err != nil {
		return nil, err
	}
	versions, err := versionsOf(v, name)
	if err != nil {
		return nil, err
	}
	arns := []string{aws.ToString(f.FunctionArn)}
	for _, qualifier := range append(versions, aliases...) {
		arns = append(arns, arns[0]+":"+qualifier)
	}
	if err := p.addCallers(v, callee{arns: arns}); err != nil {
		return nil, err
	}
	permissions, err := permissionTable(v, name, aliases)
	if err != nil {
		return nil, err
	}
	p.add("permissions", permissions)
	of := dimensions("FunctionName", name)
	policies, err := c.policyTable(v, of)
	if err != nil {
		return nil, err
	}
	p.add("policies", policies)
	alarms, err := alarmTable(v, of)
	if err != nil {
		return nil, err
	}
	p.add("alarms", alarms)
	group := "/aws/lambda/" + name
	if f.LoggingConfig != nil {
		group = cmp.Or(aws.ToString(f.LoggingConfig.LogGroup), group)
	}
	p.Logs, p.Log = group, newestLog(ctx, v.Client, group)
	p.Forms, err = functionForms(v, name, f, out.Concurrency)
	return p, err
}

// environmentTexts are the variables of a function, by their names.
func environmentTexts(all map[string]string) (texts []string) {
	for name, value := range all {
		texts = append(texts, name+"="+value)
	}
	slices.Sort(texts)
	return texts
}

// destination is a fact of where something is sent.
func destination(l links, name string, arn *string) fact {
	at := aws.ToString(arn)
	if at == "" {
		return fact{}
	}
	one := cell{Text: at}
	switch end := at[strings.LastIndexByte(at, ':')+1:]; {
	case strings.Contains(at, ":sqs:"):
		one = cell{Text: end, Link: l.To("queues", end), Note: at}
	case strings.Contains(at, ":function:"):
		one = cell{Text: functionName(at), Link: l.To("functions", functionName(at)), Note: at}
	}
	return fact{name, []cell{one}}
}

// asynchronous tells what becomes of events that nobody waits for.
func (p *itemPage) asynchronous(v *visit, name string) error {
	out, err := v.Client.Lambda.GetFunctionEventInvokeConfig(v.r.Context(), &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &name})
	if errors.As(err, new(*types.ResourceNotFoundException)) {
		return nil // as usual
	}
	if err != nil {
		return err
	}
	if d := out.DestinationConfig; d != nil {
		if d.OnFailure != nil {
			p.tell(destination(linksOf(v), "After failures", d.OnFailure.Destination))
		}
		if d.OnSuccess != nil {
			p.tell(destination(linksOf(v), "After success", d.OnSuccess.Destination))
		}
	}
	if out.MaximumRetryAttempts != nil {
		p.tell(said("Retries of events", fmt.Sprint(*out.MaximumRetryAttempts)))
	}
	return nil
}

// versionsOf are the versions of a function, as many as are looked at.
func versionsOf(v *visit, name string) (versions []string, err error) {
	pages := lambda.NewListVersionsByFunctionPaginator(v.Client.Lambda, &lambda.ListVersionsByFunctionInput{FunctionName: &name})
	for pages.HasMorePages() && len(versions) < mostLookedAt {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return nil, err
		}
		for _, one := range page.Versions {
			versions = append(versions, aws.ToString(one.Version))
		}
	}
	return versions, nil
}

// aliases lists the aliases with their provisioned concurrency, and returns their names.
func (p *itemPage) aliases(v *visit, name string) (names []string, err error) {
	out, err := v.Client.Lambda.ListAliases(v.r.Context(), &lambda.ListAliasesInput{FunctionName: &name, MaxItems: aws.Int32(mostShown)})
	if err != nil {
		return nil, err
	}
	provisioned, err := v.Client.Lambda.ListProvisionedConcurrencyConfigs(v.r.Context(), &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: &name})
	if err != nil {
		return nil, err
	}
	t := table{Title: "Aliases and provisioned concurrency", Columns: []column{{Name: "Qualifier"}, {Name: "Version"}, {"Provisioned", true}, {"Ready", true}, {Name: "State"}}}
	listed := map[string]bool{}
	row := func(qualifier, version string) {
		r := []cell{{Text: qualifier}, {Text: version}, {Text: "–"}, {Text: "–"}, {}}
		for _, c := range provisioned.ProvisionedConcurrencyConfigs {
			if strings.HasSuffix(aws.ToString(c.FunctionArn), ":"+qualifier) {
				r[2].Text, r[3].Text = fmt.Sprint(aws.ToInt32(c.RequestedProvisionedConcurrentExecutions)), fmt.Sprint(aws.ToInt32(c.AvailableProvisionedConcurrentExecutions))
				r[4].Text, r[4].Note = string(c.Status), aws.ToString(c.StatusReason)
			}
		}
		t.Rows, listed[qualifier] = append(t.Rows, r), true
	}
	for _, a := range out.Aliases {
		names = append(names, aws.ToString(a.Name))
		row(aws.ToString(a.Name), aws.ToString(a.FunctionVersion))
	}
	for _, c := range provisioned.ProvisionedConcurrencyConfigs {
		arn := aws.ToString(c.FunctionArn)
		if version := arn[strings.LastIndexByte(arn, ':')+1:]; !listed[version] {
			row(version, version)
		}
	}
	p.add("aliases", t)
	return names, nil
}

// logStreams and logLines are how much of a function's log its page shows.
const (
	logStreams = 3
	logLines   = 60
)

// newestLog are the newest lines of a log group; none where it may not be read, or is not there yet.
func newestLog(ctx context.Context, c *client.Client, group string) (lines []client.LogLine) {
	streams, err := c.Logs.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{
		LogGroupName: &group, OrderBy: logtypes.OrderByLastEventTime, Descending: aws.Bool(true), Limit: aws.Int32(logStreams),
	})
	if err != nil {
		return nil
	}
	for _, s := range streams.LogStreams {
		out, err := c.Logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: s.LogStreamName, Limit: aws.Int32(logLines)})
		if err != nil {
			continue
		}
		for _, e := range out.Events {
			lines = append(lines, client.LogLine{At: time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), Text: strings.TrimRight(aws.ToString(e.Message), "\n")})
		}
	}
	slices.SortStableFunc(lines, func(a, b client.LogLine) int { return a.At.Compare(b.At) })
	return lines[max(0, len(lines)-logLines):]
}

// functionForms are what can be done to a function.
func functionForms(v *visit, name string, f *types.FunctionConfiguration, reserved *types.Concurrency) ([]form, error) {
	c := v.Client.Lambda
	forms := []form{invokeForm(c, name), {
		ID: "configuration", Do: "configuration", Title: "Memory and timeout",
		Fields: []field{{Name: "memory", Label: "Memory, MB", Value: fmt.Sprint(aws.ToInt32(f.MemorySize))}, {Name: "timeout", Label: "Timeout, s", Value: fmt.Sprint(aws.ToInt32(f.Timeout))}, {Name: "description", Label: "Description", Value: aws.ToString(f.Description), Words: true, Optional: true}},
		make: func(typed values) (call, error) {
			memory, err := whole(typed("memory"))
			timeout, otherErr := whole(typed("timeout"))
			in := &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, MemorySize: memory, Timeout: timeout}
			if text := typed("description"); text != aws.ToString(f.Description) {
				in.Description = &text
			}
			return call{command: awscommand.Format("lambda", "update-function-configuration", in), send: func(ctx context.Context) error {
				_, err := c.UpdateFunctionConfiguration(ctx, in)
				return err
			}}, cmp.Or(err, otherErr)
		},
	}, reservedForm(c, name, reserved), {
		ID: "provisioned", Do: "provisioned", Title: "Provisioned concurrency",
		Fields: []field{{Name: "qualifier", Label: "Alias or version", Words: true, Says: []string{"alias", "version"}}, {Name: "environments", Label: "Environments", Says: []string{"provisionedconcurrentexecutions"}}},
		make: func(typed values) (call, error) {
			n, err := whole(typed("environments"))
			in := &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: aws.String(typed("qualifier")), ProvisionedConcurrentExecutions: n}
			return call{command: awscommand.Format("lambda", "put-provisioned-concurrency-config", in), send: func(ctx context.Context) error {
				_, err := c.PutProvisionedConcurrencyConfig(ctx, in)
				return err
			}}, err
		},
	}}
	mappings, err := readMappings(v, &lambda.ListEventSourceMappingsInput{FunctionName: &name})
	if err != nil {
		return nil, err
	}
	for _, m := range mappings {
		forms = append(forms, mappingForm(c, m))
	}
	return append(forms, sure(name, form{
		ID: "delete", Do: "delete", Title: "Delete the function", Verb: "Delete", Deletes: true,
		make: func(values) (call, error) {
			in := &lambda.DeleteFunctionInput{FunctionName: &name}
			return call{command: awscommand.Format("lambda", "delete-function", in), send: func(ctx context.Context) error {
				_, err := c.DeleteFunction(ctx, in)
				return err
			}}, nil
		},
	})), nil
}

// mostAnswered bounds how much of an answer a page shows, in bytes.
const mostAnswered = 16 << 10

// invokeForm invokes a function and shows its answer.
func invokeForm(c *lambda.Client, name string) form {
	return form{
		ID: "invoke", Do: "invoke", Title: "Invoke", Verb: "Invoke", Fields: []field{{Name: "payload", Label: "Event, in JSON", Value: "{}", Long: true}},
		make: func(typed values) (call, error) {
			in := &lambda.InvokeInput{FunctionName: &name, Payload: []byte(typed("payload"))}
			answer := ""
			return call{
				// Of a payload that is typed, version 2 of the CLI wants base64, and version 1 does not.
				command: "printf %s " + shellenv.Word(typed("payload")) + " | aws lambda invoke --function-name " + shellenv.Word(name) + " --payload fileb:///dev/stdin answer.json",
				answer:  func() string { return answer },
				send: func(ctx context.Context) error {
					out, err := c.Invoke(ctx, in)
					if err != nil {
						return err
					}
					answer = string(out.Payload[:min(len(out.Payload), mostAnswered)])
					if out.FunctionError != nil {
						answer = "The function failed (" + *out.FunctionError + "):\n" + answer
					}
					return nil
				},
			}, nil
		},
	}
}

// reservedForm sets or ends the concurrency that is a function's own.
func reservedForm(c *lambda.Client, name string, now *types.Concurrency) form {
	f := form{ID: "reserved", Do: "reserved", Title: "Reserved concurrency", Fields: []field{{Name: "reserved", Label: "Invocations at a time; empty: none are reserved", Optional: true}}}
	if now != nil {
		f.Fields[0].Value = digits(now.ReservedConcurrentExecutions)
	}
	f.make = func(typed values) (call, error) {
		if typed("reserved") == "" {
			in := &lambda.DeleteFunctionConcurrencyInput{FunctionName: &name}
			return call{command: awscommand.Format("lambda", "delete-function-concurrency", in), send: func(ctx context.Context) error {
				_, err := c.DeleteFunctionConcurrency(ctx, in)
				return err
			}}, nil
		}
		n, err := whole(typed("reserved"))
		in := &lambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: n}
		return call{command: awscommand.Format("lambda", "put-function-concurrency", in), send: func(ctx context.Context) error {
			_, err := c.PutFunctionConcurrency(ctx, in)
			return err
		}}, err
	}
	return f
}

// mappingForm changes one event source mapping.
func mappingForm(c *lambda.Client, m types.EventSourceMappingConfiguration) form {
	from := aws.ToString(m.EventSourceArn)
	on := !strings.HasPrefix(aws.ToString(m.State), "Disabl")
	return form{
		ID: "mapping-" + aws.ToString(m.UUID), Do: "mapping " + aws.ToString(m.UUID), Title: "Events from " + from[strings.LastIndexByte(from, ':')+1:],
		Fields: []field{{Name: "batch", Label: "Batch size", Value: fmt.Sprint(aws.ToInt32(m.BatchSize))}, {Name: "enabled", Label: "Enabled", Check: true, On: on}},
		make: func(typed values) (call, error) {
			n, err := whole(typed("batch"))
			in := &lambda.UpdateEventSourceMappingInput{UUID: m.UUID, BatchSize: n, Enabled: aws.Bool(typed("enabled") != "")}
			return call{command: awscommand.Format("lambda", "update-event-source-mapping", in), send: func(ctx context.Context) error {
				_, err := c.UpdateEventSourceMapping(ctx, in)
				return err
			}}, err
		},
	}
}
