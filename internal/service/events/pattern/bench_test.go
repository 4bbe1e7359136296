package pattern

import (
	"fmt"
	"runtime"
	"testing"
)

// families are rules of which the event below matches the seventh alone.
var families = []struct{ name, pattern string }{
	{"exact", `{"source":["aws.ecs"],"detail-type":["ECS Task State Change"],"detail":{"group":["service:web-%05d"]}}`},
	{"prefix", `{"source":["aws.ecs"],"detail":{"taskArn":[{"prefix":"arn:aws:ecs:us-east-1:123456789012:task/cluster-%05d/"}]}}`},
	{"suffix", `{"source":["aws.ecs"],"detail":{"group":[{"suffix":"-%05d"}]}}`},
	{"wildcard", `{"source":["aws.ecs"],"detail":{"taskArn":[{"wildcard":"*:task/cluster-%05d/*"}]}}`},
	{"ignore-case", `{"source":["aws.ecs"],"detail":{"group":[{"equals-ignore-case":"SERVICE:web-%05d"}]}}`},
	{"numeric", `{"source":["aws.ecs"],"detail":{"version":[{"numeric":[">=",%d,"<",%[1]d.5]}]}}`},
	{"cidr", `{"source":["aws.ecs"],"detail":{"address":[{"cidr":"10.%[2]d.%[3]d.0/24"}]}}`},
	{"anything-but", `{"source":["aws.ecs"],"detail":{"lastStatus":[{"anything-but":"PENDING"}],"group":["service:web-%05d"]}}`},
	{"or", `{"source":["aws.ecs"],"$or":[{"detail":{"group":["service:web-%05d"]}},{"detail":{"taskArn":["arn-%[1]d"]}}]}`},
	{"array", `{"source":["aws.ecs"],"detail":{"containers":{"name":["web-%05d"],"exitCode":[0]}}}`},
	{"several", `{"source":["aws.ecs"],"detail":{"group":["service:web-%05d","service:worker-%[1]d","service:x-%[1]d"],"lastStatus":["RUNNING","STOPPED"]}}`},
	{"other fields", `{"source":["aws.ecs"],"detail":{"field-%05d":[1]}}`},
	{"grid", `{"account":["12345678901%[4]d"],"detail-type":["type %[5]d"],"region":["region-%[6]d"],"detail":{"group":[{"suffix":"%[7]d"}]}}`},
}

func family(pattern string, i int) string {
	// The last verb names its argument, so that nothing is said of those that a pattern does not use.
	return fmt.Sprintf(pattern+"%[8]s", i, i/256, i%256, i%10, i/10%10, i/100%10, i/1000%10, "")
}

const taskEvent = `{"version":"0","id":"9bcdac79-b31f-4d3d-9410-fbd727c29fab","detail-type":"ECS Task State Change","source":"aws.ecs","account":"123456789012",` +
	`"time":"2019-05-28T19:32:00Z","region":"us-east-1","resources":["arn:aws:ecs:us-east-1:123456789012:task/cluster-00007/b99d40b3-5176-4f71-9a52-9dbd6f1cebef"],` +
	`"detail":{"attachments":[],"clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/FargateCluster","address":"10.0.7.9","field-00007":1,` +
	`"containers":[{"containerArn":"arn:aws:ecs:us-east-1:111122223333:container/3305bea1","exitCode":1,"lastStatus":"STOPPED","name":"web-00008"},` +
	`{"containerArn":"arn:aws:ecs:us-east-1:111122223333:container/cf159fd6","exitCode":0,"lastStatus":"STOPPED","name":"web-00007"}],` +
	`"createdAt":"2018-12-06T16:26:03.83Z","launchType":"FARGATE","cpu":"256","memory":"512","desiredStatus":"STOPPED","group":"service:web-00007",` +
	`"lastStatus":"RUNNING","connectivity":"CONNECTED","stopCode":"TaskFailedToStart","startedAt":"2018-12-06T16:26:07.69Z","stoppingAt":"2018-12-06T16:26:23.48Z",` +
	`"stoppedReason":"reason","updatedAt":"2018-12-06T16:26:23.48Z","taskArn":"arn:aws:ecs:us-east-1:123456789012:task/cluster-00007/b99d40b3-5176-4f71-9a52-9dbd6f1cebef",` +
	`"taskDefinitionArn":"arn:aws:ecs:us-east-1:111122223333:task-definition/fargate-task-definition:1","version":7}}`

// BenchmarkMatch matches one event against rules of which one wants it.
func BenchmarkMatch(b *testing.B) {
	e := mustEvent(b, taskEvent)
	for _, f := range append(families, struct{ name, pattern string }{"all kinds", ""}) {
		for _, n := range []int{100, 1000, 10000} {
			b.Run(fmt.Sprintf("%s/%d", f.name, n), func(b *testing.B) {
				var x Index[int]
				for i := range n {
					pattern := f.pattern
					if pattern == "" {
						pattern = families[i%len(families)].pattern
					}
					x.Set(i, mustParse(b, family(pattern, i)))
				}
				b.ReportAllocs()
				found := 0
				for b.Loop() {
					found = len(x.Match(e))
				}
				b.ReportMetric(float64(found), "matches")
			})
		}
	}
}

func BenchmarkParseEvent(b *testing.B) {
	document := []byte(taskEvent)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseEvent(document); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSet tells what a rule costs in an index of 10,000.
func BenchmarkSet(b *testing.B) {
	var patterns []*Pattern
	for i := range 10000 {
		patterns = append(patterns, mustParse(b, family(families[i%len(families)].pattern, i)))
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var x Index[int]
	for i, p := range patterns {
		x.Set(i, p)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for i := 0; b.Loop(); i++ {
		x.Set(i%len(patterns), patterns[i%len(patterns)])
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(patterns)), "bytes/rule")
}
