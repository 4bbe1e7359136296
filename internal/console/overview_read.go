package console

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
	"flyball/internal/status"
)

// shown is how much of the past the small charts of the overview show.
const shown = time.Hour

// A reading is a metric against its target.
type reading struct {
	Policy string
	Rule   string
	Goal   float64
	Value  *float64
	Spark  *sparkline
}

// An activity is the newest of a resource.
type activity struct {
	At   time.Time
	What string
}

// fill reads what the rows of a page have beside the state: the past hour, and the last activity.
func (o *overview) fill(ctx context.Context, c *client.Client, now time.Time) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	group.Go(func() error { return o.readLoads(ctx, c, now) })
	group.Go(func() error { return o.readMetrics(ctx, c, now) })
	for i := range o.Rows {
		row := &o.Rows[i]
		if row.Target != nil {
			group.Go(func() (err error) {
				row.Last, err = lastActivity(ctx, c, row.Target)
				return err
			})
		}
	}
	return group.Wait()
}

// lastActivity is the newest scaling activity of a target, nil if there is none.
func lastActivity(ctx context.Context, c *client.Client, t *status.Target) (*activity, error) {
	kind := t.ResourceID.Kind()
	out, err := c.AutoScaling.DescribeScalingActivities(ctx, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: aastypes.ServiceNamespace(kind.Namespace()), ScalableDimension: aastypes.ScalableDimension(kind.Dimension()),
		ResourceId: aws.String(string(t.ResourceID)), MaxResults: aws.Int32(1),
	})
	if err != nil || len(out.ScalingActivities) == 0 {
		return nil, err
	}
	a := out.ScalingActivities[0]
	return &activity{aws.ToTime(a.StartTime), strings.TrimSuffix(aws.ToString(a.Description), ".")}, nil
}

// readMetrics reads the past hour of the metrics against their targets.
func (o *overview) readMetrics(ctx context.Context, c *client.Client, now time.Time) error {
	wanted := map[string]*reading{}
	var queries []types.MetricDataQuery
	for i := range o.Rows {
		row := &o.Rows[i]
		p := leading(row.Target)
		if p == nil {
			continue
		}
		row.Metric = &reading{Policy: p.Name, Rule: p.Rule, Goal: *p.Goal, Value: p.Value}
		if len(p.Watched) == 1 { // metric math has names of its own
			id := fmt.Sprintf("m%d", i)
			q := p.Watched[0]
			q.Id = &id
			queries, wanted[id] = append(queries, q), row.Metric
		}
	}
	found, err := seriesOf(ctx, c, queries, now.Add(-shown), now)
	for id, r := range wanted {
		r.Spark = newSparkline(found[id], now.Add(-shown), now, r.Goal)
	}
	return err
}

// leading is the policy whose metric asks for the most, or nil.
func leading(t *status.Target) (most *status.Policy) {
	if t == nil {
		return nil
	}
	asks := func(p *status.Policy) float64 {
		if p.Value == nil {
			return -1
		}
		return *p.Value / *p.Goal
	}
	for i := range t.Policies {
		if p := &t.Policies[i]; p.Goal != nil && (most == nil || asks(p) > asks(most)) {
			most = p
		}
	}
	return most
}

// readLoads reads the requests of the past hour of services behind load balancers.
func (o *overview) readLoads(ctx context.Context, c *client.Client, now time.Time) error {
	groups := map[string]int{} // row by the ARN of its first target group
	in := &elb.DescribeTargetGroupsInput{}
	for i := range o.Rows { // and not of copies: others fill in the rows meanwhile
		if of := o.Rows[i].Groups; len(of) > 0 {
			groups[of[0]] = i
			in.TargetGroupArns = append(in.TargetGroupArns, of[0])
		}
	}
	if len(groups) == 0 {
		return nil
	}
	out, err := c.LoadBalancing.DescribeTargetGroups(ctx, in)
	if err != nil {
		return nil // one of them is gone: which load there was is not known
	}
	var queries []types.MetricDataQuery
	for _, g := range out.TargetGroups {
		if len(g.LoadBalancerArns) > 0 {
			id := fmt.Sprintf("m%d", groups[aws.ToString(g.TargetGroupArn)])
			queries = append(queries, requestsOf(id, aws.ToString(g.TargetGroupArn), g.LoadBalancerArns[0]))
		}
	}
	found, err := seriesOf(ctx, c, queries, now.Add(-shown), now)
	for i := range o.Rows {
		o.Rows[i].Load = newSparkline(counts(found[fmt.Sprintf("m%d", i)], now), now.Add(-shown), now, 0)
	}
	return err
}

// requestsOf is the number of requests a minute that a load balancer sends to a target group.
func requestsOf(id, group, balancer string) types.MetricDataQuery {
	_, name, _ := strings.Cut(balancer, ":loadbalancer/")
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
		Period: aws.Int32(60), Stat: aws.String("Sum"),
		Metric: &types.Metric{Namespace: aws.String("AWS/ApplicationELB"), MetricName: aws.String("RequestCount"), Dimensions: []types.Dimension{
			{Name: aws.String("LoadBalancer"), Value: &name},
			{Name: aws.String("TargetGroup"), Value: aws.String(group[strings.LastIndexByte(group, ':')+1:])},
		}},
	}}
}
