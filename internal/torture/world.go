package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
	activities []activity        // newest first
	alarms     map[string]string // ARNs of the alarms that calls make, by name
	strays     []fault           // what a region showed of another
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
		alarms: map[string]string{},
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
	{[]string{"log stream"}, (*world).readLogs},
	{nil, (*world).readTasks},
	{nil, (*world).readActivities},
}

// further are the listings that cost a call for each thing.
var further = []listing{
	{[]string{"tags"}, (*world).readTags},
	{[]string{"alarm tags"}, (*world).readAlarmTags},
	{[]string{"dashboard"}, (*world).readDashboards},
	{[]string{"cluster"}, (*world).readClusters},
	{[]string{"definition"}, (*world).readDefinitions},
	{[]string{"load balancer", "listener", "target group", "targets"}, (*world).readBalancing},
}

// readWorld reads everything.
func readWorld(ctx context.Context, regions []*region) (*world, error) {
	return readAll(ctx, regions, slices.Concat(watched, further))
}

// readWatched reads what a reader can repeat under load.
func readWatched(ctx context.Context, regions []*region) (*world, error) {
	return readAll(ctx, regions, watched)
}

func readAll(ctx context.Context, regions []*region, listings []listing) (*world, error) {
	all := newWorld()
	for _, in := range regions {
		w := newWorld()
		for _, l := range listings {
			if err := l.read(w, ctx, in.client); err != nil {
				return nil, err
			}
		}
		all.add(w, in)
	}
	return all, nil
}

// add adds what a region shows.
func (w *world) add(part *world, in *region) {
	for _, k := range part.facts.keys() {
		if !in.holds(k.tree) {
			w.strays = append(w.strays, fault{lost, k.tree, fmt.Sprintf("%v is shown in another region", k)})
		}
	}
	maps.Copy(w.facts, part.facts)
	maps.Copy(w.policies, part.policies)
	maps.Copy(w.tracking, part.tracking)
	maps.Copy(w.updated, part.updated)
	maps.Copy(w.desired, part.desired)
	maps.Copy(w.running, part.running)
	maps.Copy(w.tasks, part.tasks)
	w.activities = append(w.activities, part.activities...)
}
