package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"
)

// completions are what a shell is told to propose for the last of some words, without their
// descriptions.
func completions(t *testing.T, words ...string) (proposed []string) {
	t.Helper()
	var out, complaints bytes.Buffer
	if status := execute(t.Context(), append([]string{cobra.ShellCompRequestCmd}, words...), &out, &complaints); status != 0 {
		t.Fatalf("%q: status %d: %s", words, status, complaints.String())
	}
	for line := range strings.Lines(out.String()) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, ":") {
			text, _, _ := strings.Cut(line, "\t")
			proposed = append(proposed, text)
		}
	}
	return proposed
}

func TestAShellCompletesWhatTheServerHas(t *testing.T) {
	s := serve(t, "")
	s.createService(t)
	must(s.ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("prod")}))(t)
	must(s.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("jobs")}))(t)
	must(s.In("eu-west-1").ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("far")}))(t)
	task := s.taskID(t)
	t.Setenv("AWS_ENDPOINT_URL", s.Endpoint)
	for _, tt := range []struct {
		line string // its last word is completed; a blank at the end is an empty word
		want []string
	}{
		{"explain ", []string{"test/web"}},
		{"explain te", []string{"test/web"}},
		{"explain service/", []string{"service/test/web"}},
		{"explain test/web ", nil},
		{"status ", []string{"test/web", "prod", "test"}},
		{"status test/web ", []string{"prod", "test"}},
		{"logs " + task[:5], []string{task}},
		{"logs test/" + task[:5], []string{"test/" + task}},
		{"load --service ", []string{"test/web"}},
		{"load --queue j", []string{"jobs"}},
		{"status --region ", []string{"eu-west-1", "us-east-1"}},
		{"serve --runtime ", []string{"auto", "process", "docker", "kubernetes", "simulated"}},
		{"serve --log-level ", []string{"debug", "info", "warn", "error"}},
		{"expl", []string{"explain"}},
	} {
		if got := completions(t, strings.Split(tt.line, " ")...); !slices.Equal(got, tt.want) {
			t.Errorf("flyball %s: %q, want %q", tt.line, got, tt.want)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	if got := completions(t, "explain", ""); len(got) != 0 {
		t.Errorf("without a server: %q", got)
	}
}
