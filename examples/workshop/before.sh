#!/usr/bin/env bash
# What the module takes for granted: a Fargate service behind a load balancer. It runs
# flyball/web, which is built in, until there is an image of our own.
#
#   ./before.sh     # then: curl "$(cat url)"
set -euo pipefail
cd "$(dirname "$0")"
. ./env.sh

role=$(aws iam create-role --role-name ecsTaskExecutionRole --query Role.Arn --output text --assume-role-policy-document \
	'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}')
aws iam attach-role-policy --role-name ecsTaskExecutionRole \
	--policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy

aws logs create-log-group --log-group-name /ecs/app

vpc=$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId' --output text)
read -ra subnets < <(aws ec2 describe-subnets --filters "Name=vpc-id,Values=$vpc" --query 'Subnets[:2].SubnetId' --output text)
group=$(aws ec2 create-security-group --group-name workshop --description "load balancer and tasks of the workshop" --vpc-id "$vpc" --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 8080 --cidr 0.0.0.0/0 >/dev/null

balancer=$(aws elbv2 create-load-balancer --name workshop --subnets "${subnets[@]}" --security-groups "$group" \
	--query 'LoadBalancers[0].LoadBalancerArn' --output text)
# A task that is busy answers late, and is not to be replaced for it: that takes ten checks.
targets=$(aws elbv2 create-target-group --name workshop --protocol HTTP --port 8080 --vpc-id "$vpc" --target-type ip \
	--health-check-path / --health-check-interval-seconds 5 --health-check-timeout-seconds 4 --unhealthy-threshold-count 10 \
	--query 'TargetGroups[0].TargetGroupArn' --output text)
# A target that goes has 20 s for its answers, not the 300 s of the default: the slowest here take ten.
aws elbv2 modify-target-group-attributes --target-group-arn "$targets" \
	--attributes Key=deregistration_delay.timeout_seconds,Value=20 >/dev/null
aws elbv2 create-listener --load-balancer-arn "$balancer" --protocol HTTP --port 8080 \
	--default-actions "Type=forward,TargetGroupArn=$targets" >/dev/null

aws ecs create-cluster --cluster-name workshop --query cluster.status --output text
task_definition "$role" flyball/web >task-definition.json
aws ecs register-task-definition --cli-input-json file://task-definition.json --query taskDefinition.taskDefinitionArn --output text
aws ecs create-service --cluster workshop --service-name app --task-definition app --desired-count 2 --launch-type FARGATE \
	--network-configuration "awsvpcConfiguration={subnets=[${subnets[0]},${subnets[1]}],securityGroups=[$group],assignPublicIp=ENABLED}" \
	--load-balancers "targetGroupArn=$targets,containerName=app,containerPort=8080" --health-check-grace-period-seconds 30 \
	--query service.serviceArn --output text
echo "http://$(aws elbv2 describe-load-balancers --names workshop --query 'LoadBalancers[0].DNSName' --output text):8080" >url
