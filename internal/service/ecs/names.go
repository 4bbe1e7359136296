package ecs

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/cell"
	"flyball/internal/page"
	"flyball/internal/service/ecs/fault"
)

// defaultCluster is the cluster of a call that names none.
const defaultCluster = "default"

// arn returns the ARN of a resource, named by its parts: cluster/NAME,
// service/CLUSTER/NAME, task/CLUSTER/ID and so on.
func (a *API) arn(parts ...string) string { return a.cell.ARN("ecs", strings.Join(parts, "/")) }

// resource splits a reference to something of a kind into the parts after the
// kind: NAME gives [NAME], and the ARN of service/CLUSTER/NAME gives
// [CLUSTER NAME]. It is false for an ARN of something else or of somewhere else.
func (a *API) resource(kind, ref string) ([]string, bool) {
	if !strings.HasPrefix(ref, "arn:") {
		return []string{ref}, true
	}
	resource, ok := a.cell.Parse("ecs", ref)
	parts := strings.Split(resource, "/")
	if !ok || parts[0] != kind || len(parts) < 2 {
		return nil, false
	}
	return parts[1:], true
}

// findCluster returns the cluster that a call names, active or not.
func (a *API) findCluster(ref *string) (*cluster, bool) {
	name := aws.ToString(ref)
	if name == "" {
		name = defaultCluster
	}
	parts, ok := a.resource("cluster", name)
	if !ok || len(parts) != 1 {
		return nil, false
	}
	c, ok := a.clusters[parts[0]]
	return c, ok
}

// activeCluster returns the cluster that a call names.
func (a *API) activeCluster(ref *string) (*cluster, error) {
	c, ok := a.findCluster(ref)
	if !ok {
		return nil, fault.ClusterNotFound()
	}
	if c.inactive() {
		return nil, &types.ClusterNotFoundException{Message: aws.String("The referenced cluster was inactive.")}
	}
	return c, nil
}

// findService returns the service of a cluster by its name or ARN, of the long
// or the old short form.
func (a *API) findService(c *cluster, ref string) (*service, bool) {
	name, ok := a.inCluster("service", c, ref)
	if !ok {
		return nil, false
	}
	s, ok := c.services[name]
	return s, ok
}

// findTask returns the task of a cluster by its ID or ARN.
func (a *API) findTask(c *cluster, ref string) (*task, bool) {
	id, ok := a.inCluster("task", c, ref)
	if !ok {
		return nil, false
	}
	t, ok := c.tasks[id]
	return t, ok
}

// checkID refuses what cannot be the ID of a task or an instance, such as the "None" that a
// client makes of none.
func checkID(of, ref string) error {
	if n := len(ref[strings.LastIndex(ref, "/")+1:]); n != 32 && n != 36 {
		return fault.InvalidParameter("%sId length should be one of [32,36]", of)
	}
	return nil
}

// inCluster is the last part of a reference to something in the cluster.
func (a *API) inCluster(kind string, c *cluster, ref string) (string, bool) {
	parts, ok := a.resource(kind, ref)
	switch {
	case !ok:
		return "", false
	case len(parts) == 1:
		return parts[0], true
	case len(parts) == 2 && parts[0] == c.name:
		return parts[1], true
	}
	return "", false
}

// reference is what a failure shows for something that was asked for: its ARN.
func (a *API) reference(kind string, ref string, parents ...string) string {
	if strings.HasPrefix(ref, "arn:") {
		return ref
	}
	return a.arn(append(append([]string{kind}, parents...), ref)...)
}

// newTaskID is 32 hex digits.
func newTaskID() string {
	return cell.NewID("", 32)
}

// newDeploymentNumber is 19 digits: the number after ecs-svc/ and the ID of the
// service revision.
func newDeploymentNumber() string {
	return strconv.FormatInt(1e18+rand.Int64N(8e18), 10)
}

// newServiceDeploymentID is what ends the ARN of a service deployment.
func newServiceDeploymentID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	id := make([]byte, 21)
	for i := range id {
		id[i] = letters[rand.IntN(len(letters))]
	}
	return string(id)
}

// newMACAddress is a locally administered one.
func newMACAddress() string {
	n := rand.Int64()
	return fmt.Sprintf("0a:%02x:%02x:%02x:%02x:%02x", byte(n), byte(n>>8), byte(n>>16), byte(n>>24), byte(n>>32))
}

// pageOf returns one page of sorted strings, with the token of the next.
func pageOf(items []string, token *string, size *int32, most int32) ([]string, *string, error) {
	limit, ok := page.Limit(size, int(most), int(most))
	if !ok || aws.ToInt32(size) > most {
		return nil, nil, fault.InvalidParameter("maxResults must be between 1 and %d.", most)
	}
	items, next, err := page.Of(items, func(s string) string { return s }, token, limit)
	if err != nil {
		return nil, nil, fault.InvalidParameter("Invalid token: %s", aws.ToString(token))
	}
	return items, next, nil
}

// missing is the failure of a describe call for something that is not there.
func missing(arn string) types.Failure {
	return types.Failure{Arn: aws.String(arn), Reason: aws.String("MISSING")}
}
