package ecs

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/state"
	"flyball/internal/store"
	runtime "flyball/internal/task"
	"flyball/metric"
)

// crash ends the server as a kill would: nothing is stopped, nothing is written.
func (w *world) crash() {
	w.api.cfg.KeepTasks = true
	w.end()
}

func TestATaskIsStoppedWhenItsStopIsOnDisk(t *testing.T) {
	inWorld(t, func(w *world) {
		var busy atomic.Bool
		w.runtime.set(nil, func(f *fakeTask) {
			f.asked = func() {
				if busy.Load() {
					t.Errorf("task %s is stopped while nothing can be written", f.ID())
				}
			}
		})
		w.serve(3)
		busy.Store(true)
		go func() { // who reads a store in memory holds it
			_ = w.store.Scan(kindTask.Name, store.Range{}, func(string, []byte) bool {
				time.Sleep(time.Second)
				busy.Store(false)
				return false
			})
		}()
		synctest.Wait()
		w.end()
		if n := w.runtime.alive(); n > 0 || busy.Load() {
			t.Errorf("%d tasks are alive", n)
		}
	})
}

func TestTasksAreAdoptedAfterACrash(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(2)
		before := taskARNs(w.tasks(""))
		events, protected := w.events(), before[0]
		must(w.api.UpdateTaskProtection(w.Context(), &ecs.UpdateTaskProtectionInput{
			Cluster: aws.String("prod"), Tasks: []string{protected}, ProtectionEnabled: true,
		}))(w)
		w.crash()
		w.pass(time.Minute)
		w.boot()
		w.pass(10 * time.Second)
		if after := taskARNs(w.tasks("")); !slices.Equal(after, before) {
			t.Errorf("tasks %v, before %v", after, before)
		}
		if s := w.service(); w.runtime.started != 2 || s.RunningCount != 2 || s.Deployments[0].RolloutState != types.DeploymentRolloutStateCompleted {
			t.Errorf("%d starts, %d running, deployment %s", w.runtime.started, s.RunningCount, s.Deployments[0].RolloutState)
		}
		if got := w.events(); !slices.Equal(got, events) {
			t.Errorf("events %q, before %q", got, events)
		}
		p := must(w.api.GetTaskProtection(w.Context(), &ecs.GetTaskProtectionInput{Cluster: aws.String("prod")}))(w)
		if len(p.ProtectedTasks) != 1 || *p.ProtectedTasks[0].TaskArn != protected {
			t.Errorf("protected %+v", p.ProtectedTasks)
		}
		w.scale(1)
		w.pass(time.Second)
		if after := taskARNs(w.tasks("")); !slices.Equal(after, []string{protected}) {
			t.Errorf("after scale-in %v, want %s", after, protected)
		}
	})
}

func TestLogsOfAStoppedTaskOutliveACrash(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		id := w.runtime.any().ID()
		w.scale(0)
		w.pass(10 * time.Second)
		w.crash()
		w.boot()
		w.pass(time.Second)
		logs, err := w.api.TaskLog(w.Context(), id, "", runtime.LogOptions{})
		if err != nil {
			t.Fatal(err)
		}
		logs.Close()
	})
}

func taskARNs(tasks []types.Task) []string {
	var arns []string
	for _, t := range tasks {
		arns = append(arns, *t.TaskArn)
	}
	slices.Sort(arns)
	return arns
}

func TestTasksThatDidNotSurviveAreReplaced(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(2)
		w.crash()
		w.runtime.lose(w.runtime.any())
		w.boot()
		w.pass(10 * time.Second)
		if w.runtime.alive() != 2 || w.runtime.started != 3 {
			t.Errorf("%d alive after %d starts", w.runtime.alive(), w.runtime.started)
		}
		stopped := w.tasks(types.DesiredStatusStopped)
		if len(stopped) != 1 || *stopped[0].StoppedReason != "The task did not survive a restart of the server." {
			t.Errorf("stopped %+v", stopped)
		}
	})
}

func TestTasksOfNobodyAreLeftToTheServer(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		w.crash()
		w.runtime.tasks["stray"] = &fakeTask{done: make(chan struct{})}
		w.boot()
		if len(w.strays) != 1 || w.strays["stray"] == nil {
			t.Errorf("left over: %v", w.strays)
		}
	})
}

func TestShutdownStopsAllTasksAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(nil, func(t *fakeTask) { t.stopAfter = 5 * time.Second })
		w.serve(10)
		began := time.Now()
		w.end()
		if took := time.Since(began); took > 6*time.Second || w.runtime.alive() != 0 {
			t.Errorf("%d tasks are alive after %v", w.runtime.alive(), took)
		}
		w.boot()
		w.pass(10 * time.Second)
		if s := w.service(); s.RunningCount != 10 {
			t.Errorf("%d running after the next start", s.RunningCount)
		}
	})
}

func TestShutdownDoesNotWaitForever(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(nil, func(t *fakeTask) { t.ignores = true })
		w.serve(1)
		began := time.Now()
		w.end()
		if took := time.Since(began); took > stopGrace+time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// A change that asks a task to stop and is never on disk leaves it asked and not told: the store is another replica's,
// or the disk has failed. The end of the server does not wait for that.
func TestShutdownStopsATaskThatAFailedWriteHasAskedToStop(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		w.api.cell.State.Later(func(tx *state.Tx) {
			for _, c := range w.api.clusters {
				for _, t := range c.tasks {
					t.api.DesiredStatus = aws.String(statusStopped)
				}
			}
		})
		began := time.Now()
		w.end()
		if took := time.Since(began); took > time.Minute || w.runtime.alive() != 0 {
			t.Errorf("%d tasks are alive after %v", w.runtime.alive(), took)
		}
	})
}

func TestStateSurvivesAsItWas(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1, breaker, func(in *ecs.CreateServiceInput) {
			in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}
		})
		must(w.api.PutAccountSetting(w.Context(), &ecs.PutAccountSettingInput{Name: types.SettingNameContainerInsights, Value: aws.String("enabled")}))(w)
		look := func() []any {
			c := must(w.api.DescribeClusters(w.Context(), &ecs.DescribeClustersInput{Clusters: []string{"prod"}, Include: types.ClusterField("").Values()}))(w)
			d := must(w.api.DescribeTaskDefinition(w.Context(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("web")}))(w)
			s := must(w.api.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"web"}, Include: []types.ServiceField{types.ServiceFieldTags}}))(w)
			l := must(w.api.ListServiceDeployments(w.Context(), &ecs.ListServiceDeploymentsInput{Cluster: aws.String("prod"), Service: aws.String("web")}))(w)
			a := must(w.api.ListAccountSettings(w.Context(), &ecs.ListAccountSettingsInput{}))(w)
			return []any{c.Clusters, d.TaskDefinition, s.Services, l.ServiceDeployments, a.Settings, w.tasks("")}
		}
		before := look()
		w.crash()
		w.boot()
		for i, after := range look() {
			if got, want := string(marshal(after)), string(marshal(before[i])); got != want {
				t.Errorf("after the restart\n%s\nbefore it\n%s", got, want)
			}
		}
	})
}

func TestMetricsOfAService(t *testing.T) {
	inWorld(t, func(w *world) {
		loads := []float64{0.05, 0.15} // of a quarter CPU: 20 % and 60 %
		w.runtime.set(nil, func(t *fakeTask) {
			t.load, t.memory = loads[0], 128<<20 // of 512 MiB: 25 %
			loads = loads[1:]
		})
		w.serve(2)
		w.pass(3 * time.Minute)
		for _, ofService := range []bool{true, false} {
			cpu := w.metrics.of("AWS/ECS", "CPUUtilization", ofService)
			if len(cpu) != 3 {
				t.Fatalf("%d CPU samples in 3 minutes", len(cpu))
			}
			for i, s := range cpu {
				if want := noon.Add(time.Duration(i) * time.Minute); !s.Time.Equal(want) {
					t.Errorf("sample %d is of %v, want the start of its period, %v", i, s.Time, want)
				}
				if avg, _ := s.Set.Value(metric.Average); s.Set.Count != 2 || !near(avg, 40) || !near(s.Set.Min, 20) || !near(s.Set.Max, 60) || s.Unit != "Percent" {
					t.Errorf("sample %d: %+v %s", i, s.Set, s.Unit)
				}
			}
			memory := w.metrics.of("AWS/ECS", "MemoryUtilization", ofService)[0]
			if avg, _ := memory.Set.Value(metric.Average); !near(avg, 25) {
				t.Errorf("memory %v %%", avg)
			}
		}
		if n := len(w.metrics.of("ECS/ContainerInsights", "RunningTaskCount", true)); n != 0 {
			t.Errorf("%d Container Insights samples while it is off", n)
		}
	})
}

func near(a, b float64) bool { return a > b-0.5 && a < b+0.5 }

func TestMetricsKeepTheirMeaningOnAFastClock(t *testing.T) {
	inWorldAt(t, 60, func(w *world) {
		w.runtime.set(nil, func(t *fakeTask) { t.load = 0.125 })
		w.serve(1)
		w.pass(3 * time.Second) // of real time: three minutes
		cpu := w.metrics.of("AWS/ECS", "CPUUtilization", true)
		if len(cpu) < 6 {
			t.Fatalf("%d samples", len(cpu))
		}
		for i, s := range cpu[1:] {
			if !near(s.Set.Sum, 50) || s.Time.Sub(cpu[i].Time) != time.Minute {
				t.Errorf("sample of %v after %v: %+v", s.Time, cpu[i].Time, s.Set)
			}
		}
	})
}

func TestShortMetricPeriod(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(nil, func(t *fakeTask) { t.load = 0.125 })
		w.serve(1)
		w.pass(time.Minute - 4*time.Second - time.Millisecond) // to the end of a period, which is not lost
		w.api.SetMetricPeriod(w.Context(), "prod", "web", 20*time.Second)
		w.pass(time.Minute)
		cpu := w.metrics.of("AWS/ECS", "CPUUtilization", true)
		if len(cpu) != 3 {
			t.Fatalf("%d samples in a minute", len(cpu))
		}
		for i, s := range cpu {
			if want := noon.Add(time.Duration(i+2) * 20 * time.Second); !s.Time.Equal(want) || s.Resolution != time.Second || !near(s.Set.Sum, 50) {
				t.Errorf("sample %d of %v by %v: %+v", i, s.Time, s.Resolution, s.Set)
			}
		}
		if n := len(w.metrics.of("AWS/ECS", "CPUUtilization", false)); n != 1 {
			t.Errorf("%d samples of the cluster, want one a minute", n)
		}
		w.api.SetMetricPeriod(w.Context(), "prod", "web", 0)
		w.pass(time.Minute)
		if n := len(w.metrics.of("AWS/ECS", "CPUUtilization", true)); n != 4 {
			t.Errorf("%d samples after a minute by minutes, want 4", n)
		}
	})
}

func TestAServiceChoosesTheResolutionOfItsMetrics(t *testing.T) {
	monitoring := func(seconds int32) *types.MonitoringConfiguration {
		return &types.MonitoringConfiguration{MetricConfigurations: []types.MetricConfiguration{
			{MetricNames: []string{"CPUUtilization"}, ResolutionSeconds: aws.Int32(seconds)},
		}}
	}
	inWorld(t, func(w *world) {
		w.serve(1, func(in *ecs.CreateServiceInput) { in.Monitoring = monitoring(20) })
		count := 0
		wantMore := func(want int) {
			t.Helper()
			w.pass(time.Minute)
			n := len(w.metrics.of("AWS/ECS", "CPUUtilization", true))
			if n-count != want {
				t.Errorf("%d samples in a minute, want %d", n-count, want)
			}
			count = n
		}
		count = len(w.metrics.of("AWS/ECS", "CPUUtilization", true))
		wantMore(3)
		w.api.SetMetricPeriod(w.Context(), "prod", "web", 10*time.Second) // a policy wants more
		wantMore(6)
		w.api.SetMetricPeriod(w.Context(), "prod", "web", 0)
		wantMore(3)
		before := *w.service().Deployments[0].Id
		w.update(&ecs.UpdateServiceInput{Monitoring: monitoring(60)})
		wantMore(1)
		if after := *w.service().Deployments[0].Id; after != before {
			t.Errorf("another resolution takes a deployment: %s after %s", after, before)
		}
	})
}

func TestTaskWithoutReservedCPUIsMeasuredAgainstOneCPU(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define(func(in *ecs.RegisterTaskDefinitionInput) {
			in.Cpu, in.RequiresCompatibilities, in.NetworkMode = nil, nil, types.NetworkModeBridge
		})
		w.runtime.set(nil, func(t *fakeTask) { t.load = 0.5 })
		must(w.api.CreateService(w.Context(), webService(1, func(in *ecs.CreateServiceInput) {
			in.LaunchType, in.NetworkConfiguration = "", nil
		})))(w)
		w.pass(time.Minute + time.Second)
		if cpu := w.metrics.of("AWS/ECS", "CPUUtilization", true); len(cpu) != 1 || !near(cpu[0].Set.Sum, 50) {
			t.Errorf("samples %+v", cpu)
		}
	})
}

func TestContainerInsights(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(nil, func(t *fakeTask) { t.load, t.memory = 0.125, 64<<20 })
		w.serve(2)
		must(w.api.UpdateClusterSettings(w.Context(), &ecs.UpdateClusterSettingsInput{
			Cluster:  aws.String("prod"),
			Settings: []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: aws.String("enabled")}},
		}))(w)
		w.pass(time.Minute)
		for name, want := range map[string]float64{
			"DesiredTaskCount": 2, "RunningTaskCount": 2, "PendingTaskCount": 0,
			"CpuUtilized": 256, "CpuReserved": 512, "MemoryUtilized": 128, "MemoryReserved": 1024,
		} {
			samples := w.metrics.of("ECS/ContainerInsights", name, true)
			if len(samples) != 1 || !near(samples[0].Set.Sum, want) {
				t.Errorf("%s: %+v, want %v", name, samples, want)
			}
		}
	})
}

func TestAdoptedTaskIsMeasuredFromItsFirstReading(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(nil, func(t *fakeTask) { t.load = 0.125 })
		w.serve(1)
		w.crash()
		w.pass(10 * time.Minute)
		w.metrics.samples = nil
		w.boot()
		w.pass(2 * time.Minute)
		cpu := w.metrics.of("AWS/ECS", "CPUUtilization", true)
		if len(cpu) != 1 || !near(cpu[0].Set.Sum, 50) {
			t.Errorf("samples %+v", cpu)
		}
	})
}
