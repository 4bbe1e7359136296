package ecs

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/state"
)

// The states of clusters, services and deployments.
const (
	active   = "ACTIVE"
	draining = "DRAINING"
	inactive = "INACTIVE"
	primary  = "PRIMARY"
)

// A cluster holds services and tasks.
type cluster struct {
	name      string
	api       types.Cluster // without counts and statistics
	services  map[string]*service
	tasks     map[string]*task              // by ID, stopped ones too until they are forgotten
	instances map[string]*containerInstance // by ID
}

func newCluster(api types.Cluster) *cluster {
	return &cluster{
		name:      aws.ToString(api.ClusterName),
		api:       api,
		services:  map[string]*service{},
		tasks:     map[string]*task{},
		instances: map[string]*containerInstance{},
	}
}

func (c *cluster) inactive() bool { return aws.ToString(c.api.Status) == inactive }

// insights is whether Container Insights is on for the cluster.
func (c *cluster) insights() bool {
	for _, s := range c.api.Settings {
		if s.Name == types.ClusterSettingNameContainerInsights {
			return aws.ToString(s.Value) != "disabled"
		}
	}
	return false
}

func (c *cluster) save(tx *state.Tx) { tx.Put(kindCluster, c.name, c.api) }

// CreateCluster creates a cluster, named default if it has no name. Creating one
// that exists returns it as it is.
func (a *API) CreateCluster(ctx context.Context, in *ecs.CreateClusterInput, _ ...func(*ecs.Options)) (*ecs.CreateClusterOutput, error) {
	name := aws.ToString(in.ClusterName)
	if name == "" {
		name = defaultCluster
	}
	if !rules.ValidName(name) {
		return nil, fault.InvalidParameter(`ClusterName must match ^[a-zA-Z0-9\-_]{1,255}$`)
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if err := checkClusterSettings(in.Settings); err != nil {
		return nil, err
	}
	if err := checkExecuteCommand(in.Configuration); err != nil {
		return nil, err
	}
	out := &ecs.CreateClusterOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		if c, ok := a.clusters[name]; ok && !c.inactive() {
			out.Cluster = a.describeCluster(c, shownOnCreation)
			return nil
		}
		if err := a.checkProviders(in.CapacityProviders, in.DefaultCapacityProviderStrategy); err != nil {
			return err
		}
		api := types.Cluster{
			ClusterArn:                      aws.String(a.arn("cluster", name)),
			ClusterName:                     aws.String(name),
			Status:                          aws.String(active),
			CapacityProviders:               optional.List(in.CapacityProviders),
			DefaultCapacityProviderStrategy: optional.List(in.DefaultCapacityProviderStrategy),
			Configuration:                   in.Configuration,
			ServiceConnectDefaults:          connectDefaults(in.ServiceConnectDefaults),
			Settings:                        mergeSettings([]types.ClusterSetting{a.defaultInsights()}, in.Settings),
			Tags:                            optional.List(in.Tags),
		}
		c, deleted := a.clusters[name]
		if deleted {
			keep(tx, c)
			c.api = api // what the old one remembers of stopped tasks stays its
		} else {
			c = newCluster(api)
			put(tx, a.clusters, name, c)
		}
		c.save(tx)
		out.Cluster = a.describeCluster(c, shownOnCreation)
		return nil
	}))
}

// shownOnCreation are the optional fields that CreateCluster answers.
var shownOnCreation = []types.ClusterField{types.ClusterFieldSettings, types.ClusterFieldTags}

// defaultInsights is the containerInsights setting of a new cluster: the
// account's.
func (a *API) defaultInsights() types.ClusterSetting {
	return types.ClusterSetting{
		Name:  types.ClusterSettingNameContainerInsights,
		Value: aws.String(a.effectiveSetting(a.rootARN(), types.SettingNameContainerInsights)),
	}
}

// describeCluster returns the cluster with the optional fields that are asked
// for.
func (a *API) describeCluster(c *cluster, include []types.ClusterField) *types.Cluster {
	d := c.api
	counts := map[string]int{}
	for _, s := range c.services {
		kind := statisticsName(rules.Launch{LaunchType: s.api.LaunchType, Strategy: s.api.CapacityProviderStrategy}.RunsAs()) + "ServiceCount"
		switch s.status() {
		case active:
			d.ActiveServicesCount++
			counts["active"+kind]++
		case draining:
			counts["draining"+kind]++
		}
	}
	d.RegisteredContainerInstancesCount = int32(len(c.instances))
	for _, t := range c.tasks {
		kind := statisticsName(t.api.LaunchType) + "TasksCount"
		switch t.phase() {
		case scheduler.Running:
			d.RunningTasksCount++
			counts["running"+kind]++
		case scheduler.Pending:
			d.PendingTasksCount++
			counts["pending"+kind]++
		}
	}
	d.Statistics = []types.KeyValuePair{}
	if slices.Contains(include, types.ClusterFieldStatistics) {
		for _, name := range statistics {
			d.Statistics = append(d.Statistics, types.KeyValuePair{Name: aws.String(name), Value: aws.String(strconv.Itoa(counts[name]))})
		}
	}
	if slices.Contains(include, types.ClusterFieldAttachments) {
		d.Attachments = []types.Attachment{}
	}
	if !slices.Contains(include, types.ClusterFieldSettings) {
		d.Settings = []types.ClusterSetting{}
	}
	if !slices.Contains(include, types.ClusterFieldTags) {
		d.Tags = []types.Tag{}
	}
	if !slices.Contains(include, types.ClusterFieldConfigurations) {
		d.Configuration = nil
	}
	return &d
}

// statistics are what a cluster counts by launch type.
var statistics = []string{
	"runningEC2TasksCount", "runningFargateTasksCount", "pendingEC2TasksCount", "pendingFargateTasksCount",
	"activeEC2ServiceCount", "activeFargateServiceCount", "drainingEC2ServiceCount", "drainingFargateServiceCount",
}

func statisticsName(launch types.LaunchType) string {
	if launch == types.LaunchTypeFargate {
		return "Fargate"
	}
	return "EC2"
}

// DescribeClusters describes the named clusters, or the default one.
func (a *API) DescribeClusters(ctx context.Context, in *ecs.DescribeClustersInput, _ ...func(*ecs.Options)) (*ecs.DescribeClustersOutput, error) {
	refs := in.Clusters
	if len(refs) == 0 {
		refs = []string{defaultCluster}
	}
	if len(refs) > 100 {
		return nil, fault.InvalidParameter("Clusters can have at most 100 items.")
	}
	out := &ecs.DescribeClustersOutput{Clusters: []types.Cluster{}, Failures: []types.Failure{}}
	return read(ctx, a, func() (*ecs.DescribeClustersOutput, error) {
		for _, ref := range refs {
			c, ok := a.findCluster(&ref)
			if !ok {
				out.Failures = append(out.Failures, missing(a.reference("cluster", ref)))
				continue
			}
			out.Clusters = append(out.Clusters, *a.describeCluster(c, in.Include))
		}
		return out, nil
	})
}

// ListClusters lists the ARNs of the active clusters.
func (a *API) ListClusters(ctx context.Context, in *ecs.ListClustersInput, _ ...func(*ecs.Options)) (*ecs.ListClustersOutput, error) {
	var arns []string
	a.cell.State.View(ctx, func() {
		for _, c := range a.clusters {
			if !c.inactive() {
				arns = append(arns, *c.api.ClusterArn)
			}
		}
	})
	slices.Sort(arns)
	arns, next, err := pageOf(arns, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	return &ecs.ListClustersOutput{ClusterArns: optional.List(arns), NextToken: next}, nil
}

// UpdateCluster changes a cluster's configuration and settings.
func (a *API) UpdateCluster(ctx context.Context, in *ecs.UpdateClusterInput, _ ...func(*ecs.Options)) (*ecs.UpdateClusterOutput, error) {
	if err := checkClusterSettings(in.Settings); err != nil {
		return nil, err
	}
	if err := checkExecuteCommand(in.Configuration); err != nil {
		return nil, err
	}
	out := &ecs.UpdateClusterOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		keep(tx, c)
		c.api.Settings = mergeSettings(c.api.Settings, in.Settings)
		if in.Configuration != nil {
			c.api.Configuration = in.Configuration
		}
		if in.ServiceConnectDefaults != nil {
			c.api.ServiceConnectDefaults = connectDefaults(in.ServiceConnectDefaults)
		}
		c.save(tx)
		out.Cluster = a.describeCluster(c, types.ClusterField("").Values())
		return nil
	}))
}

// UpdateClusterSettings changes a cluster's settings.
func (a *API) UpdateClusterSettings(ctx context.Context, in *ecs.UpdateClusterSettingsInput, _ ...func(*ecs.Options)) (*ecs.UpdateClusterSettingsOutput, error) {
	if len(in.Settings) == 0 {
		return nil, fault.InvalidParameter("Settings cannot be empty.")
	}
	out, err := a.UpdateCluster(ctx, &ecs.UpdateClusterInput{Cluster: in.Cluster, Settings: in.Settings})
	if err != nil {
		return nil, err
	}
	return &ecs.UpdateClusterSettingsOutput{Cluster: out.Cluster}, nil
}

// DeleteCluster makes an empty cluster inactive. One that is already is answered
// with the same again.
func (a *API) DeleteCluster(ctx context.Context, in *ecs.DeleteClusterInput, _ ...func(*ecs.Options)) (*ecs.DeleteClusterOutput, error) {
	out := &ecs.DeleteClusterOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, ok := a.findCluster(in.Cluster)
		if !ok {
			return fault.ClusterNotFound()
		}
		for _, s := range c.services {
			if s.status() != inactive {
				return &types.ClusterContainsServicesException{
					Message: aws.String("The Cluster cannot be deleted while Services are active."),
				}
			}
		}
		if len(c.instances) > 0 {
			return &types.ClusterContainsContainerInstancesException{
				Message: aws.String("The Cluster cannot be deleted while Container Instances are active or draining."),
			}
		}
		for _, t := range c.tasks {
			if !t.stopped() {
				return &types.ClusterContainsTasksException{
					Message: aws.String("The Cluster cannot be deleted while Tasks are active."),
				}
			}
		}
		keep(tx, c)
		c.api.Status = aws.String(inactive)
		c.save(tx)
		out.Cluster = a.describeCluster(c, nil)
		return nil
	}))
}

// connectDefaults is the namespace that a cluster's services would use with
// Service Connect, which no service here can. An empty one takes it away.
func connectDefaults(in *types.ClusterServiceConnectDefaultsRequest) *types.ClusterServiceConnectDefaults {
	if in == nil || aws.ToString(in.Namespace) == "" {
		return nil
	}
	return &types.ClusterServiceConnectDefaults{Namespace: in.Namespace}
}

// checkExecuteCommand validates where the sessions of ExecuteCommand are logged.
func checkExecuteCommand(c *types.ClusterConfiguration) error {
	if c == nil || c.ExecuteCommandConfiguration == nil {
		return nil
	}
	to := c.ExecuteCommandConfiguration.LogConfiguration
	overrides := c.ExecuteCommandConfiguration.Logging == types.ExecuteCommandLoggingOverride
	switch {
	case overrides && (to == nil || aws.ToString(to.CloudWatchLogGroupName) == "" && aws.ToString(to.S3BucketName) == ""):
		return fault.InvalidParameter("A CloudWatch log group name or S3 bucket name must be specified when overriding the default log configuration.")
	case !overrides && to != nil:
		return fault.InvalidParameter("You must set logging to 'OVERRIDE' when you supply a log configuration.")
	}
	return nil
}

func checkClusterSettings(settings []types.ClusterSetting) error {
	for _, s := range settings {
		if s.Name != types.ClusterSettingNameContainerInsights {
			return fault.InvalidParameter("The setting name %q is not valid. It must be containerInsights.", s.Name)
		}
		switch aws.ToString(s.Value) {
		case "enabled", "disabled", "enhanced":
		default:
			return fault.InvalidParameter("The containerInsights setting must be one of enhanced, enabled and disabled.")
		}
	}
	return nil
}

// mergeSettings returns old with the changes made.
func mergeSettings(old, changes []types.ClusterSetting) []types.ClusterSetting {
	merged := slices.Clone(old)
	for _, s := range changes {
		i := slices.IndexFunc(merged, func(m types.ClusterSetting) bool { return m.Name == s.Name })
		if i < 0 {
			merged = append(merged, s)
		} else {
			merged[i] = s
		}
	}
	return merged
}
