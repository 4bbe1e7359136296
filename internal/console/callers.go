package console

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/smithy-go"
)

// mostLookedAt is among how many event buses and schedules the callers of one thing are looked for.
const mostLookedAt = 1000

// addCallers adds what sends events to one thing, by its ARNs: rules of EventBridge and schedules of
// EventBridge Scheduler. What the visitor may not read is said in the place of it.
func (p *itemPage) addCallers(v *visit, arns ...string) error {
	rules := table{Title: "EventBridge rules", Columns: []column{{Name: "Rule"}, {Name: "Bus"}, {Name: "State"}, {Name: "When"}}, Empty: "No rule sends events to it."}
	if err := rules.told(ruleRows(v, arns)); err != nil {
		return err
	}
	p.add("rules", rules)
	schedules := table{Title: "Schedules", Columns: []column{{Name: "Schedule"}, {Name: "Group"}, {Name: "State"}, {Name: "When"}}, Empty: "No schedule of EventBridge Scheduler calls it."}
	if err := schedules.told(scheduleRows(v, arns)); err != nil {
		return err
	}
	p.add("schedules", schedules)
	return nil
}

// told takes rows, or the words of an API that has refused them.
func (t *table) told(rows [][]cell, err error) error {
	if t.Rows = rows; errors.As(err, new(smithy.APIError)) {
		t.Rows, t.Empty = nil, problem(err)
		return nil
	}
	return err
}

// ruleRows are the rules of all buses of which one of the ARNs is a target.
func ruleRows(v *visit, arns []string) (rows [][]cell, err error) {
	ctx, api := v.r.Context(), v.Client.Rules
	var buses []string
	for in := (&eventbridge.ListEventBusesInput{}); len(buses) < mostLookedAt; {
		out, err := api.ListEventBuses(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, b := range out.EventBuses {
			buses = append(buses, aws.ToString(b.Name))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	for _, bus := range buses {
		found := map[string]bool{}
		for _, arn := range arns {
			out, err := api.ListRuleNamesByTarget(ctx, &eventbridge.ListRuleNamesByTargetInput{EventBusName: &bus, TargetArn: &arn})
			if err != nil {
				return nil, err
			}
			for _, name := range out.RuleNames {
				found[name] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(found)) {
			if len(rows) == mostShown {
				return rows, nil
			}
			r, err := api.DescribeRule(ctx, &eventbridge.DescribeRuleInput{EventBusName: &bus, Name: &name})
			if err != nil {
				return nil, err
			}
			rows = append(rows, []cell{{Text: name, Note: aws.ToString(r.Description)}, {Text: bus}, {Text: string(r.State)}, {Text: cmp.Or(aws.ToString(r.ScheduleExpression), aws.ToString(r.EventPattern))}})
		}
	}
	return rows, nil
}

// scheduleRows are the schedules whose target is one of the ARNs.
func scheduleRows(v *visit, arns []string) (rows [][]cell, err error) {
	ctx, api := v.r.Context(), v.Client.Rules
	pages := scheduler.NewListSchedulesPaginator(api, &scheduler.ListSchedulesInput{MaxResults: aws.Int32(100)})
	for looked := 0; pages.HasMorePages() && looked < mostLookedAt; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		looked += len(page.Schedules)
		for _, s := range page.Schedules {
			if s.Target == nil || !slices.Contains(arns, aws.ToString(s.Target.Arn)) || len(rows) == mostShown {
				continue
			}
			one, err := api.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: s.GroupName, Name: s.Name})
			if err != nil {
				return nil, err
			}
			when := cell{Text: aws.ToString(one.ScheduleExpression), Note: aws.ToString(one.ScheduleExpressionTimezone)}
			rows = append(rows, []cell{{Text: aws.ToString(s.Name), Note: aws.ToString(one.Description)}, {Text: aws.ToString(s.GroupName)}, {Text: string(s.State)}, when})
		}
	}
	return rows, nil
}

// permissionTable lists who may call a function, by its policy and those of its aliases.
func permissionTable(v *visit, name string, aliases []string) (table, error) {
	t := table{Title: "Who may invoke it", Columns: []column{{Name: "Statement"}, {Name: "Principal"}, {Name: "Action"}, {Name: "If"}}, Empty: "It has no policy: those may whom their own policies let."}
	var rows [][]cell
	for _, qualifier := range append([]string{""}, aliases...) {
		out, err := v.Client.Lambda.GetPolicy(v.r.Context(), &lambda.GetPolicyInput{FunctionName: &name, Qualifier: optionalText(qualifier)})
		if errors.As(err, new(*types.ResourceNotFoundException)) {
			continue // it has none
		}
		if err != nil {
			return t, t.told(nil, err)
		}
		rows = append(rows, statementRows(aws.ToString(out.Policy), qualifier)...)
	}
	return t, t.told(rows, nil)
}

// statementRows are those of the statements of a policy.
func statementRows(policy, qualifier string) (rows [][]cell) {
	var document struct {
		Statement []struct {
			Sid               string
			Principal, Action any
			Condition         map[string]map[string]any
		}
	}
	if json.Unmarshal([]byte(policy), &document) != nil {
		return [][]cell{{{Text: "–"}, {}, {}, {Text: policy}}}
	}
	for _, s := range document.Statement {
		var conditions []string
		for operator, of := range s.Condition {
			for key, value := range of {
				conditions = append(conditions, fmt.Sprintf("%s %s %s", key, operator, plainly(value)))
			}
		}
		slices.Sort(conditions)
		rows = append(rows, []cell{{Text: s.Sid, Note: qualifier}, {Text: plainly(s.Principal)}, {Text: plainly(s.Action)}, {Text: strings.Join(conditions, ", ")}})
	}
	return rows
}

// plainly is a member of a policy: a text, several, or some by their kinds.
func plainly(value any) string {
	switch value := value.(type) {
	case []any:
		var parts []string
		for _, v := range value {
			parts = append(parts, plainly(v))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		var parts []string
		for _, kind := range slices.Sorted(maps.Keys(value)) {
			parts = append(parts, plainly(value[kind]))
		}
		return strings.Join(parts, ", ")
	case nil:
		return ""
	}
	return fmt.Sprint(value)
}
