#!/usr/bin/env bash
# The closed loop by hand: a service, a target tracking policy, a step policy with an alarm
# of its own, load, and what becomes of it. Needs the aws CLI and ab (apache2-utils).
#
#   flyball serve --speed 60 --data ""         # in another terminal
#   examples/aws-cli/walkthrough.sh
set -euo pipefail

export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:4566}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
export AWS_REGION=${AWS_REGION:-us-east-1} AWS_DEFAULT_REGION=${AWS_REGION:-us-east-1} AWS_PAGER=
# A proxy is not asked for a server of this machine.
export NO_PROXY=${NO_PROXY:+$NO_PROXY,}127.0.0.1,localhost
export no_proxy=$NO_PROXY
AWS=${AWS:-aws}
# Older CLIs do not read AWS_ENDPOINT_URL.
aws() { command "$AWS" --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
target=(--service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id service/demo/web)

aws ecs create-cluster --cluster-name demo --query cluster.status
aws ecs register-task-definition --family web --network-mode awsvpc --cpu 128 --memory 64 \
	--container-definitions '[{"name":"web","image":"flyball/web","portMappings":[{"containerPort":8080}]}]' \
	--query taskDefinition.taskDefinitionArn
aws ecs create-service --cluster demo --service-name web --task-definition web --desired-count 1 \
	--launch-type EC2 --network-configuration 'awsvpcConfiguration={subnets=[subnet-1]}' --query service.serviceArn
aws ecs wait services-stable --cluster demo --services web

aws application-autoscaling register-scalable-target "${target[@]}" --min-capacity 1 --max-capacity 6
aws application-autoscaling put-scaling-policy "${target[@]}" --policy-name cpu --policy-type TargetTrackingScaling \
	--target-tracking-scaling-policy-configuration '{"TargetValue":50,"ScaleOutCooldown":30,"ScaleInCooldown":30,
	"PredefinedMetricSpecification":{"PredefinedMetricType":"ECSServiceAverageCPUUtilization"}}' --query 'Alarms[].AlarmName'
policy=$(aws application-autoscaling put-scaling-policy "${target[@]}" --policy-name surge --policy-type StepScaling \
	--step-scaling-policy-configuration '{"AdjustmentType":"ChangeInCapacity","Cooldown":60,"MetricAggregationType":"Maximum",
	"StepAdjustments":[{"MetricIntervalLowerBound":0,"ScalingAdjustment":2}]}' --query PolicyARN --output text)
aws cloudwatch put-metric-alarm --alarm-name web-surge --namespace AWS/ECS --metric-name CPUUtilization \
	--dimensions Name=ClusterName,Value=demo Name=ServiceName,Value=web --statistic Average --period 60 \
	--evaluation-periods 1 --threshold 90 --comparison-operator GreaterThanThreshold --alarm-actions "$policy"

task=$(aws ecs list-tasks --cluster demo --service-name web --query 'taskArns[0]' --output text)
address=$(aws ecs describe-tasks --cluster demo --tasks "$task" \
	--query "tasks[0].attachments[0].details[?name=='privateIPv4Address'].value" --output text)
echo "load on http://$address:8080/computation"
ab -q -t 15 -c 4 "http://$address:8080/computation" >/dev/null 2>&1 || true

aws ecs describe-services --cluster demo --services web \
	--query 'services[0].{desired:desiredCount,running:runningCount,events:events[:5].message}'
aws application-autoscaling describe-scaling-activities "${target[@]}" \
	--query 'ScalingActivities[].[StartTime,StatusCode,Description,Cause]' --output table
aws cloudwatch describe-alarms --query 'MetricAlarms[].[AlarmName,StateValue,StateReason]' --output table
