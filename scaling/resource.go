package scaling

import (
	"fmt"
	"strings"
)

// A ResourceID names what is scaled, as Application Auto Scaling does. That of an
// ECS service is service/CLUSTER/NAME.
type ResourceID string

// ServiceID is the resource id of an ECS service.
func ServiceID(cluster, service string) ResourceID {
	return ResourceID("service/" + cluster + "/" + service)
}

// ParseServiceID checks that a text is the resource id of an ECS service.
func ParseServiceID(s string) (ResourceID, error) {
	id := ResourceID(s)
	cluster, name := id.Service()
	switch {
	case isName(cluster) && isName(name) && id == ServiceID(cluster, name):
		return id, nil
	case isName(cluster) && s == "service/"+cluster: // from before clusters were named
		return "", fmt.Errorf("an ECS service is named service/CLUSTER/%s, not %s", cluster, s)
	}
	return "", fmt.Errorf("an ECS service is named service/CLUSTER/SERVICE, not %s", s)
}

// isName reports whether ECS allows a name. A regular expression that counts to 255
// would take a third of a megabyte in every process.
func isName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return s != "" && len(s) <= 255 && strings.Trim(s, letters) == ""
}

// Service is the cluster and the name of an ECS service.
func (r ResourceID) Service() (cluster, name string) {
	cluster, name, _ = strings.Cut(strings.TrimPrefix(string(r), "service/"), "/")
	return cluster, name
}
