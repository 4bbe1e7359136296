#!/usr/bin/env bash
# Two regions and two accounts in one server: the same names in each, and only the service
# whose own alarm fires is scaled. Needs the aws CLI.
#
#   flyball serve --speed 60 --data ""         # in another terminal
#   examples/aws-cli/regions.sh
set -euo pipefail

export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:4566} AWS_SECRET_ACCESS_KEY=test AWS_PAGER=
# A proxy is not asked for a server of this machine.
export NO_PROXY=${NO_PROXY:+$NO_PROXY,}127.0.0.1,localhost
export no_proxy=$NO_PROXY
AWS=${AWS:-aws}
cells=("111122223333 us-east-1" "111122223333 eu-west-2" "444455556666 eu-west-2")
target=(--service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id service/shop/web)

# use ACCOUNT REGION: an access key of 12 digits names the account.
use() { export AWS_ACCESS_KEY_ID=$1 AWS_REGION=$2 AWS_DEFAULT_REGION=$2; }
# Older CLIs do not read AWS_ENDPOINT_URL.
aws() { command "$AWS" --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
desired() { aws ecs describe-services --cluster shop --services web --query 'services[0].desiredCount'; }

for cell in "${cells[@]}"; do
	use $cell
	aws ecs create-cluster --cluster-name shop --query cluster.clusterArn
	aws ecs register-task-definition --family web --network-mode awsvpc --cpu 128 --memory 64 \
		--container-definitions '[{"name":"web","image":"flyball/web","portMappings":[{"containerPort":8080}]}]' \
		--query taskDefinition.taskDefinitionArn
	aws ecs create-service --cluster shop --service-name web --task-definition web --desired-count 1 \
		--launch-type EC2 --network-configuration 'awsvpcConfiguration={subnets=[subnet-1]}' --query service.serviceArn
	aws application-autoscaling register-scalable-target "${target[@]}" --min-capacity 1 --max-capacity 3 --query ScalableTargetARN
	policy=$(aws application-autoscaling put-scaling-policy "${target[@]}" --policy-name backlog --policy-type StepScaling \
		--step-scaling-policy-configuration '{"AdjustmentType":"ExactCapacity","StepAdjustments":[{"MetricIntervalLowerBound":0,"ScalingAdjustment":3}]}' \
		--query PolicyARN --output text)
	aws cloudwatch put-metric-alarm --alarm-name backlog --namespace Shop --metric-name Backlog --statistic Maximum --period 60 \
		--evaluation-periods 1 --threshold 100 --comparison-operator GreaterThanThreshold --alarm-actions "$policy"
done

use 111122223333 eu-west-2
aws cloudwatch put-metric-data --namespace Shop --metric-name Backlog --value 250
until [ "$(desired)" = 3 ]; do sleep 1; done
for cell in "${cells[@]}"; do
	use $cell
	echo "$cell: $(desired) desired"
done
