package server

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/store"
)

// folderOfLayout0 is a data folder as the release before there were cells wrote it,
// for eu-central-1, without the documents that a test leaves out.
func folderOfLayout0(t *testing.T, without func(kind, key string) bool) string {
	t.Helper()
	text, err := os.ReadFile("testdata/layout0.json")
	if err != nil {
		t.Fatal(err)
	}
	var documents []struct {
		Kind, Key string
		Value     []byte
	}
	if err := json.Unmarshal(text, &documents); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	st, err := store.OpenSQLite(filepath.Join(dir, "flyball.db"))
	if err != nil {
		t.Fatal(err)
	}
	b := new(store.Batch)
	for _, d := range documents {
		if !without(d.Kind, d.Key) {
			b.Put(d.Kind, d.Key, d.Value)
		}
	}
	if err := st.Write(b).Wait(); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// whatIsThere names what an old folder holds, as the APIs of a cell show it.
func whatIsThere(t *testing.T, v *services) []string {
	t.Helper()
	var found []string
	add := func(names ...string) { found = append(found, names...) }
	targets, err := v.autoscaling.DescribeScalableTargets(t.Context(), &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range targets.ScalableTargets {
		add("target " + *x.ResourceId)
	}
	policies, err := v.autoscaling.DescribeScalingPolicies(t.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range policies.ScalingPolicies {
		add("policy " + *x.PolicyName)
	}
	actions, err := v.autoscaling.DescribeScheduledActions(t.Context(), &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range actions.ScheduledActions {
		add("action " + *x.ScheduledActionName)
	}
	alarms, err := v.cloudwatch.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmTypes: cwtypes.AlarmType("").Values()})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range alarms.MetricAlarms {
		name, _, _ := strings.Cut(strings.TrimPrefix(*x.AlarmName, "TargetTracking-service/shop/web-"), "-")
		add("alarm " + name)
	}
	for _, x := range alarms.CompositeAlarms {
		add("alarm " + *x.AlarmName)
	}
	described, err := v.ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"web"}})
	if err == nil {
		for _, x := range described.Services {
			add("service " + *x.ServiceName)
		}
	}
	slices.Sort(found)
	return found
}

var everything = []string{"action night", "alarm AlarmHigh", "alarm AlarmLow", "alarm any", "alarm hot", "policy cpu", "policy step", "service web", "target service/shop/web"}

func TestAFolderFromBeforeCellsIsRead(t *testing.T) {
	dir := folderOfLayout0(t, func(string, string) bool { return false })
	for range 2 { // the second start finds today's layout
		s := open(t, dir)
		if got := whatIsThere(t, s.cells.find("123456789012", "eu-central-1")); !slices.Equal(got, everything) {
			t.Errorf("the folder's cell has %q", got)
		}
		if got := whatIsThere(t, s.home()); len(got) > 0 {
			t.Errorf("the default cell has %q", got)
		}
		s.Close()
	}
}

func TestWhatAnEarlierReleaseLeftHalfWrittenIsMended(t *testing.T) {
	for _, tt := range []struct {
		name    string
		without func(kind, key string) bool
		gone    []string // of everything: what is not there
	}{
		{"a policy gets its alarms", func(_, key string) bool { return strings.Contains(key, "AlarmLow") }, nil},
		{"alarms go with their policy", func(kind, key string) bool { return kind == "autoscaling.policy" && strings.HasSuffix(key, " cpu") },
			[]string{"policy cpu", "alarm AlarmHigh", "alarm AlarmLow"}},
		{"policies and actions go with their target", func(kind, _ string) bool { return kind == "autoscaling.target" },
			[]string{"target service/shop/web", "policy cpu", "policy step", "action night", "alarm AlarmHigh", "alarm AlarmLow"}},
		{"a target goes with its service", func(kind, _ string) bool { return kind == "ecs.service" || kind == "ecs.servicedeployment" },
			[]string{"service web", "target service/shop/web", "policy cpu", "policy step", "action night", "alarm AlarmHigh", "alarm AlarmLow"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, folderOfLayout0(t, tt.without))
			defer s.Close()
			want := slices.DeleteFunc(slices.Clone(everything), func(s string) bool { return slices.Contains(tt.gone, s) })
			if got := whatIsThere(t, s.cells.find("123456789012", "eu-central-1")); !slices.Equal(got, want) {
				t.Errorf("there are %q, want %q", got, want)
			}
		})
	}
}
