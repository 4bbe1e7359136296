package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// counter is a program that counts its lines, and says how many it has written when it
// is to end.
const counter = `#!/bin/sh
trap 'echo "last $i"; exit 0' TERM
i=0
while :; do
	i=$((i + 1))
	echo "line $i"
	sleep 0.01
done
`

// What a task writes while servers are killed is in its log stream, each line once, up to
// its last words.
func TestKillsLoseNoLineOfATaskAndDoubleNone(t *testing.T) {
	program := filepath.Join(t.TempDir(), "counter")
	if err := os.WriteFile(program, []byte(counter), 0o755); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	images := []string{"--image", "counter=" + program}
	s := serve(t, data, images...)
	must(s.Logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("app")}))(t)
	must(s.ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("test")}))(t)
	must(s.ECS.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("counter"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("main"), Image: aws.String("counter"), Memory: aws.Int32(64), StopTimeout: aws.Int32(10),
			LogConfiguration: &ecstypes.LogConfiguration{LogDriver: ecstypes.LogDriverAwslogs, Options: map[string]string{
				"awslogs-group": "app", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "test",
			}},
		}},
	}))(t)
	must(s.ECS.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("test"), TaskDefinition: aws.String("counter")}))(t)
	for kills := range 3 {
		s.awaitLines(t, 100*kills+1)
		s.kill(t)
		s = serve(t, data, images...)
	}
	must(s.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Cluster: aws.String("test"), Task: aws.String(s.taskID(t))}))(t)
	lines := s.awaitLines(t, 1)
	for deadline := time.Now().Add(patience); !strings.HasPrefix(lines[len(lines)-1], "last "); lines = s.awaitLines(t, 1) {
		if time.Now().After(deadline) {
			t.Fatalf("the last line is %q", lines[len(lines)-1])
		}
	}
	if want := fmt.Sprintf("last %d", len(lines)-1); lines[len(lines)-1] != want {
		t.Errorf("the last line is %q, want %q", lines[len(lines)-1], want)
	}
	for i, line := range lines[:len(lines)-1] {
		if want := fmt.Sprintf("line %d", i+1); line != want {
			t.Fatalf("line %d is %q", i+1, line)
		}
	}
}

// awaitLines reads the log group of the tests until it has some lines.
func (s *served) awaitLines(t *testing.T, least int) []string {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		text, err := flyball(t, "logs", "app", "--endpoint", s.Endpoint)
		if err != nil {
			t.Fatalf("flyball logs app: %v: %s", err, text)
		}
		var lines []string
		for line := range strings.Lines(text) {
			_, message, _ := strings.Cut(strings.TrimSpace(line), "/")
			_, message, _ = strings.Cut(message, " ")
			if message != "Terminated" { // the shell's own word about its sleep
				lines = append(lines, message)
			}
		}
		if len(lines) >= least {
			return lines
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %d lines: %d", patience, least, len(lines))
		}
		<-time.After(50 * time.Millisecond)
	}
}
