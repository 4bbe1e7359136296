package main

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/client"
)

// What all trees share.
const (
	clusterName = "torture"
	namespace   = aastypes.ServiceNamespaceEcs
	dimension   = aastypes.ScalableDimensionECSServiceDesiredCount
)

// trackingPrefix begins the names of the alarms of target tracking policies.
const trackingPrefix = "TargetTracking-service/" + clusterName + "/"

func resourceID(tree string) *string { return aws.String("service/" + clusterName + "/" + tree) }

// treeOf is the tree of a resource id.
func treeOf(resourceID *string) string {
	return strings.TrimPrefix(aws.ToString(resourceID), "service/"+clusterName+"/")
}

// A world is what the server shows of everything, or of some listings.
type world struct {
	began      time.Time
	facts      facts
	policies   map[string]policy // by ARN
	tracking   map[string]string // target tracking alarms: the policy's ARN by name
	updated    map[string]time.Time
	desired    map[string]int32 // active services, by tree
	running    map[string]int32
	tasks      map[string]task
	activities []activity // newest first
}

// A policy is what must agree with alarms and targets.
type policy struct {
	tree, name string
	tracks     bool
	alarms     []string
}

func newWorld() *world {
	return &world{
		began: time.Now(), facts: facts{}, policies: map[string]policy{}, tracking: map[string]string{},
		updated: map[string]time.Time{}, desired: map[string]int32{}, running: map[string]int32{}, tasks: map[string]task{},
	}
}

// A listing reads some of the world, and says of which kinds it reads all
// facts: what it does not show of them is not there.
type listing struct {
	kinds []string
	read  func(*world, context.Context, *client.Client) error
}

// watched are the listings that a reader can repeat under load.
var watched = []listing{
	{[]string{"target"}, (*world).readTargets},
	{[]string{"policy"}, (*world).readPolicies},
	{[]string{"action"}, (*world).readActions},
	{[]string{"alarm", "tracking alarm"}, (*world).readAlarms},
	{[]string{"service"}, (*world).readServices},
	{nil, (*world).readTasks},
	{nil, (*world).readActivities},
}

// readWorld reads everything.
func readWorld(ctx context.Context, c *client.Client) (*world, error) {
	w := newWorld()
	for _, l := range watched {
		if err := l.read(w, ctx, c); err != nil {
			return nil, err
		}
	}
	for _, read := range []func(*world, context.Context, *client.Client) error{
		(*world).readTags, (*world).readDashboards, (*world).readClusters, (*world).readDefinitions,
	} {
		if err := read(w, ctx, c); err != nil {
			return nil, err
		}
	}
	return w, nil
}
