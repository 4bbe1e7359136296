package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"flyball/internal/awscommand"
	"flyball/internal/hcl"
	"flyball/scaling"
)

// An updatePage updates a service in one go: what its tasks run, how many there may be, with which
// role and policy they are scaled. What is asked for is shown before it is done, and is done
// together or not at all.
type updatePage struct {
	Cluster, Name string
	Form          policyChoice
	Containers    []choice
	Images        []string // of ECR, to choose from
	Definitions   []string // to choose from
	Roles         []string // that Application Auto Scaling may have
	Scaled        bool     // there is a scalable target
	reviewed

	service        ecstypes.Service
	definition     ecstypes.TaskDefinition
	definitionTags []ecstypes.Tag
	target         *types.ScalableTarget
	label          string // of its target group, for policies
	registers      bool   // its plan registers the target
}

// Fields of the wizard, beside those of a policy.
const (
	keepImage   = "keep"
	newImage    = "image"
	otherTask   = "revision"
	linkedRole  = "linked"
	knownRole   = "known"
	newRole     = "new"
	workshopFor = "ecsAutoscaleRole" // the role of the workshop
)

// scalingPolicyARN is AWS's policy for roles that scale services of ECS.
const scalingPolicyARN = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceAutoscaleRole"

// scalingService is who has to be trusted by such a role.
const scalingService = "application-autoscaling.amazonaws.com"

// scalingTrust is the trust policy of such a role.
const scalingTrust = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "` + scalingService + `"}, "Action": "sts:AssumeRole"}]}`

// update shows the wizard.
func (c *console) update(v *visit) error {
	p, err := readUpdate(v)
	if err != nil {
		return err
	}
	return c.showUpdate(v, http.StatusOK, p)
}

// takeUpdate shows what was asked for, or does it.
func (c *console) takeUpdate(v *visit) error {
	p, err := readUpdate(v)
	if err != nil {
		return err
	}
	made, err := p.plan(v)
	var status int
	if p.reviewed, status, err = c.take(v, &p.Form.typed, made, err); err != nil {
		return err
	}
	return c.showUpdate(v, status, p)
}

func (c *console) showUpdate(v *visit, status int, p updatePage) error {
	c.show(v, status, "update.html", page{Title: "Update " + p.Cluster + "/" + p.Name, Section: "services", Body: p})
	return nil
}

// mostProposed is how many names a field proposes.
const mostProposed = 100

// readUpdate reads the service, what can be chosen for it, and what was typed.
func readUpdate(v *visit) (p updatePage, err error) {
	p = updatePage{Cluster: v.r.PathValue("cluster"), Name: v.r.PathValue("service")}
	if err := p.readService(v); err != nil {
		return p, err
	}
	usual := joined(usualPolicy, map[string]string{
		"task": keepImage, "container": "", "image": "", "revision": lastPart(aws.ToString(p.service.TaskDefinition)), "desired": strconv.Itoa(int(p.service.DesiredCount)), "force": "", "tags": tagsText(p.service.Tags),
		"min": "", "max": "", "role": linkedRole, "role-arn": "", "role-name": workshopFor,
	})
	usual["kind"] = "none"
	if len(p.definition.ContainerDefinitions) > 0 {
		first := p.definition.ContainerDefinitions[0]
		usual["container"], usual["image"] = aws.ToString(first.Name), aws.ToString(first.Image)
	}
	if t := p.target; t != nil {
		p.Scaled = true
		usual["min"], usual["max"] = fmt.Sprint(aws.ToInt32(t.MinCapacity)), fmt.Sprint(aws.ToInt32(t.MaxCapacity))
		if arn := aws.ToString(t.RoleARN); !strings.Contains(arn, ":role/aws-service-role/") {
			usual["role"], usual["role-arn"] = knownRole, arn
		}
	}
	p.label = resourceLabel(v, groupsOf(p.service))
	p.Form = newPolicyChoice(typedIn(v.r.PostFormValue, v.r.Method == http.MethodPost, usual), p.label)
	p.Form.Kinds = append([]choice{{"none", "Leave the policies as they are"}}, p.Form.Kinds...)
	p.propose(v)
	return p, nil
}

// readService reads the service, its task definition and its target.
func (p *updatePage) readService(v *visit) error {
	ctx, c := v.r.Context(), v.Client
	out, err := c.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: &p.Cluster, Services: []string{p.Name}, Include: []ecstypes.ServiceField{ecstypes.ServiceFieldTags},
	})
	if err != nil {
		return err
	}
	if len(out.Services) == 0 {
		return &missing{"There is no service " + p.Cluster + "/" + p.Name + " in region " + v.Region + "."}
	}
	p.service = out.Services[0]
	definition, err := c.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{
		TaskDefinition: p.service.TaskDefinition, Include: []ecstypes.TaskDefinitionField{ecstypes.TaskDefinitionFieldTags},
	})
	if err != nil {
		return err
	}
	p.definition = *definition.TaskDefinition
	if len(definition.Tags) > 0 { // AWS takes no empty list of them
		p.definitionTags = definition.Tags
	}
	for _, one := range p.definition.ContainerDefinitions {
		p.Containers = append(p.Containers, choice{aws.ToString(one.Name), aws.ToString(one.Name) + ", now " + aws.ToString(one.Image)})
	}
	targets, err := c.AutoScaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceIds: []string{p.id()},
	})
	if err == nil && len(targets.ScalableTargets) > 0 {
		p.target = &targets.ScalableTargets[0]
	}
	return err
}

// groupsOf are the target groups that a service is in.
func groupsOf(s ecstypes.Service) (groups []string) {
	for _, lb := range s.LoadBalancers {
		groups = append(groups, aws.ToString(lb.TargetGroupArn))
	}
	return groups
}

func (p *updatePage) id() string { return string(scaling.ServiceID(p.Cluster, p.Name)) }

// propose lists task definitions, roles and images. Who may not list them types their names.
func (p *updatePage) propose(v *visit) {
	ctx, c := v.r.Context(), v.Client
	p.Images = newestImages(ctx, c)
	if out, err := c.ECS.ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{Sort: ecstypes.SortOrderDesc, MaxResults: aws.Int32(mostProposed)}); err == nil {
		for _, arn := range out.TaskDefinitionArns {
			p.Definitions = append(p.Definitions, lastPart(arn))
		}
	}
	if out, err := c.IAM.ListRoles(ctx, &iam.ListRolesInput{}); err == nil {
		for _, r := range out.Roles {
			trust, _ := url.QueryUnescape(aws.ToString(r.AssumeRolePolicyDocument)) // as IAM hands it out
			if strings.Contains(trust, scalingService) && !strings.HasPrefix(aws.ToString(r.Path), "/aws-service-role/") && len(p.Roles) < mostProposed {
				p.Roles = append(p.Roles, aws.ToString(r.Arn))
			}
		}
	}
}

// plan is what was asked for, as calls.
func (p *updatePage) plan(v *visit) (all plan, err error) {
	for _, part := range []func(*visit) (plan, error){p.tasks, p.bounds, p.policy} {
		some, err := part(v)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// tasks are the calls for what the tasks run, and how many there are.
func (p *updatePage) tasks(v *visit) (all plan, err error) {
	in := &ecs.UpdateServiceInput{Cluster: &p.Cluster, Service: &p.Name, ForceNewDeployment: p.Form.Get("force") != ""}
	var definition hcl.Raw
	switch task := p.Form.Get("task"); task {
	case keepImage:
	case otherTask:
		if name := p.Form.Get("revision"); name != lastPart(aws.ToString(p.service.TaskDefinition)) {
			if name == "" {
				return nil, &fieldError{"revision", "Name a task definition, such as web:3 or web for its newest revision."}
			}
			in.TaskDefinition = &name
		}
	case newImage:
		register, err := p.revision()
		if err != nil {
			return nil, err
		}
		definition = hcl.Raw("aws_ecs_task_definition." + label(*register.Family) + ".arn")
		in.TaskDefinition = register.Family // its newest revision
		all = append(all, planned{
			Title: "A revision of " + *register.Family + " with image " + p.Form.Get("image"), part: "definition",
			Command: awscommand.Format("ecs", "register-task-definition", register), HCL: definitionHCL(register),
			send: func(ctx context.Context) error {
				_, err := v.Client.ECS.RegisterTaskDefinition(ctx, register)
				return err
			},
		})
	default:
		return nil, &fieldError{"", fmt.Sprintf("There is no way %q.", task)}
	}
	desired, err := p.Form.whole("desired")
	if err != nil {
		return nil, err
	}
	if desired != nil && *desired != p.service.DesiredCount {
		in.DesiredCount = desired
	}
	typed, err := typedTags(p.Form.Get("tags"))
	if err != nil {
		return nil, err
	}
	tags := changeTags(p.service.Tags, typed)
	state := serviceState{p.service, in, definition, tags.after, p.Scaled}.HCL()
	if in.TaskDefinition == nil && in.DesiredCount == nil && !in.ForceNewDeployment {
		return append(all, tags.plan(v, aws.ToString(p.service.ServiceArn), state)...), nil
	}
	all = append(all, planned{
		Title: "The service", part: "service", Command: awscommand.Format("ecs", "update-service", in), HCL: state,
		send: func(ctx context.Context) error {
			_, err := v.Client.ECS.UpdateService(ctx, in)
			return err
		},
	})
	return append(all, tags.plan(v, aws.ToString(p.service.ServiceArn), "")...), nil
}

// revision is the task definition with another image in one of its containers.
func (p *updatePage) revision() (*ecs.RegisterTaskDefinitionInput, error) {
	name, image := p.Form.Get("container"), p.Form.Get("image")
	d := p.definition
	containers := slices.Clone(d.ContainerDefinitions)
	i := slices.IndexFunc(containers, func(c ecstypes.ContainerDefinition) bool { return aws.ToString(c.Name) == name })
	switch {
	case i < 0:
		return nil, &fieldError{"container", fmt.Sprintf("There is no container %q in task definition %s.", name, aws.ToString(d.Family))}
	case image == "":
		return nil, &fieldError{"image", "Name an image, such as one of your repositories in ECR."}
	}
	containers[i].Image = &image
	in := p.registration()
	in.ContainerDefinitions = containers
	return in, nil
}

// registration is the task definition as it would be registered.
func (p *updatePage) registration() *ecs.RegisterTaskDefinitionInput {
	d := p.definition
	return &ecs.RegisterTaskDefinitionInput{
		Family: d.Family, ContainerDefinitions: d.ContainerDefinitions, Cpu: d.Cpu, Memory: d.Memory, NetworkMode: d.NetworkMode, ExecutionRoleArn: d.ExecutionRoleArn,
		TaskRoleArn: d.TaskRoleArn, Volumes: d.Volumes, PlacementConstraints: d.PlacementConstraints, RequiresCompatibilities: d.RequiresCompatibilities,
		ProxyConfiguration: d.ProxyConfiguration, RuntimePlatform: d.RuntimePlatform, EphemeralStorage: d.EphemeralStorage, IpcMode: d.IpcMode, PidMode: d.PidMode,
		EnableFaultInjection: d.EnableFaultInjection, Tags: p.definitionTags,
	}
}

// bounds are the calls for how many tasks there may be, and who scales them.
func (p *updatePage) bounds(v *visit) (all plan, err error) {
	in := &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(p.id()), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
	}
	if in.MinCapacity, err = p.Form.whole("min"); err != nil {
		return nil, err
	}
	if in.MaxCapacity, err = p.Form.whole("max"); err != nil {
		return nil, err
	}
	if p.target == nil && in.MinCapacity == nil && in.MaxCapacity == nil {
		return nil, nil // nothing is to scale it; a policy would be refused
	}
	part := "bounds"
	switch role := p.Form.Get("role"); role {
	case linkedRole:
	case knownRole:
		part = "bounds with a role"
		if in.RoleARN = aws.String(p.Form.Get("role-arn")); *in.RoleARN == "" {
			return nil, &fieldError{"role-arn", "Name the role by its ARN."}
		}
	case newRole:
		name := p.Form.Get("role-name")
		if name == "" {
			return nil, &fieldError{"role-name", "Give the role a name."}
		}
		in.RoleARN = aws.String("arn:aws:iam::" + v.Account + ":role/" + name)
		all = newRolePlan(v, name)
	default:
		return nil, &fieldError{"", fmt.Sprintf("There is no way %q.", role)}
	}
	if t := p.target; t != nil {
		kept := func(a, b *int32) bool { return a == nil || *a == aws.ToInt32(b) }
		if kept(in.MinCapacity, t.MinCapacity) && kept(in.MaxCapacity, t.MaxCapacity) && (in.RoleARN == nil || *in.RoleARN == aws.ToString(t.RoleARN)) {
			return nil, nil
		}
	}
	call := register(v, in, part)
	if len(all) > 0 {
		call.HCL = targetHCL(in, p.Form.Get("role-name"))
	}
	p.registers = true
	return append(all, call), nil
}

// newRolePlan are the calls that make a role which may scale services.
func newRolePlan(v *visit, name string) plan {
	create := &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(scalingTrust)}
	attach := &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String(scalingPolicyARN)}
	role := hcl.Raw("aws_iam_role." + label(name) + ".name")
	return plan{
		{
			Title: "Role " + name, part: "role", Command: awscommand.Format("iam", "create-role", create),
			HCL: resourceHCL("aws_iam_role", name, hcl.Fields{{"name", name}, {"assume_role_policy", jsonHCL(scalingTrust)}}),
			send: func(ctx context.Context) error {
				_, err := v.Client.IAM.CreateRole(ctx, create)
				return err
			},
		},
		{
			Title: "What the role may do", part: "role", Command: awscommand.Format("iam", "attach-role-policy", attach),
			HCL: resourceHCL("aws_iam_role_policy_attachment", name, hcl.Fields{{"role", role}, {"policy_arn", scalingPolicyARN}}),
			send: func(ctx context.Context) error {
				_, err := v.Client.IAM.AttachRolePolicy(ctx, attach)
				return err
			},
		},
	}
}

// policy are the calls for the policy that was described.
func (p *updatePage) policy(v *visit) (plan, error) {
	if p.Form.Get("kind") == "none" {
		return nil, nil
	}
	made, err := drafter{p.Form.typed, p.Cluster, p.Name, p.label}.draft()
	if err != nil {
		return nil, err
	}
	made.registered = p.registers
	return made.plan(v), nil
}
