package ecs

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// What a task asks of its agent over plain HTTP: where it is (Amazon ECS
// Developer Guide, "Amazon ECS task metadata endpoint version 4") and, for a
// worker that must not be interrupted, its protection ("Amazon ECS task
// scale-in protection endpoint"). The task's ID in the path, 32 random hex
// digits that it learns from its environment, is what allows the call. The
// credentials of its role take more than that.

// maxProtectionBody bounds the body of a protection request.
const maxProtectionBody = 4 << 10

// Metadata serves /ecs/metadata/v4/ and /ecs/agent/. Tasks are told of it when
// Config.Metadata names the server that it is mounted on.
func (a *API) Metadata() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ecs/metadata/v4/{container}", a.serveContainer)
	mux.HandleFunc("GET /ecs/metadata/v4/{container}/task", a.serveTask)
	mux.HandleFunc("GET /ecs/credentials/{task}/{secret}", a.serveCredentials)
	mux.HandleFunc("GET /ecs/agent/{task}/task-protection/v1/state", a.serveProtection)
	mux.HandleFunc("PUT /ecs/agent/{task}/task-protection/v1/state", a.changeProtection)
	return mux
}

// agentEnvironment tells a container where its metadata is.
func (a *API) agentEnvironment(t *task, container string) map[string]string {
	if a.cfg.Metadata == "" {
		return nil
	}
	return map[string]string{
		"ECS_CONTAINER_METADATA_URI_V4": a.cfg.Metadata + "/ecs/metadata/v4/" + t.runtimeID(container),
		"ECS_AGENT_URI":                 a.cfg.Metadata + "/ecs/agent/" + t.id,
	}
}

// runtimeID names one container among those of all tasks.
func (t *task) runtimeID(container string) string { return t.id + "-" + container }

// The documents of the metadata endpoint.

type containerMetadata struct {
	DockerID      string `json:"DockerId"`
	Name          string
	DockerName    string
	Image         string
	ImageID       string
	Labels        map[string]string
	DesiredStatus string
	KnownStatus   string
	ExitCode      *int32 `json:",omitempty"`
	Limits        limits
	CreatedAt     *time.Time `json:",omitempty"`
	StartedAt     *time.Time `json:",omitempty"`
	Type          string
	ContainerARN  string
	Networks      []network
}

type taskMetadata struct {
	Cluster          string
	TaskARN          string
	Family           string
	Revision         string
	ServiceName      string `json:",omitempty"`
	DesiredStatus    string
	KnownStatus      string
	Limits           limits     // CPU in virtual CPUs here
	PullStartedAt    *time.Time `json:",omitempty"`
	PullStoppedAt    *time.Time `json:",omitempty"`
	AvailabilityZone string
	LaunchType       types.LaunchType
	Containers       []containerMetadata
}

type limits struct {
	CPU    float64 `json:",omitempty"`
	Memory int     `json:",omitempty"`
}

type network struct {
	NetworkMode   types.NetworkMode
	IPv4Addresses []string
}

func (a *API) serveContainer(w http.ResponseWriter, r *http.Request) {
	id, name, _ := strings.Cut(r.PathValue("container"), "-")
	m, ok := a.metadataOf(r.Context(), id)
	i := slices.IndexFunc(m.Containers, func(c containerMetadata) bool { return c.Name == name })
	if !ok || i < 0 {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, m.Containers[i])
}

func (a *API) serveTask(w http.ResponseWriter, r *http.Request) {
	id, _, _ := strings.Cut(r.PathValue("container"), "-")
	m, ok := a.metadataOf(r.Context(), id)
	if !ok {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, m)
}

// metadataOf is what a task is told of itself: nothing that a crash takes back.
func (a *API) metadataOf(ctx context.Context, id string) (m taskMetadata, ok bool) {
	a.cell.State.View(ctx, func() {
		var t *task
		if t, ok = a.taskByID(id); ok {
			m = t.metadata()
		}
	})
	return m, ok && a.cell.State.Settle(ctx) == nil
}

// taskByID finds a task in any cluster.
func (a *API) taskByID(id string) (*task, bool) {
	for _, c := range a.clusters {
		if t, ok := c.tasks[id]; ok {
			return t, true
		}
	}
	return nil, false
}

func (t *task) metadata() taskMetadata {
	family, revision, _ := strings.Cut(t.definition.key(), ":")
	size := t.size()
	m := taskMetadata{
		Cluster:          *t.api.ClusterArn,
		TaskARN:          t.arn(),
		Family:           family,
		Revision:         revision,
		DesiredStatus:    *t.api.DesiredStatus,
		KnownStatus:      t.status(),
		Limits:           limits{CPU: float64(size.CPU) / 1024, Memory: size.Memory},
		PullStartedAt:    t.api.PullStartedAt,
		PullStoppedAt:    t.api.PullStoppedAt,
		AvailabilityZone: aws.ToString(t.api.AvailabilityZone),
		LaunchType:       t.api.LaunchType,
	}
	if t.service != nil {
		m.ServiceName = t.service.name
	}
	for i, c := range t.api.Containers {
		m.Containers = append(m.Containers, t.containerMetadata(c, t.definition.api.ContainerDefinitions[i]))
	}
	return m
}

func (t *task) containerMetadata(c types.Container, d types.ContainerDefinition) containerMetadata {
	family, revision, _ := strings.Cut(t.definition.key(), ":")
	m := containerMetadata{
		DockerID:   t.runtimeID(*c.Name),
		Name:       *c.Name,
		DockerName: *c.Name,
		Image:      *c.Image,
		Labels: map[string]string{
			"com.amazonaws.ecs.cluster":                 *t.api.ClusterArn,
			"com.amazonaws.ecs.container-name":          *c.Name,
			"com.amazonaws.ecs.task-arn":                t.arn(),
			"com.amazonaws.ecs.task-definition-family":  family,
			"com.amazonaws.ecs.task-definition-version": revision,
		},
		DesiredStatus: *t.api.DesiredStatus,
		KnownStatus:   *c.LastStatus,
		ExitCode:      c.ExitCode,
		Limits:        limits{CPU: float64(d.Cpu), Memory: int(aws.ToInt32(d.Memory))},
		CreatedAt:     t.api.CreatedAt,
		StartedAt:     t.api.StartedAt,
		Type:          "NORMAL",
		ContainerARN:  *c.ContainerArn,
	}
	if t.address != "" {
		mode := t.definition.api.NetworkMode
		if mode == "" {
			mode = types.NetworkModeBridge
		}
		m.Networks = []network{{NetworkMode: mode, IPv4Addresses: []string{t.address}}}
	}
	return m
}

func (a *API) serveProtection(w http.ResponseWriter, r *http.Request) {
	cluster, arn, ok := a.placeOf(r.Context(), r.PathValue("task"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	out, err := a.GetTaskProtection(r.Context(), &ecs.GetTaskProtectionInput{Cluster: &cluster, Tasks: []string{arn}})
	if err != nil {
		protectionError(w, arn, err)
		return
	}
	writeProtection(w, out.ProtectedTasks, out.Failures)
}

func (a *API) changeProtection(w http.ResponseWriter, r *http.Request) {
	cluster, arn, ok := a.placeOf(r.Context(), r.PathValue("task"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	var body struct {
		ProtectionEnabled *bool
		ExpiresInMinutes  *int32
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxProtectionBody)).Decode(&body)
	if err != nil || body.ProtectionEnabled == nil {
		protectionError(w, arn, fault.InvalidParameter("Invalid request: does not contain 'ProtectionEnabled' field"))
		return
	}
	out, err := a.UpdateTaskProtection(r.Context(), &ecs.UpdateTaskProtectionInput{
		Cluster: &cluster, Tasks: []string{arn}, ProtectionEnabled: *body.ProtectionEnabled, ExpiresInMinutes: body.ExpiresInMinutes,
	})
	if err != nil {
		protectionError(w, arn, err)
		return
	}
	writeProtection(w, out.ProtectedTasks, out.Failures)
}

// placeOf is the cluster and the ARN of a task.
func (a *API) placeOf(ctx context.Context, id string) (cluster, arn string, ok bool) {
	a.cell.State.View(ctx, func() {
		var t *task
		if t, ok = a.taskByID(id); ok {
			cluster, arn = t.cluster.name, t.arn()
		}
	})
	return cluster, arn, ok
}

func writeProtection(w http.ResponseWriter, tasks []types.ProtectedTask, failures []types.Failure) {
	if len(failures) > 0 {
		f := failures[0]
		writeJSON(w, http.StatusOK, map[string]any{"failure": map[string]string{
			"Arn": aws.ToString(f.Arn), "Detail": aws.ToString(f.Detail), "Reason": aws.ToString(f.Reason),
		}})
		return
	}
	protection := map[string]any{"TaskArn": *tasks[0].TaskArn, "ProtectionEnabled": tasks[0].ProtectionEnabled}
	if until := tasks[0].ExpirationDate; until != nil {
		protection["ExpirationDate"] = until.Format(time.RFC3339)
	}
	writeJSON(w, http.StatusOK, map[string]any{"protection": protection})
}

func protectionError(w http.ResponseWriter, arn string, err error) {
	code, message := fault.Code(err)
	writeJSON(w, http.StatusBadRequest, map[string]any{"error": map[string]string{"Arn": arn, "Code": code, "Message": message}})
}

// writeJSON answers with a document. A client that is gone is not told.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(marshal(v))
}
