package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// How many ask and do not read, what each asks for on one connection at once, and how long that goes on.
const (
	unreadCallers = 1000
	pipelined     = 4
	unreadFor     = 40 * time.Second
)

// largeWithin is how long the large read of somebody may take who reads it.
const largeWithin = 10 * time.Second

// A jsonCall is a call in JSON.
type jsonCall struct{ service, target, body string }

func (c jsonCall) request() string {
	head := header(c.service, c.target, len(c.body))
	if c.service == "monitoring" || c.service == "sqs" {
		head = strings.Replace(head, "json-1.1", "json-1.0", 1)
	}
	return head + c.body
}

func callOf(service, target string, input any) jsonCall {
	body, err := json.Marshal(input)
	if err != nil {
		panic(err) // of maps and texts
	}
	return jsonCall{service, target, string(body)}
}

type fields = map[string]any

// The targets of services that have large answers.
const (
	logsTarget    = "Logs_20140328."
	metricsTarget = "GraniteServiceVersion20100801."
	ecsTarget     = "AmazonEC2ContainerServiceV20141113."
	sqsTarget     = "AmazonSQS."
)

// unreadAnswers asks for the largest answers of several services, several at once on each connection, and
// reads none. A connection that was ended is opened anew. Meanwhile others read as much.
func unreadAnswers(ctx context.Context, v *victim) error {
	large, err := v.fill()
	if err != nil {
		return err
	}
	flooding, stop := context.WithCancel(ctx)
	var flood sync.WaitGroup
	for n := range unreadCallers {
		flood.Go(func() { v.askForever(flooding, strings.Repeat(large[n%len(large)].request(), pipelined)) })
	}
	defer flood.Wait()
	defer stop()
	for until, n := time.Now().Add(unreadFor), 0; time.Now().Before(until) && ctx.Err() == nil; n++ {
		v.answersOthers("unread answers")
		v.answersLarge("unread answers", large[n%len(large)])
		pause(ctx, 500*time.Millisecond)
	}
	return ctx.Err()
}

// askForever sends requests whose answers nobody reads, as often as they are taken.
func (v *victim) askForever(ctx context.Context, requests string) {
	for ctx.Err() == nil {
		c, err := net.DialTimeout("tcp", v.addr, v.slow(answeredWithin))
		if err != nil {
			pause(ctx, time.Second)
			continue
		}
		_ = c.(*net.TCPConn).SetReadBuffer(4 << 10) // with more it holds the more itself
		rest := requests
		for ctx.Err() == nil {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			n, err := c.Write([]byte(rest))
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				break // the server has ended it
			}
			if rest = rest[n:]; rest == "" {
				rest = requests
				pause(ctx, time.Second)
			}
		}
		c.Close()
	}
}

// answersLarge has somebody make a call with a large answer, read it, and try again where it is refused for now.
func (v *victim) answersLarge(name string, call jsonCall) {
	for began := time.Now(); ; {
		status, text, err := v.exchange(call.request())
		took := time.Since(began)
		if took > v.slowestLarge {
			v.slowestLarge, v.slowestCall = took, call.target
		}
		switch {
		case err == nil && status == http.StatusOK:
			if took > v.slow(largeWithin) {
				v.fault(name, "%s of somebody who reads took %v", call.target, took)
			}
			return
		case took > v.slow(largeWithin):
			v.fault(name, "%s of somebody who reads was not answered within %v: %d %.200s %v", call.target, took, status, text, err)
			return
		case err == nil && !strings.Contains(text, "hrottl") || errors.Is(err, syscall.ECONNREFUSED):
			v.fault(name, "%s of somebody who reads was answered with %d %.200s %v", call.target, status, text, err)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// fill puts into the server what has large answers, and returns the calls that have them.
func (v *victim) fill() ([]jsonCall, error) {
	calls := []jsonCall{
		callOf("logs", logsTarget+"CreateLogGroup", fields{"logGroupName": "g"}),
		callOf("logs", logsTarget+"CreateLogStream", fields{"logGroupName": "g", "logStreamName": "s"}),
		callOf("ecs", ecsTarget+"CreateCluster", fields{"clusterName": "c"}),
		callOf("ecs", ecsTarget+"RegisterTaskDefinition", fields{"family": "t", "containerDefinitions": []fields{
			{"name": "c", "image": "flyball/web", "memory": 32, "environment": manyVariables()},
		}}),
	}
	events := make([]fields, 9000)
	for i := range events {
		events[i] = fields{"timestamp": time.Now().UnixMilli(), "message": strings.Repeat("x", 80)}
	}
	calls = append(calls, callOf("logs", logsTarget+"PutLogEvents", fields{"logGroupName": "g", "logStreamName": "s", "logEvents": events}))
	begin := time.Now().Add(-time.Hour).Truncate(time.Minute)
	for of := range 5 {
		calls = append(calls, callOf("monitoring", metricsTarget+"PutMetricData", fields{"Namespace": "n", "MetricData": manyMetrics(of, begin)}))
	}
	for range 10 {
		calls = append(calls, callOf("ecs", ecsTarget+"RunTask", fields{"cluster": "c", "taskDefinition": "t", "count": 10}))
	}
	for _, call := range calls {
		if err := v.ask(call, nil); err != nil {
			return nil, err
		}
	}
	queue, err := v.fillQueue()
	if err != nil {
		return nil, err
	}
	tasks, err := v.tasksIn("c")
	if err != nil {
		return nil, err
	}
	return []jsonCall{
		callOf("logs", logsTarget+"FilterLogEvents", fields{"logGroupName": "g", "limit": 10000}),
		callOf("logs", logsTarget+"GetLogEvents", fields{"logGroupName": "g", "logStreamName": "s", "startFromHead": true}),
		callOf("monitoring", metricsTarget+"GetMetricData", fields{
			"StartTime": begin.Unix(), "EndTime": begin.Add(time.Hour).Unix(), "MetricDataQueries": manyQueries(),
		}),
		callOf("monitoring", metricsTarget+"ListMetrics", fields{"Namespace": "n"}),
		callOf("ecs", ecsTarget+"DescribeTasks", fields{"cluster": "c", "tasks": tasks}),
		queue,
	}, nil
}

// manyVariables are as much as a task definition may have, about.
func manyVariables() (all []fields) {
	for n := range 100 {
		all = append(all, fields{"name": fmt.Sprint("VARIABLE_", n), "value": strings.Repeat("v", 300)})
	}
	return all
}

// manyMetrics are a tenth of an hour of 100 metrics, with long names.
func manyMetrics(of int, begin time.Time) (all []fields) {
	for n := range 100 {
		for minute := range 10 {
			all = append(all, fields{
				"MetricName": metricName(of, n), "Value": float64(n) + 1.0/3, "Timestamp": begin.Add(time.Duration(minute) * time.Minute).Unix(),
			})
		}
	}
	return all
}

func metricName(of, n int) string { return fmt.Sprintf("%d-%d-%s", of, n, strings.Repeat("m", 200)) }

// manyQueries are as many as a call may have.
func manyQueries() (all []fields) {
	for n := range 500 {
		all = append(all, fields{"Id": fmt.Sprint("q", n), "MetricStat": fields{
			"Metric": fields{"Namespace": "n", "MetricName": metricName(n/100, n%100)}, "Period": 60, "Stat": "Average",
		}})
	}
	return all
}

// fillQueue fills a queue, and returns the call that receives as much as it can and hides nothing.
func (v *victim) fillQueue() (jsonCall, error) {
	create := callOf("sqs", sqsTarget+"CreateQueue", fields{"QueueName": "q"})
	var queue struct{ QueueURL string }
	if err := v.ask(create, &queue); err != nil {
		return jsonCall{}, err
	}
	for range 20 {
		send := callOf("sqs", sqsTarget+"SendMessage", fields{"QueueUrl": queue.QueueURL, "MessageBody": strings.Repeat("m", 100_000)})
		if err := v.ask(send, nil); err != nil {
			return jsonCall{}, err
		}
	}
	return callOf("sqs", sqsTarget+"ReceiveMessage", fields{"QueueUrl": queue.QueueURL, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}), nil
}

func (v *victim) tasksIn(cluster string) ([]string, error) {
	var listed struct{ TaskArns []string }
	err := v.ask(callOf("ecs", ecsTarget+"ListTasks", fields{"cluster": cluster}), &listed)
	return listed.TaskArns, err
}

// ask makes a call and reads its answer into out, unless that is nil.
func (v *victim) ask(call jsonCall, out any) error {
	status, text, err := v.exchange(call.request())
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", call.target, err)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal([]byte(text), out)
}
