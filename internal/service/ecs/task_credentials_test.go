package ecs

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// oneRole is an account with the role web, which can be assumed unless it says
// otherwise. In place of others it may lend credentials. It counts sessions.
type oneRole struct {
	err      error
	lends    bool
	sessions int
	released []string
}

func (r *oneRole) Release(accessKey string) { r.released = append(r.released, accessKey) }

func (r *oneRole) Assume(_ context.Context, role, taskARN, taskID string, lasts time.Duration) (Credentials, error) {
	switch {
	case role != "web" && !r.lends:
		return Credentials{}, ErrNoRole
	case r.err != nil:
		return Credentials{}, r.err
	}
	r.sessions++
	return Credentials{RoleArn: role, AccessKeyID: "ASIA" + taskID, SecretAccessKey: "s", Token: taskARN, Expiration: time.Now().Add(lasts)}, nil
}

// withRoles has a world whose account has the role web.
func (w *world) withRoles(known bool) *oneRole {
	roles := &oneRole{lends: !known}
	w.api.cfg.Roles, w.api.cfg.Metadata, w.api.cfg.KnownKeys = roles, "http://127.0.0.1:4566", known
	return roles
}

// withRole is a service whose tasks have a role.
func (w *world) serveWithRole(role string) {
	w.Helper()
	w.define(func(in *ecs.RegisterTaskDefinitionInput) {
		in.Family, in.TaskRoleArn = aws.String("acting"), &role
	})
	w.serve(1, func(in *ecs.CreateServiceInput) { in.TaskDefinition = aws.String("acting") })
}

// environment is that of the first container of a task that runs.
func (w *world) environment() map[string]string {
	w.Helper()
	env := map[string]string{}
	for _, e := range w.runtime.any().spec.Containers[0].Env {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	return env
}

func TestATaskFindsTheCredentialsOfItsRole(t *testing.T) {
	inWorld(t, func(w *world) {
		roles := w.withRoles(true)
		w.serveWithRole("web")
		task := w.tasks("")[0]
		env := w.environment()
		uri := env["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
		if !strings.HasPrefix(uri, "http://127.0.0.1:4566/ecs/credentials/") || env["AWS_ACCESS_KEY_ID"] != "" || env["AWS_SECRET_ACCESS_KEY"] != "" {
			t.Fatalf("the task is told %v", env)
		}
		id := (*task.TaskArn)[strings.LastIndexByte(*task.TaskArn, '/')+1:]
		for range 3 {
			code, c := w.askFrom("127.0.0.1:5000", uri)
			if code != 200 || c["RoleArn"] != "web" || c["AccessKeyId"] != "ASIA"+id || c["SecretAccessKey"] != "s" || c["Token"] != *task.TaskArn || c["Expiration"] == nil {
				t.Errorf("%d %v", code, c)
			}
		}
		if roles.sessions != 1 {
			t.Errorf("%d sessions for one task", roles.sessions)
		}
		time.Sleep(5*time.Hour + time.Minute)
		if w.askFrom("127.0.0.1:5000", uri); roles.sessions != 2 {
			t.Errorf("%d sessions when the first ends soon", roles.sessions)
		}

		// What is no secret opens nothing, nor does the secret elsewhere or too late.
		for name, c := range map[string]struct{ client, uri string }{
			"by the task's ID":         {"127.0.0.1:5000", uri[:strings.LastIndexByte(uri, '/')+1] + "x"},
			"by another secret":        {"127.0.0.1:5000", uri + "x"},
			"of no task":               {"127.0.0.1:5000", strings.Replace(uri, id, strings.Repeat("0", 32), 1)},
			"from another task":        {"10.9.9.9:5000", uri},
			"from nowhere that counts": {"", uri},
		} {
			if code, v := w.askFrom(c.client, c.uri); code != 400 || v["code"] != "InvalidIdInRequest" {
				t.Errorf("%s: %d %v", name, code, v)
			}
		}
		w.scale(0)
		w.pass(time.Minute)
		if code, _ := w.askFrom("127.0.0.1:5000", uri); code != 400 {
			t.Errorf("a task that has stopped: %d", code)
		}
	})
}

func (w *world) askFrom(client, url string) (int, map[string]any) {
	w.Helper()
	r := httptest.NewRequestWithContext(w.Context(), "GET", url, nil)
	r.RemoteAddr = client
	return w.send(r)
}

func TestATaskKeepsItsCredentialsInTheNextLifeOfTheServer(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withRoles(true)
		w.serveWithRole("web")
		uri := w.environment()["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
		w.crash()
		w.open()
		w.withRoles(true)
		w.run()
		if code, v := w.askFrom("127.0.0.1:5000", uri); code != 200 {
			t.Errorf("%d %v", code, v)
		}
	})
}

// runTask runs one of web's definition, and describes it a second later.
func (w *world) runTask(o *types.TaskOverride) types.Task {
	w.Helper()
	w.cluster("prod")
	out := must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{
		TaskDefinition: aws.String("web"), Cluster: aws.String("prod"), NetworkConfiguration: subnets, Overrides: o,
	}))(w)
	w.pass(time.Second)
	return must(w.api.DescribeTasks(w.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{*out.Tasks[0].TaskArn}}))(w).Tasks[0]
}

func TestWhereSDKsReadCredentials(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"http://127.0.0.1:4566": true, "http://127.65.0.1:80": true, "http://[::1]:4566": true, "http://169.254.170.2": true,
		"http://172.18.0.1:4566": false, "http://example.com": false, "": false,
	} {
		if got := readBySDKs(endpoint); got != want {
			t.Errorf("%s: %t", endpoint, got)
		}
	}
}

func TestATaskIsToldCredentialsThatSDKsWouldNotRead(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withRoles(true)
		w.api.cfg.Metadata = "http://172.18.0.1:4566"
		w.serveWithRole("web")
		arn := *w.tasks("")[0].TaskArn
		key := "ASIA" + arn[strings.LastIndexByte(arn, '/')+1:]
		env := w.environment()
		if env["AWS_ACCESS_KEY_ID"] != key || env["AWS_SECRET_ACCESS_KEY"] != "s" || env["AWS_SESSION_TOKEN"] != arn || env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] != "" {
			t.Errorf("the task is told %v", env)
		}
		w.crash()
		w.open()
		roles := w.withRoles(true)
		w.run()
		if len(roles.released) > 0 {
			t.Errorf("released while the task runs: %v", roles.released)
		}
		w.scale(0)
		w.pass(time.Minute)
		if !slices.Equal(roles.released, []string{key}) {
			t.Errorf("released when the task has stopped: %v", roles.released)
		}
	})
}

func TestTheRoleOfAnOverrideGoesFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withRoles(true)
		w.define(func(in *ecs.RegisterTaskDefinitionInput) { in.TaskRoleArn = aws.String("other") })
		w.runTask(&types.TaskOverride{TaskRoleArn: aws.String("web")})
		if w.environment()["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == "" {
			t.Error("it has no credentials")
		}
	})
}

func TestAServiceTellsOfTheRoleThatItsTasksCannotAssume(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withRoles(true).err = ErrNoTrust
		w.serveWithRole("web")
		w.pass(10 * time.Minute)
		told := 0
		for _, e := range w.service().Events {
			if strings.HasPrefix(*e.Message, "(service web) failed to launch a task with (error ECS was unable to assume the role 'web'") {
				told++
			}
		}
		if told == 0 || told > 3 {
			t.Errorf("told %d times: %v", told, w.events())
		}
	})
}

// A server that lets in any key of whoever started it lends tasks credentials that have no
// role.
func TestTheCredentialsOfTasksByWhatTheServerLetsIn(t *testing.T) {
	const refusal = "ECS was unable to assume the role 'ROLE' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
	for name, c := range map[string]struct {
		role    string
		err     error
		known   bool
		uri     bool
		stopped bool
	}{
		"no role":                               {"", nil, false, true, false},
		"no role, known keys only":              {"", nil, true, false, false},
		"a role":                                {"web", nil, false, true, false},
		"a role, known keys only":               {"web", nil, true, true, false},
		"no such role":                          {"other", nil, false, true, false},
		"no such role, known keys only":         {"other", nil, true, false, true},
		"a role without trust":                  {"web", ErrNoTrust, false, false, true},
		"a role without trust, known keys only": {"web", ErrNoTrust, true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.withRoles(c.known).err = c.err
				w.define(func(in *ecs.RegisterTaskDefinitionInput) {
					if c.role != "" {
						in.TaskRoleArn = &c.role
					}
				})
				task := w.runTask(nil)
				if c.stopped {
					if *task.StoppedReason != strings.Replace(refusal, "ROLE", c.role, 1) || task.StopCode != types.TaskStopCodeTaskFailedToStart {
						t.Errorf("stopped for %s: %s", task.StopCode, *task.StoppedReason)
					}
					return
				}
				env := w.environment()
				if env["AWS_ACCESS_KEY_ID"] != "" || (env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] != "") != c.uri {
					t.Errorf("the task is told %v", env)
				}
			})
		})
	}
}
