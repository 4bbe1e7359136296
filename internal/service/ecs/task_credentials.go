package ecs

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/state"
)

// TaskRoles gives tasks the credentials of their roles; IAM and STS do.
type TaskRoles interface {
	// Assume makes credentials of a session of a role, by its ARN or its name, for a
	// task, and names the session after the task. Without a role they are credentials of
	// the task's own. Its errors are ErrNoRole and ErrNoTrust, or say what is broken.
	Assume(ctx context.Context, role, taskARN, taskID string, lasts time.Duration) (Credentials, error)
	// Release ends credentials before their time.
	Release(accessKey string)
}

// How long the sessions of tasks last, whatever their roles say. A task that asks for
// its credentials gets new ones in time, as with ECS. One that is told them lives with
// them, and they end with it.
const (
	sessionLasts = 6 * time.Hour
	lifeLasts    = 10 * 365 * 24 * time.Hour
)

// Why a task's role cannot be assumed.
var (
	ErrNoRole  = errors.New("there is no such role")
	ErrNoTrust = errors.New("the role's trust policy does not allow sts:AssumeRole to ecs-tasks.amazonaws.com")
)

// Credentials are those of a session, as containers are given them (Amazon ECS
// Developer Guide, "Amazon ECS task IAM role").
type Credentials struct {
	RoleArn         string
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      time.Time // on the wall clock
}

// renewBefore is how long before their end credentials are replaced by new ones.
// Clients ask again some minutes before.
const renewBefore = time.Hour

// fresh reports whether credentials can be given out.
func (c *Credentials) fresh(now time.Time) bool {
	return c != nil && now.Add(renewBefore).Before(c.Expiration)
}

// role is the role that a task acts as, or nothing. It never changes.
func (t *task) role() string {
	role := t.definition.api.TaskRoleArn
	if o := t.api.Overrides; o != nil && o.TaskRoleArn != nil {
		role = o.TaskRoleArn
	}
	return aws.ToString(role)
}

// unassumable is the stopped reason of a task whose role cannot be assumed.
func unassumable(role string) string {
	return fmt.Sprintf("ECS was unable to assume the role '%s' that was provided for this task. Please verify that the role being passed "+
		"has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.", role)
}

// newSecret is one for the path of a task's credentials, if it has any: where keys have to
// be known, those of its role alone.
func (a *API) newSecret(t *task) string {
	if a.cfg.Roles == nil || a.cfg.Metadata == "" || t.role() == "" && a.cfg.KnownKeys {
		return ""
	}
	return rand.Text()
}

// assumeRole has a task act as its role, if it has one, before its containers start. One
// without a role asks for credentials when it needs them, if it can.
func (a *API) assumeRole(ctx context.Context, t *task) error {
	if t.secret == "" || t.role() == "" && readBySDKs(a.cfg.Metadata) {
		return nil
	}
	c, err := a.credentialsOf(ctx, t)
	switch {
	case err == nil && !readBySDKs(a.cfg.Metadata):
		a.cell.State.Later(func(tx *state.Tx) {
			t.accessKey = c.AccessKeyID
			t.save(tx)
		})
	case errors.Is(err, ErrNoRole) || errors.Is(err, ErrNoTrust):
		reason := unassumable(t.role())
		a.cell.State.Later(func(tx *state.Tx) {
			if t.service != nil {
				a.warn(tx, t.service, failedToLaunch(reason))
			}
		})
		return errors.New(reason)
	}
	return err
}

// credentialsOf are those of a task's role: those that it was given, until they end
// soon. Whether the role may be assumed is asked for each session.
func (a *API) credentialsOf(ctx context.Context, t *task) (Credentials, error) {
	if given := t.credentials.Load(); given.fresh(time.Now()) {
		return *given, nil
	}
	lasts := sessionLasts
	if !readBySDKs(a.cfg.Metadata) {
		lasts = lifeLasts
	}
	c, err := a.cfg.Roles.Assume(ctx, t.role(), t.arn(), t.id, lasts)
	if err == nil {
		t.credentials.Store(&c)
	}
	return c, err
}

// releaseRole ends the credentials that a task was told, with the task.
func (a *API) releaseRole(tx *state.Tx, t *task) {
	if key := t.accessKey; key != "" && a.cfg.Roles != nil {
		tx.After(func() { a.cfg.Roles.Release(key) })
	}
}

// credentialEnvironment tells a container where its credentials are. In the path is a
// secret of the task's own: its ID alone, which is no secret, opens nothing. Where
// SDKs would not read them, it is told the credentials themselves.
func (a *API) credentialEnvironment(t *task) map[string]string {
	c := t.credentials.Load()
	switch {
	case t.accessKey != "" && c != nil:
		return map[string]string{"AWS_ACCESS_KEY_ID": c.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.SecretAccessKey, "AWS_SESSION_TOKEN": c.Token}
	case t.secret != "":
		return map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": a.cfg.Metadata + "/ecs/credentials/" + t.id + "/" + t.secret}
	case a.cfg.Roles == nil && !a.cfg.KnownKeys:
		return map[string]string{"AWS_ACCESS_KEY_ID": a.cell.Account, "AWS_SECRET_ACCESS_KEY": "task"}
	}
	return nil
}

// readBySDKs reports whether SDKs read credentials at a URL: in plain HTTP they do so at
// loopback and at the address of ECS's agent only.
func readBySDKs(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip.IsLoopback() || ip.Equal(net.IPv4(169, 254, 170, 2))
}

// serveCredentials answers a task, and in the network of tasks no other one.
func (a *API) serveCredentials(w http.ResponseWriter, r *http.Request) {
	var t *task
	a.cell.State.View(r.Context(), func() {
		found, ok := a.taskByID(r.PathValue("task"))
		if ok && found.secret != "" && !found.stopped() && reaches(r.RemoteAddr, found.address) &&
			subtle.ConstantTimeCompare([]byte(found.secret), []byte(r.PathValue("secret"))) == 1 {
			t = found
		}
	})
	if t == nil {
		credentialError(w, http.StatusBadRequest, "InvalidIdInRequest", "Credentials not found")
		return
	}
	c, err := a.credentialsOf(r.Context(), t)
	if err != nil {
		a.cell.Log.Warn("a task's role cannot be assumed any more", "task", t.id, "reason", err)
		credentialError(w, http.StatusInternalServerError, "CredentialsUnavailable", err.Error())
		return
	}
	writeJSON(w, http.StatusOK, c)
}

// reaches reports whether a client is at the address of a task. All processes of this
// machine call from loopback.
func reaches(client, task string) bool {
	host, _, err := net.SplitHostPort(client)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && (ip.IsLoopback() || host == task)
}

func credentialError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"code": code, "message": message, "HTTPErrorCode": status})
}
