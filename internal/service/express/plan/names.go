package plan

import (
	"fmt"
	"regexp"
	"strings"
)

// Names of what is made for Express services, in AWS's own form.
const (
	mostName = 255 // characters of a name in ECS and of a security group
	// ManagedTag marks what ECS has made and may change.
	ManagedTag = "AmazonECSManaged"
	// Container is the name of the container that gets the requests.
	Container = "Main"
)

var notInName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// ServiceName is a name for a service that has none: that of its image and a number.
func ServiceName(image, number string) string {
	repository, _, _ := strings.Cut(image, "@")
	repository = repository[strings.LastIndexByte(repository, '/')+1:]
	repository, _, _ = strings.Cut(repository, ":")
	repository = strings.Trim(notInName.ReplaceAllString(repository, "-"), "-")
	if repository == "" {
		repository = "express"
	}
	return bounded(repository, mostName-len(number)-1) + "-" + number
}

// EndpointName is the name of a service's endpoint in a region, without the domain:
// two letters of the service's name and 32 digits tell it from others.
func EndpointName(service, number, region string) string {
	letters := strings.ToLower(bounded(strings.Trim(notLetters.ReplaceAllString(service, ""), "-"), 2))
	if letters == "" {
		letters = "ex"
	}
	return fmt.Sprintf("%s-%s.ecs.%s", letters, number, region)
}

var notLetters = regexp.MustCompile(`[^A-Za-z]+`)

// Domain is that of AWS's own endpoints.
const Domain = ".on.aws"

// LogGroup is the log group of a service that names none.
func LogGroup(cluster, service, number string) string {
	return fmt.Sprintf("/aws/ecs/%s/%s-%s", cluster, service, number)
}

// Family is that of a service's task definitions.
func Family(cluster, service string) string { return bounded(cluster+"-"+service, mostName) }

// ServiceGroup is the name of the security group of a service's tasks.
func ServiceGroup(cluster, service, vpc string) string {
	return bounded(cluster+"-"+service, mostName-len(vpc)-1) + "-" + vpc
}

// AlarmName is that of the alarm that tells of a faulty deployment.
func AlarmName(cluster, service string) string {
	return bounded(cluster+"/"+service, mostName-len("/RollbackAlarm")) + "/RollbackAlarm"
}

func bounded(text string, most int) string { return text[:min(len(text), most)] }
