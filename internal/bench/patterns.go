package main

import (
	"fmt"
	"syscall"
	"time"

	"flyball/internal/service/events/pattern"
)

// kindsOfRules are patterns of which each number makes one; the event below matches one of them all.
var kindsOfRules = []string{
	`{"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"], "detail": {"group": ["service:web-%d"]}}`,
	`{"source": ["aws.ecs"], "detail": {"taskArn": [{"prefix": "arn:aws:ecs:us-east-1:123456789012:task/cluster-%d/"}]}}`,
	`{"source": ["aws.ecs"], "detail": {"taskArn": [{"wildcard": "*:task/cluster-%d/*"}]}}`,
	`{"source": ["aws.ecs"], "detail": {"version": [{"numeric": [">=", %d, "<", %[1]d.5]}]}}`,
	`{"source": ["aws.ecs"], "detail": {"lastStatus": [{"anything-but": "PENDING"}], "group": ["service:worker-%d"]}}`,
	`{"source": ["aws.ecs"], "$or": [{"detail": {"group": ["service:api-%d"]}}, {"detail": {"stopCode": ["code-%[1]d"]}}]}`,
	`{"source": ["aws.ecs"], "detail": {"containers": {"name": ["main-%d"], "exitCode": [0]}}}`,
}

const taskEvent = `{"version": "0", "id": "9bcdac79-b31f-4d3d-9410-fbd727c29fab", "detail-type": "ECS Task State Change", "source": "aws.ecs", "account": "123456789012",
	"time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": ["arn:aws:ecs:us-east-1:123456789012:task/cluster-x/b99d40b351764f719a529dbd6f1cebef"],
	"detail": {"clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/cluster-x", "containers": [{"name": "main-x", "exitCode": 0, "lastStatus": "STOPPED"}],
	"createdAt": "2026-01-01T00:00:00Z", "launchType": "FARGATE", "cpu": "256", "memory": "512", "desiredStatus": "STOPPED", "group": "service:web-7", "lastStatus": "STOPPED",
	"stopCode": "EssentialContainerExited", "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/cluster-x/b99d40b351764f719a529dbd6f1cebef", "version": 7.75}}`

// patterns measures how many events are read and matched against how many rules in a second of processor time,
// which is told apart from what other programs of the machine take.
func patterns() error {
	for _, rules := range []int{100, 1_000, 10_000} {
		var x pattern.Index[int]
		for i := range rules {
			p, err := pattern.Parse(fmt.Sprintf(kindsOfRules[i%len(kindsOfRules)], i))
			if err != nil {
				return err
			}
			x.Set(i, p)
		}
		x.Delete(7)
		p, err := pattern.Parse(fmt.Sprintf(kindsOfRules[0], 7))
		if err != nil {
			return err
		}
		x.Set(7, p)
		n := 0
		began := processorTime()
		for ; processorTime()-began < time.Second; n++ {
			e, err := pattern.ParseEvent([]byte(taskEvent))
			if err != nil {
				return err
			}
			if found := x.Match(e); len(found) != 1 {
				return fmt.Errorf("of %d rules %d match", rules, len(found))
			}
		}
		figure(fmt.Sprintf("events_matched_against_%d_rules", rules), float64(n)/(processorTime()-began).Seconds(), "events/s")
	}
	return nil
}

// processorTime is what this process has taken.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
