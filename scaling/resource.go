package scaling

import (
	"fmt"
	"regexp"
	"strings"
)

// A ResourceID names what is scaled, as Application Auto Scaling does. That of an
// ECS service is service/CLUSTER/NAME.
type ResourceID string

// serviceIDs have names that ECS allows.
var serviceIDs = regexp.MustCompile(`^service/[A-Za-z0-9_-]{1,255}/[A-Za-z0-9_-]{1,255}$`)

// ServiceID is the resource id of an ECS service.
func ServiceID(cluster, service string) ResourceID {
	return ResourceID("service/" + cluster + "/" + service)
}

// ParseServiceID checks that a text is the resource id of an ECS service.
func ParseServiceID(s string) (ResourceID, error) {
	if !serviceIDs.MatchString(s) {
		return "", fmt.Errorf("an ECS service is named service/CLUSTER/SERVICE, not %s", s)
	}
	return ResourceID(s), nil
}

// Service is the cluster and the name of an ECS service.
func (r ResourceID) Service() (cluster, name string) {
	cluster, name, _ = strings.Cut(strings.TrimPrefix(string(r), "service/"), "/")
	return cluster, name
}
