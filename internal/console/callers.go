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

// mostLookedAt is how many event buses, rules, schedules and versions are looked at one by one for the
// callers of one thing.
const mostLookedAt = 1000

// mostListed is how many schedules are listed for that, a hundred at a time.
const mostListed = 100_000

// A callee is what rules and schedules can send events to.
type callee struct {
	arns    []string // its own, and those of its aliases and versions
	letters bool     // it is a queue, which can have their dead letters, too
}

// Roles of a callee in a rule or a schedule.
const (
	asTarget  = "target"
	asLetters = "dead-letter queue"
)

// as is the role of a callee, or "" where it has none.
func (c callee) as(target, letters *string) string {
	switch {
	case slices.Contains(c.arns, aws.ToString(target)):
		return asTarget
	case c.letters && slices.Contains(c.arns, aws.ToString(letters)):
		return asLetters
	}
	return ""
}

// addCallers adds what sends events to one thing: rules of EventBridge and schedules of
// EventBridge Scheduler. What the visitor may not read is said in the place of it.
func (p *itemPage) addCallers(v *visit, to callee) error {
	rules := table{Title: "EventBridge rules", Columns: []column{{Name: "Rule"}, {Name: "Bus"}, {Name: "As"}, {Name: "State"}, {Name: "When"}}, Empty: "No rule sends events to it."}
	rows, note, err := ruleRows(v, to)
	rules.Below = note
	if err := rules.told(rows, err); err != nil {
		return err
	}
	p.add("rules", rules)
	schedules := table{Title: "Schedules", Columns: []column{{Name: "Schedule"}, {Name: "Group"}, {Name: "As"}, {Name: "State"}, {Name: "When"}}, Empty: "No schedule of EventBridge Scheduler calls it."}
	rows, note, err = scheduleRows(v, to)
	schedules.Below = note
	if err := schedules.told(rows, err); err != nil {
		return err
	}
	p.add("schedules", schedules)
	return nil
}

// told takes rows, or the words of an API that has refused them.
func (t *table) told(rows [][]cell, err error) error {
	t.More, t.Rows = len(rows) > mostShown, rows[:min(len(rows), mostShown)]
	if errors.As(err, new(smithy.APIError)) {
		t.Rows, t.Empty = nil, problem(err)
		return nil
	}
	return err
}

// A callingRule is a rule of a bus that names a callee, and as what.
type callingRule struct{ bus, name, as string }

// ruleRows are the rules of all buses that name the callee, and what was not looked at.
func ruleRows(v *visit, to callee) (rows [][]cell, note string, err error) {
	ctx, api := v.r.Context(), v.Client.Rules
	buses, err := eventBuses(v)
	if err != nil {
		return nil, "", err
	}
	var found []callingRule
	left := mostLookedAt
	for _, bus := range buses {
		var some []callingRule
		if to.letters {
			some, err = rulesByTargets(v, bus, to, &left)
		} else {
			some, err = rulesByTarget(v, bus, to)
		}
		if err != nil {
			return nil, "", err
		}
		found = append(found, some...)
	}
	if left <= 0 {
		note = fmt.Sprintf("The first %d rules were looked at.", mostLookedAt)
	}
	for _, f := range found[:min(len(found), mostShown+1)] {
		r, err := api.DescribeRule(ctx, &eventbridge.DescribeRuleInput{EventBusName: &f.bus, Name: &f.name})
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, []cell{{Text: f.name, Note: aws.ToString(r.Description)}, {Text: f.bus}, {Text: f.as}, {Text: string(r.State)}, {Text: cmp.Or(aws.ToString(r.ScheduleExpression), aws.ToString(r.EventPattern))}})
	}
	return rows, note, nil
}

func eventBuses(v *visit) (buses []string, err error) {
	for in := (&eventbridge.ListEventBusesInput{}); len(buses) < mostLookedAt; {
		out, err := v.Client.Rules.ListEventBuses(v.r.Context(), in)
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
	return buses, nil
}

// rulesByTarget are the rules of a bus of which one of the callee's ARNs is a target.
func rulesByTarget(v *visit, bus string, to callee) (all []callingRule, err error) {
	found := map[string]bool{}
	for _, arn := range to.arns {
		out, err := v.Client.Rules.ListRuleNamesByTarget(v.r.Context(), &eventbridge.ListRuleNamesByTargetInput{EventBusName: &bus, TargetArn: &arn})
		if err != nil {
			return nil, err
		}
		for _, name := range out.RuleNames {
			found[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, callingRule{bus, name, asTarget})
	}
	return all, nil
}

// rulesByTargets are the rules of a bus whose targets name the callee in any role: only targets tell
// where their dead letters go. Of all buses no more than so many rules are looked at as are left.
func rulesByTargets(v *visit, bus string, to callee, left *int) (all []callingRule, err error) {
	ctx, api := v.r.Context(), v.Client.Rules
	for in := (&eventbridge.ListRulesInput{EventBusName: &bus}); *left > 0; {
		out, err := api.ListRules(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, r := range out.Rules {
			if *left--; *left < 0 {
				return all, nil
			}
			// A rule has five targets, so that one page has all of them ("EventBridge quotas").
			targets, err := api.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{EventBusName: &bus, Rule: r.Name})
			if err != nil {
				return nil, err
			}
			as := map[string]bool{}
			for _, t := range targets.Targets {
				var letters *string
				if t.DeadLetterConfig != nil {
					letters = t.DeadLetterConfig.Arn
				}
				as[to.as(t.Arn, letters)] = true
			}
			delete(as, "")
			if len(as) > 0 {
				all = append(all, callingRule{bus, aws.ToString(r.Name), strings.Join(slices.Sorted(maps.Keys(as)), ", ")})
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	return all, nil
}

// scheduleRows are the schedules that name the callee, and what was not looked at.
func scheduleRows(v *visit, to callee) (rows [][]cell, note string, err error) {
	ctx, api := v.r.Context(), v.Client.Rules
	pages := scheduler.NewListSchedulesPaginator(api, &scheduler.ListSchedulesInput{MaxResults: aws.Int32(100)})
	listed, read := 0, 0
	for pages.HasMorePages() && len(rows) <= mostShown {
		if listed >= mostListed {
			return rows, fmt.Sprintf("The first %d schedules were looked at.", mostListed), nil
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, "", err
		}
		listed += len(page.Schedules)
		for _, s := range page.Schedules {
			as := ""
			if s.Target != nil {
				as = to.as(s.Target.Arn, nil)
			}
			if as == "" && (!to.letters || read >= mostLookedAt) {
				continue
			}
			read++
			one, err := api.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: s.GroupName, Name: s.Name})
			if err != nil {
				return nil, "", err
			}
			if as == "" && one.Target != nil && one.Target.DeadLetterConfig != nil {
				as = to.as(nil, one.Target.DeadLetterConfig.Arn)
			}
			if as == "" {
				continue
			}
			when := cell{Text: aws.ToString(one.ScheduleExpression), Note: aws.ToString(one.ScheduleExpressionTimezone)}
			rows = append(rows, []cell{{Text: aws.ToString(s.Name), Note: aws.ToString(one.Description)}, {Text: aws.ToString(s.GroupName)}, {Text: as}, {Text: string(s.State)}, when})
		}
	}
	if to.letters && read >= mostLookedAt {
		note = fmt.Sprintf("Those whose dead letters it has were looked for among the first %d schedules.", mostLookedAt)
	}
	return rows, note, nil
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
