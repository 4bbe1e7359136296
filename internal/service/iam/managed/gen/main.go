// Command gen writes the AWS-managed policies under ../policies from a checkout of
// MAMIP, which records what AWS publishes:
//
//	git clone --depth 1 https://github.com/zoph-io/MAMIP
//	MAMIP=$PWD/MAMIP go generate ./internal/service/iam/managed
//
// To serve another policy, add its name and run it again.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// names are the policies: those for tasks, functions, instances and people of a
// scaling set-up, and those of service-linked roles.
var names = strings.Fields(`
	AdministratorAccess PowerUserAccess ReadOnlyAccess ViewOnlyAccess IAMFullAccess IAMReadOnlyAccess IAMUserChangePassword
	AmazonECSTaskExecutionRolePolicy AmazonECS_FullAccess AmazonECSServiceRolePolicy
	AmazonEC2ContainerServiceAutoscaleRole AmazonEC2ContainerServiceEventsRole AmazonEC2ContainerServiceRole
	AmazonEC2ContainerServiceforEC2Role AmazonECSInfrastructureRolePolicyForLoadBalancers
	AmazonECSInfrastructureRolePolicyForVolumes AmazonECSInfrastructureRoleforExpressGatewayServices
	AmazonEC2ContainerRegistryFullAccess AmazonEC2ContainerRegistryPowerUser AmazonEC2ContainerRegistryPullOnly
	AmazonEC2ContainerRegistryReadOnly
	AWSApplicationAutoScalingCustomResourcePolicy AWSApplicationAutoscalingAppStreamFleetPolicy
	AWSApplicationAutoscalingCassandraTablePolicy AWSApplicationAutoscalingComprehendEndpointPolicy
	AWSApplicationAutoscalingDynamoDBTablePolicy AWSApplicationAutoscalingEC2SpotFleetRequestPolicy
	AWSApplicationAutoscalingECSServicePolicy AWSApplicationAutoscalingElastiCacheRGPolicy
	AWSApplicationAutoscalingKafkaClusterPolicy AWSApplicationAutoscalingLambdaConcurrencyPolicy
	AWSApplicationAutoscalingNeptuneClusterPolicy AWSApplicationAutoscalingRDSClusterPolicy
	AWSApplicationAutoscalingSageMakerEndpointPolicy AWSApplicationAutoscalingWorkSpacesPoolPolicy
	AutoScalingFullAccess AutoScalingServiceRolePolicy
	AWSLambdaBasicExecutionRole AWSLambdaExecute AWSLambdaRole AWSLambdaSQSQueueExecutionRole
	AWSLambdaVPCAccessExecutionRole AWSLambda_FullAccess
	AWSElasticLoadBalancingServiceRolePolicy ElasticLoadBalancingFullAccess
	AWSElasticBeanstalkServiceRolePolicy AmazonInspectorServiceRolePolicy
	CloudWatchAgentServerPolicy CloudWatchEventsServiceRolePolicy CloudWatchFullAccess CloudWatchFullAccessV2
	CloudWatchLogsFullAccess CloudWatchReadOnlyAccess
	AmazonEventBridgeFullAccess AmazonEventBridgeSchedulerFullAccess
	AmazonDynamoDBFullAccess AmazonEC2FullAccess AmazonEC2ReadOnlyAccess AmazonEC2RoleforSSM AmazonRDSFullAccess
	AmazonS3FullAccess AmazonS3ReadOnlyAccess AmazonSNSFullAccess AmazonSQSFullAccess AmazonSSMManagedInstanceCore
	AmazonSSMReadOnlyAccess AmazonVPCFullAccess AWSXRayDaemonWriteAccess SecretsManagerReadWrite
`)

// The shapes of MAMIP's files.
type (
	index struct {
		Policies []struct {
			PolicyName, PolicyId, Path string
			CreateDate                 time.Time
		}
	}
	version struct {
		PolicyVersion struct {
			VersionId  string
			CreateDate time.Time
			Document   json.RawMessage
		}
	}
)

// A policy is what is written; package managed reads it.
type policy struct {
	Path, ID, Version string
	Created, Updated  time.Time
	Document          json.RawMessage
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 || os.Args[1] == "" {
		log.Fatal("usage: gen DIR, where DIR is a checkout of https://github.com/zoph-io/MAMIP; " +
			"go generate takes it from the environment variable MAMIP")
	}
	if err := generate(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func generate(mamip string) error {
	var all index
	if err := read(filepath.Join(mamip, "policies-list.json"), &all); err != nil {
		return err
	}
	facts := map[string]policy{}
	for _, p := range all.Policies {
		facts[p.PolicyName] = policy{Path: p.Path, ID: p.PolicyId, Created: p.CreateDate.UTC()}
	}
	for _, name := range names {
		p, ok := facts[name]
		var v version
		if err := read(filepath.Join(mamip, "policies", name), &v); err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%s is not in the list", name)
		}
		p.Version, p.Updated, p.Document = v.PolicyVersion.VersionId, v.PolicyVersion.CreateDate, v.PolicyVersion.Document
		text, err := json.MarshalIndent(p, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join("policies", name+".json"), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func read(file string, v any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
