package server

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"flyball/alarm"
	"flyball/internal/backlog"
	"flyball/internal/balancer"
	"flyball/internal/balancer/simulated"
	"flyball/internal/capacity"
	"flyball/internal/cell"
	"flyball/internal/delivery"
	"flyball/internal/event"
	"flyball/internal/service/autoscaling"
	"flyball/internal/service/cloudwatch"
	"flyball/internal/service/ec2"
	"flyball/internal/service/ecr"
	"flyball/internal/service/ecs"
	"flyball/internal/service/elb"
	"flyball/internal/service/events"
	"flyball/internal/service/express"
	"flyball/internal/service/lambda"
	"flyball/internal/service/logs"
	"flyball/internal/service/scheduler"
	"flyball/internal/service/sqs"
	"flyball/internal/serviceevent"
	"flyball/internal/state"
	"flyball/internal/task"
	"flyball/internal/tsdb"
	"flyball/metric"
	"flyball/scaling"
)

// services are the AWS services of one cell, tied to each other: ECS publishes to
// CloudWatch, whose alarms trigger the autoscaler, which sets the desired counts of
// ECS.
type services struct {
	cell        *cell.Cell
	datapoints  *tsdb.DB
	cloudwatch  *cloudwatch.API
	ecr         *ecr.API
	ecs         *ecs.API
	elb         *elb.API
	logs        *logs.API
	autoscaling *autoscaling.API
	backlogs    backlogs
	scheduler   *scheduler.API
	sqs         *sqs.API
	lambda      *lambda.API
	events      *events.API
	deliveries  *delivery.Queue // of all services of the cell that send to targets
	express     *express.Services
	// ec2 opens EC2 when something first needs it. What it changes is part of the change
	// that the context comes from, if it comes from one.
	ec2 func(context.Context) (*ec2.API, error)
}

// openServices loads the services of a cell, each after those that it needs.
func (s *Server) openServices(c *cell.Cell) (v *services, err error) {
	v = &services{cell: c}
	v.ec2 = lazyEC2(ec2.Config{Cell: c, Interfaces: v.interfaces})
	for _, open := range []func(*services) error{
		s.openDeliveries, s.openEvents, s.openCloudWatch, s.openECR, s.openLogs, s.openSQS, s.openLambda, s.openBalancing, s.openECS, s.openScaling, s.openExpress, s.openScheduler,
	} {
		if err := open(v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// openDeliveries comes first: who sends registers with it as it is opened.
func (s *Server) openDeliveries(v *services) (err error) {
	v.deliveries, err = delivery.Open(delivery.Options{
		Folder: s.dir.deliveries(v.cell.Scope()), Lazy: s.dir.temp, Clock: v.cell.Clock, Disk: s.disk, Router: &s.router, Log: v.cell.Log,
	})
	return err
}

// openEvents opens EventBridge before the services whose events it takes.
func (s *Server) openEvents(v *services) (err error) {
	v.events, err = events.New(events.Config{
		Cell:       v.cell,
		Deliveries: v.deliveries,
		Metrics:    recorder(func(samples []metric.Sample) { v.cloudwatch.Record(samples) }),
		Account: func(account string) (*events.API, bool) {
			if other := s.cells.find(account, v.cell.Region); other != nil {
				return other.events, true
			}
			return nil, false
		},
	})
	v.cell.Bus = func(tx *state.Tx, e event.Event) {
		v.events.Published(tx, func() (events.Event, bool) { return serviceevent.Of(e) })
	}
	return err
}

// A recorder takes measurements for CloudWatch, which may be opened later.
type recorder func([]metric.Sample)

// Record hands the samples on.
func (r recorder) Record(samples []metric.Sample) { r(samples) }

func (s *Server) openCloudWatch(v *services) (err error) {
	if v.datapoints, err = tsdb.Open(v.cell.State.Store(), v.cell.Clock); err != nil {
		return err
	}
	v.cloudwatch, err = cloudwatch.New(cloudwatch.Config{Cell: v.cell, Metrics: v.datapoints, Deliver: &s.router, FeedAWS: s.cfg.FeedAWSNamespaces})
	return err
}

func (s *Server) openECR(v *services) (err error) {
	v.ecr, err = ecr.New(ecr.Config{
		Cell:       v.cell,
		Content:    s.registry.content,
		Addressing: s.addressing,
		Endpoint:   s.URL,
		Password:   s.registry.passwords.Issue,
	})
	return err
}

func (s *Server) openSQS(v *services) (err error) {
	v.sqs, err = sqs.New(sqs.Config{
		Cell:     v.cell,
		Folder:   s.dir.queues(v.cell.Scope()),
		Lazy:     s.dir.temp,
		Metrics:  v.cloudwatch,
		Endpoint: s.taskEndpoint,
		Account: func(account string) (*sqs.API, bool) {
			if other := s.cells.find(account, v.cell.Region); other != nil {
				return other.sqs, true
			}
			return nil, false
		},
	})
	return err
}

func (s *Server) openLogs(v *services) (err error) {
	v.logs, err = logs.New(logs.Config{Cell: v.cell, Dir: s.dir.logs(v.cell), Metrics: v.cloudwatch})
	return err
}

func (s *Server) openBalancing(v *services) (err error) {
	v.elb, err = elb.New(elb.Config{
		Cell:          v.cell,
		Metrics:       v.cloudwatch,
		Addresses:     &s.addresses,
		Domain:        s.cfg.LBDomain,
		Network:       network{v},
		StrictNetwork: s.cfg.StrictNetwork,
		Instance:      ecs.InstanceAddress,
		HealthChanged: func(group string) { v.ecs.TargetHealthChanged(group) },
		Driver:        s.dataPlane(v),
		Now:           s.drainTime(),
	})
	return err
}

// dataPlane is what load balancers are in front of the runtime's tasks.
func (s *Server) dataPlane(v *services) balancer.Driver {
	if _, ok := s.runtime.(task.Effortless); ok {
		return &simulated.Plane{}
	}
	return balancer.New(balancer.Options{
		Log:         v.cell.Log,
		Changed:     func(group string) { v.elb.HealthChanged(group) },
		Certificate: s.authority.Certificate,
		Admit:       s.reserve.Admits,
	})
}

// drainTime is the time by which targets drain.
func (s *Server) drainTime() func() time.Time {
	if r, ok := s.runtime.(task.Effortless); ok {
		return r.Now
	}
	return time.Now
}

func (s *Server) openECS(v *services) error {
	driver, err := s.openLogDriver(v)
	if err != nil {
		return err
	}
	metadata := s.endpointOfTasks()
	if metadata != "" {
		metadata = strings.TrimSuffix(metadata+cellPath+v.cell.Scope(), "/")
	}
	v.ecs, err = ecs.New(ecs.Config{
		Cell:          v.cell,
		Runtime:       s.roomy(s.runtime),
		LoadBalancing: v.elb,
		Network:       network{v},
		StrictNetwork: s.cfg.StrictNetwork,
		Metrics:       v.cloudwatch,
		Endpoint:      s.endpointOfTasks(),
		Metadata:      metadata,
		KeepTasks:     s.inCluster() && !s.dir.temp,
		Roles:         taskRoles{s, v},
		Logs:          driver,
		ListenerRoles: listenerRoles{s, s.rolesOf(v, listenerSession)},
		Alarms:        v.cloudwatch,
		Functions:     hookFunctions{s, v},
		KnownKeys:     s.cfg.Administrator != nil,
		Deleted: func(ctx context.Context, cluster, service string) error {
			return v.autoscaling.ResourceDeleted(ctx, scaling.ServiceID(cluster, service))
		},
		Ended: func(cluster, service string) { v.express.Ended(cluster, service) },
		Deployed: func(ctx context.Context, arn string, groups []string) error {
			return v.express.Deployed(ctx, arn, groups)
		},
		Managed: func(ctx context.Context, arn string) *types.ECSManagedResources { return v.express.Resources(ctx, arn) },
	})
	return err
}

func (s *Server) openScaling(v *services) (err error) {
	roles := s.rolesOf(v, scalingSession)
	services := capacity.Services{ECS: v.ecs}
	v.backlogs = backlogs{v.sqs, backlog.New(backlog.Config{
		Clock: v.cell.Clock, Queues: v.sqs, Capacity: services, Metrics: v.cloudwatch, Log: v.cell.Log,
	})}
	v.autoscaling, err = autoscaling.New(autoscaling.Config{
		Cell:     v.cell,
		Alarms:   v.cloudwatch,
		Capacity: capacity.Kinds{scaling.Services: services, scaling.Functions: capacity.Functions{Lambda: v.lambda}},
		Backlogs: v.backlogs,
		MetricPeriod: func(ctx context.Context, id scaling.ResourceID, period time.Duration) error {
			cluster, service := id.Service()
			v.ecs.SetMetricPeriod(ctx, cluster, service, period)
			return nil
		},
		TargetGroups: func(ctx context.Context, id scaling.ResourceID) ([]string, error) {
			cluster, service := id.Service()
			return v.ecs.ServiceTargetGroups(ctx, cluster, service)
		},
		Roles:   func() (autoscaling.Roles, error) { return roles() },
		Decided: func(d scaling.Decision) { s.telemetry.Decision(v.cell.Account, v.cell.Region, d) },
	})
	return err
}

// backlogs know the queues of a cell, and measure what waits in them for tasks.
type backlogs struct {
	*sqs.API
	*backlog.Meter
}

func (s *Server) openScheduler(v *services) (err error) {
	roles := s.rolesOf(v, schedulerSession)
	v.scheduler, err = scheduler.New(scheduler.Config{
		Cell:       v.cell,
		Deliveries: v.deliveries,
		Router:     &s.router,
		Metrics:    v.cloudwatch,
		Roles: func() (scheduler.Roles, error) {
			found, err := roles()
			return schedulerRoles{found, s.cfg.Administrator == nil}, err
		},
	})
	return err
}

// openExpress opens Express Mode, whose operations ECS serves.
func (s *Server) openExpress(v *services) (err error) {
	roles := s.rolesOf(v, expressSession)
	v.express, err = express.New(express.Config{
		Cell:          v.cell,
		ECS:           v.ecs,
		LoadBalancing: v.elb,
		Scaling:       v.autoscaling,
		Alarms:        v.cloudwatch,
		Logs:          v.logs,
		Network:       func(ctx context.Context) (express.Network, error) { return v.ec2(ctx) },
		Roles: func() (express.Roles, error) {
			found, err := roles()
			return expressRoles{found, s.cfg.Administrator == nil}, err // as the roles of listeners are taken
		},
	})
	v.ecs.Express = v.express
	return err
}

// run keeps the services' loops going until ctx ends, and writes what is in
// memory.
func (v *services) run(ctx context.Context) error {
	var loops errgroup.Group
	clk := v.cell.Clock
	// On a manual clock what is due at the same time is done in this order: metrics are published before
	// alarms look at them, and these before a schedule sets anything.
	for _, run := range []func(context.Context) error{
		v.elb.Run, v.ecs.Run, v.sqs.Run, v.logs.Run, v.lambda.Run, v.events.Run,
		func(ctx context.Context) error { v.backlogs.Meter.Run(ctx); return nil },
		v.cloudwatch.Run, v.autoscaling.Run, v.scheduler.Run, v.deliveries.Run, v.express.Run,
	} {
		loops.Go(clk.Counted(ctx, run))
	}
	// These keep house in real time.
	loops.Go(func() error { return v.ecr.Run(ctx) })
	loops.Go(func() error { return v.datapoints.Run(ctx) })
	var err error
	clk.Idle(ctx, func() { err = loops.Wait() })
	return err
}

// adoptNothing readies a cell that was opened after the tasks of earlier lives
// were given out.
func (v *services) adoptNothing() { v.ecs.Adopt(map[string]task.Task{}) }

// connect registers who takes messages for which service, wherever their resources
// are.
func (s *Server) connect() {
	s.router.Handle("lambda", s.takeForFunction)
	s.connectTargets()
	s.router.Handle("autoscaling", func(ctx context.Context, to arn.ARN, message any) error {
		n, ok := message.(alarm.Notification)
		if !ok {
			return fmt.Errorf("a scaling policy takes the notifications of alarms, not %T", message)
		}
		// An alarm scales nothing outside its own cell. Without this, one that bears
		// the name of an alarm there would be taken for it.
		from, err := arn.Parse(n.AlarmARN)
		if err != nil {
			return fmt.Errorf("read the name of an alarm: %w", err)
		}
		v := s.cells.find(to.AccountID, to.Region)
		if v == nil || v.cell.Account != from.AccountID || v.cell.Region != from.Region {
			return fmt.Errorf("no scaling policy %s in region %s of account %s", to, from.Region, from.AccountID)
		}
		return v.autoscaling.AlarmAction(ctx, n)
	})
}
