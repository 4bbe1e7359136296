package console

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/awscommand"
	"flyball/internal/hcl"
)

// A codePage has what another page shows as commands that would make it elsewhere, and in Terraform,
// which takes up what is there.
type codePage struct {
	Back cell
	code
}

// A code is what makes some resources.
type code struct {
	plan
	made []resourceMade
}

// A resourceMade is one that others name by its ARN.
type resourceMade struct{ arn, variable, address string }

// Commands are those of all resources. What one names of another is what the other's command answered.
func (c code) Commands() string {
	text := c.plan.Commands()
	for _, m := range c.made {
		text = varied(text, m.arn, m.variable)
	}
	return text
}

// Terraform is that of all resources, with references from one to the other.
func (c code) Terraform() string {
	text := c.plan.Terraform()
	for _, m := range c.made {
		if m.address == "" {
			continue // nothing names it by its ARN
		}
		text = strings.ReplaceAll(text, `"`+m.arn+`"`, m.address)
		text = strings.ReplaceAll(text, "id = "+m.address, `id = "`+m.arn+`"`) // where it is taken up
	}
	return text
}

// varied has a variable of the shell in the place of an ARN, within quotes or without.
func varied(text, arn, variable string) string {
	var b strings.Builder
	in := false                                // single quotes
	arn = strings.ReplaceAll(arn, "'", `'\''`) // as it stands there: with a quote it is in quotes
	for {
		i := strings.Index(text, arn)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := i + len(arn)
		in = quotes(text[:i], in)
		b.WriteString(text[:i])
		switch {
		case end < len(text) && isARN(text[end]): // of something below it
			b.WriteString(arn)
		case in:
			b.WriteString(`'"$` + variable + `"'`)
		default:
			b.WriteString(`"$` + variable + `"`)
		}
		text = text[end:]
	}
}

// quotes reports whether a text of the shell leaves single quotes open. A backslash takes its meaning from the sign
// behind it, but not within them: a quote that a text has is written '\\”.
func quotes(text string, open bool) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\'':
			open = !open
		case text[i] == '\\' && !open:
			i++
		}
	}
	return open
}

// isARN reports whether an ARN goes on with a sign.
func isARN(c byte) bool {
	return c == '/' || c == ':' || c == '-' || c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// variable is a name of a shell's variable.
func variable(kind, name string) string {
	return kind + "_" + strings.ReplaceAll(hcl.Label(name), "-", "_")
}

// add adds a resource with its command, the answer to which others need, and its text in Terraform.
func (c *code) add(command, kind, name, id string, all hcl.Fields, note string) {
	c.plan = append(c.plan, planned{Title: kind + " " + name, Command: command, HCL: note + imported(kind, name, id, all)})
}

// answered is a command that keeps a part of its answer.
func answered(command, variable, query string) string {
	return variable + "=$(" + command + " \\\n    --query '" + query + "' --output text)"
}

// imported is a resource that Terraform takes up where it is. Without an identifier it is written over.
func imported(kind, name, id string, all hcl.Fields) string {
	var f hcl.File
	if id != "" {
		f.Import(kind, label(name), id)
	}
	f.Resource(kind, label(name), given(all))
	return f.String()
}

// showCode shows what makes the things of a page.
func (c *console) showCode(back func(*visit) cell, write func(*visit) (code, error)) func(*visit) error {
	return func(v *visit) error {
		made, err := write(v)
		if err != nil {
			return err
		}
		p := codePage{back(v), made}
		c.show(v, http.StatusOK, "code.html", page{Title: p.Back.Text + " as code", Body: p})
		return nil
	}
}

// backTo is the page of one thing of a list.
func backTo(list string) func(*visit) cell {
	return func(v *visit) cell {
		return cell{Text: v.r.PathValue("name"), Link: linksOf(v).To(list, v.r.PathValue("name"))}
	}
}

// backToService is the page of a service.
func backToService(v *visit) cell {
	cluster, service := v.r.PathValue("cluster"), v.r.PathValue("service")
	return cell{Text: service, Link: linksOf(v).To("services", cluster, service)}
}

// codeOfService writes a service with all that it consists of: its cluster, its task definition, its target groups
// and load balancers, and what scales it.
func (c *console) codeOfService(v *visit) (all code, err error) {
	p := updatePage{Cluster: v.r.PathValue("cluster"), Name: v.r.PathValue("service")}
	if err := p.readService(v); err != nil {
		return all, err
	}
	if err := all.cluster(v, p.Cluster); err != nil {
		return all, err
	}
	for _, g := range groupsOf(p.service) {
		if err := all.groupWithBalancers(v, g); err != nil {
			return all, err
		}
	}
	register := p.registration()
	family, arn := aws.ToString(register.Family), aws.ToString(p.service.TaskDefinition)
	all.plan = append(all.plan, planned{
		Title: "Task definition " + family, Command: answered(awscommand.Format("ecs", "register-task-definition", register), variable("definition", family), "taskDefinition.taskDefinitionArn"),
		HCL: importText("aws_ecs_task_definition", family, arn) + definitionHCL(register),
	})
	all.made = append(all.made, resourceMade{arn, variable("definition", family), ""})
	state := serviceState{p.service, &ecs.UpdateServiceInput{}, asRevision("aws_ecs_task_definition." + label(family)), p.service.Tags, p.Scaled}
	all.plan = append(all.plan, planned{Title: "Service " + p.Name, Command: awscommand.Format("ecs", "create-service", creation(p.service)), HCL: state.HCL()})
	return all, all.scaling(v, resourceID(p.Cluster, p.Name))
}

// asRevision is a task definition as the provider reads that of a service: its family and its number.
func asRevision(address string) hcl.Raw {
	return hcl.Raw(`"${` + address + `.family}:${` + address + `.revision}"`)
}

func importText(kind, name, id string) string {
	var f hcl.File
	f.Import(kind, label(name), id)
	return f.String() + "\n"
}

// creation is what creates a service like one that is there.
func creation(s ecstypes.Service) *ecs.CreateServiceInput {
	cluster := lastPart(aws.ToString(s.ClusterArn))
	in := &ecs.CreateServiceInput{
		Cluster: &cluster, ServiceName: s.ServiceName, TaskDefinition: s.TaskDefinition, DesiredCount: &s.DesiredCount, LaunchType: s.LaunchType, PlatformVersion: s.PlatformVersion,
		CapacityProviderStrategy: s.CapacityProviderStrategy, LoadBalancers: s.LoadBalancers, NetworkConfiguration: s.NetworkConfiguration, DeploymentConfiguration: s.DeploymentConfiguration,
		HealthCheckGracePeriodSeconds: s.HealthCheckGracePeriodSeconds, SchedulingStrategy: s.SchedulingStrategy, EnableExecuteCommand: s.EnableExecuteCommand,
		EnableECSManagedTags: s.EnableECSManagedTags, PropagateTags: s.PropagateTags, ServiceRegistries: s.ServiceRegistries, PlacementConstraints: s.PlacementConstraints,
		PlacementStrategy: s.PlacementStrategy, AvailabilityZoneRebalancing: s.AvailabilityZoneRebalancing, Tags: s.Tags, DeploymentController: s.DeploymentController,
	}
	if s.SchedulingStrategy == ecstypes.SchedulingStrategyDaemon {
		in.DesiredCount = nil
	}
	if len(s.LoadBalancers) == 0 {
		in.HealthCheckGracePeriodSeconds = nil
	}
	return in
}

// cluster writes a cluster.
func (c *code) cluster(v *visit, name string) error {
	out, err := v.Client.ECS.DescribeClusters(v.r.Context(), &ecs.DescribeClustersInput{Clusters: []string{name}, Include: []ecstypes.ClusterField{ecstypes.ClusterFieldSettings, ecstypes.ClusterFieldTags}})
	if err != nil || len(out.Clusters) == 0 {
		return err
	}
	found := out.Clusters[0]
	fields := hcl.Fields{{"name", name}, tagsField(found.Tags)}
	for _, s := range found.Settings {
		fields = append(fields, hcl.Field{"setting", map[string]any{"Name": string(s.Name), "Value": aws.ToString(s.Value)}})
	}
	c.add(awscommand.Format("ecs", "create-cluster", &ecs.CreateClusterInput{ClusterName: &name, Settings: found.Settings, Tags: found.Tags}), "aws_ecs_cluster", name, name, fields, "")
	c.made = append(c.made, resourceMade{aws.ToString(found.ClusterArn), variable("cluster", name), "aws_ecs_cluster." + label(name) + ".arn"})
	c.plan[len(c.plan)-1].Command = answered(c.plan[len(c.plan)-1].Command, variable("cluster", name), "cluster.clusterArn")
	return nil
}

// scaling writes what scales a resource.
func (c *code) scaling(v *visit, resource string) error {
	all, err := fetchDocuments(v)
	if err != nil {
		return err
	}
	d := bare(all.Of(resource))
	taken := func(kind, name string) string {
		return importText(kind, name, "ecs/"+resource+"/"+string(types.ScalableDimensionECSServiceDesiredCount)+map[bool]string{true: "/" + name}[kind == "aws_appautoscaling_policy"])
	}
	for _, t := range d.Targets {
		in := &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: t.ServiceNamespace, ResourceId: t.ResourceId, ScalableDimension: t.ScalableDimension, MinCapacity: t.MinCapacity, MaxCapacity: t.MaxCapacity, SuspendedState: t.SuspendedState,
		}
		if s := t.SuspendedState; s != nil && !aws.ToBool(s.DynamicScalingInSuspended) && !aws.ToBool(s.DynamicScalingOutSuspended) && !aws.ToBool(s.ScheduledScalingSuspended) {
			in.SuspendedState = nil // as usual
		}
		if role := roleOf(all.Targets, resource); !strings.Contains(role, ":role/aws-service-role/") {
			in.RoleARN = &role
		}
		one := register(v, in, "")
		one.HCL = taken("aws_appautoscaling_target", lastPart(resource)) + one.HCL
		c.plan = append(c.plan, one)
	}
	for _, p := range d.Policies {
		name := aws.ToString(p.PolicyName)
		one := drafted{registered: len(d.Targets) > 0, policy: &applicationautoscaling.PutScalingPolicyInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: &resource, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, PolicyName: p.PolicyName, PolicyType: p.PolicyType,
			TargetTrackingScalingPolicyConfiguration: p.TargetTrackingScalingPolicyConfiguration, StepScalingPolicyConfiguration: p.StepScalingPolicyConfiguration,
			PredictiveScalingPolicyConfiguration: p.PredictiveScalingPolicyConfiguration,
		}}.plan(v)
		one[0].HCL = taken("aws_appautoscaling_policy", name) + one[0].HCL
		alarms := callers(d, p)
		if len(alarms) > 0 {
			one[0].Command = answered(one[0].Command, variable("policy", name), "PolicyARN")
			c.made = append(c.made, resourceMade{aws.ToString(p.PolicyARN), variable("policy", name), "aws_appautoscaling_policy." + label(name) + ".arn"})
		}
		c.plan = append(c.plan, one...)
		for _, a := range alarms {
			c.alarm(wholeAlarm(all.Alarms, aws.ToString(a.AlarmName)))
		}
	}
	for _, a := range d.Actions {
		c.plan = append(c.plan, drafted{registered: len(d.Targets) > 0, action: &applicationautoscaling.PutScheduledActionInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: &resource, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, ScheduledActionName: a.ScheduledActionName,
			Schedule: a.Schedule, Timezone: a.Timezone, StartTime: a.StartTime, EndTime: a.EndTime, ScalableTargetAction: a.ScalableTargetAction,
		}}.plan(v)...)
		last := &c.plan[len(c.plan)-1]
		last.HCL = "# The provider does not import scheduled actions: this one is written over with the same.\n" + last.HCL
	}
	return nil
}

// roleOf is the role of the target of a resource.
func roleOf(targets []types.ScalableTarget, resource string) string {
	i := slices.IndexFunc(targets, func(t types.ScalableTarget) bool { return aws.ToString(t.ResourceId) == resource })
	if i < 0 {
		return ""
	}
	return aws.ToString(targets[i].RoleARN)
}

// writers are the lists that are written as code, by the last parts of their addresses.
func (c *console) writers() map[string]struct {
	title string
	write func(*visit) (code, error)
} {
	type writer = struct {
		title string
		write func(*visit) (code, error)
	}
	return map[string]writer{
		"alarms": {"Alarms", writeAlarms}, "queues": {"Queues", writeQueues}, "load-balancers": {"Load balancers", writeBalancers},
		"functions": {"Functions", writeFunctions}, "repositories": {"Images", writeRepositories}, "schedules": {"Schedules", writeSchedules}, "services": {"Services", c.writeServices},
	}
}

// codeOfList shows what makes all that a list shows.
func (c *console) codeOfList(v *visit) error {
	list := v.r.PathValue("list")
	w, is := c.writers()[list]
	if !is {
		return &missing{fmt.Sprintf("There is no list %q that could be written as code.", list)}
	}
	back := func(v *visit) cell {
		if list == "services" {
			return cell{Text: w.title, Link: linksOf(v).To()}
		}
		return cell{Text: w.title, Link: linksOf(v).To(list)}
	}
	return c.showCode(back, w.write)(v)
}

// mostWritten is how many things of a list are written as code.
const mostWritten = 4 * rowsOfPage

// writeServices writes the services of a page with what scales them.
func (c *console) writeServices(v *visit) (all code, err error) {
	state, err := c.snapshots.of(v.r.Context(), v.Visitor)
	if err != nil {
		return all, err
	}
	o := summary(state)
	o.choose(rowsOf(state), v.r.FormValue("q"), v.r.FormValue("page"))
	for _, row := range o.Rows {
		parts := row.Service()
		if len(parts) != 2 {
			continue
		}
		v.r.SetPathValue("cluster", parts[0])
		v.r.SetPathValue("service", parts[1])
		one, err := c.codeOfService(v)
		if gone, is := errors.AsType[*missing](err); is {
			all.plan = append(all.plan, planned{Title: row.Name, Note: gone.text})
			continue
		}
		if err != nil {
			return all, err
		}
		all.join(one)
	}
	return all, nil
}

// join adds the resources of another one that are not written yet: several services share a cluster.
func (c *code) join(other code) {
	written := map[string]bool{}
	for _, p := range c.plan {
		written[p.HCL] = true
	}
	for _, p := range other.plan {
		if p.HCL == "" || !written[p.HCL] {
			c.plan = append(c.plan, p)
		}
	}
	for _, m := range other.made {
		if !slices.Contains(c.made, m) {
			c.made = append(c.made, m)
		}
	}
}

// writeSchedules writes the scheduled actions of all services.
func writeSchedules(v *visit) (all code, err error) {
	d, err := fetchDocuments(v)
	for _, a := range d.Actions[:min(len(d.Actions), mostWritten)] {
		all.plan = append(all.plan, drafted{action: &applicationautoscaling.PutScheduledActionInput{
			ServiceNamespace: a.ServiceNamespace, ResourceId: a.ResourceId, ScalableDimension: a.ScalableDimension, ScheduledActionName: a.ScheduledActionName,
			Schedule: a.Schedule, Timezone: a.Timezone, StartTime: a.StartTime, EndTime: a.EndTime, ScalableTargetAction: a.ScalableTargetAction,
		}}.plan(v)...)
		last := &all.plan[len(all.plan)-1]
		last.Title += " of " + aws.ToString(a.ResourceId)
	}
	return all, err
}
