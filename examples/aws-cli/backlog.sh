#!/usr/bin/env bash
# The voucher application of ../vouchers by hand: queue, services, a function that publishes
# the backlog per task, a rule that calls it once a minute, and a policy on that metric.
#
#   examples/vouchers/build.sh
#   flyball serve --speed 10 --data "" --runtime process --image "vouchers:latest=$PWD/examples/vouchers/build/app"
#   examples/aws-cli/backlog.sh                # in another terminal
#   flyball load --queue vouchers --rate 80 --duration 10m --body '{"id": "{{.ID}}", "code": "V-{{random 1 1000}}"}'
#
# FUNCTION is go, the default, or node. DATABASE is the file that web service and workers
# share. The address of the web service goes into URL_FILE, if there is one.
set -euo pipefail
url_file=$(realpath -m "${URL_FILE:-/dev/null}") # before the folder changes
cd "$(dirname "$0")/../vouchers"

export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:4566}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
export AWS_REGION=${AWS_REGION:-us-east-1} AWS_DEFAULT_REGION=${AWS_REGION:-us-east-1} AWS_PAGER=
# Older CLIs do not read AWS_ENDPOINT_URL.
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
trusts() { printf '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s.amazonaws.com"},"Action":"sts:AssumeRole"}]}' "$1"; }
allows() { printf '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%s,"Resource":"*"}]}' "$1"; }
role() { # NAME SERVICE ACTIONS
	aws iam create-role --role-name "$1" --assume-role-policy-document "$(trusts "$2")" --query Role.Arn --output text
	aws iam put-role-policy --role-name "$1" --policy-name vouchers --policy-document "$(allows "$3")"
}

# The queue, with dead letters.
dead=$(aws sqs create-queue --queue-name vouchers-dead --query QueueUrl --output text)
dead=$(aws sqs get-queue-attributes --queue-url "$dead" --attribute-names QueueArn --query Attributes.QueueArn --output text)
queue=$(aws sqs create-queue --queue-name vouchers --query QueueUrl --output text --attributes \
	"{\"VisibilityTimeout\":\"30\",\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"$dead\\\",\\\"maxReceiveCount\\\":\\\"5\\\"}\"}")

# The services: web behind a load balancer, and two workers.
aws logs create-log-group --log-group-name /ecs/vouchers
aws ecs create-cluster --cluster-name vouchers --settings name=containerInsights,value=enabled --query cluster.clusterArn --output text
vpc=$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId' --output text)
read -ra subnets < <(aws ec2 describe-subnets --filters "Name=vpc-id,Values=$vpc" --query 'Subnets[:2].SubnetId' --output text)
network="awsvpcConfiguration={subnets=[${subnets[0]},${subnets[1]}],assignPublicIp=ENABLED}"
balancer=$(aws elbv2 create-load-balancer --name vouchers --subnets "${subnets[@]}" --query 'LoadBalancers[0].LoadBalancerArn' --output text)
targets=$(aws elbv2 create-target-group --name vouchers-web --protocol HTTP --port 8080 --vpc-id "$vpc" --target-type ip \
	--health-check-path /health --health-check-interval-seconds 5 --health-check-timeout-seconds 4 --query 'TargetGroups[0].TargetGroupArn' --output text)
aws elbv2 create-listener --load-balancer-arn "$balancer" --protocol HTTP --port 8080 --default-actions "Type=forward,TargetGroupArn=$targets" >/dev/null

execution=$(aws iam create-role --role-name VouchersTaskExecution --assume-role-policy-document "$(trusts ecs-tasks)" --query Role.Arn --output text)
aws iam attach-role-policy --role-name VouchersTaskExecution --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy

define() { # NAME PORTS ROLE registers the task definition of one of the services
	aws ecs register-task-definition --family "vouchers-$1" --requires-compatibilities FARGATE --network-mode awsvpc --cpu 256 --memory 512 \
		--execution-role-arn "$execution" --task-role-arn "$3" \
		--container-definitions '[{"name":"'"$1"'","image":"vouchers:latest","command":["'"$1"'"],"portMappings":['"$2"'],
		"environment":[{"name":"QUEUE_URL","value":"'"$queue"'"},{"name":"DATABASE","value":"'"${DATABASE:-/tmp/vouchers.db}"'"}],
		"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/vouchers","awslogs-region":"'"$AWS_REGION"'","awslogs-stream-prefix":"'"$1"'"}}}]' \
		--query taskDefinition.taskDefinitionArn --output text
}
define web '{"containerPort":8080}' "$(role Vouchers-web ecs-tasks '"sqs:SendMessage"')"
define worker '' "$(role Vouchers-worker ecs-tasks '["sqs:ReceiveMessage","sqs:DeleteMessage"]')"
aws ecs create-service --cluster vouchers --service-name web --task-definition vouchers-web --desired-count 1 --launch-type FARGATE \
	--network-configuration "$network" --load-balancers "targetGroupArn=$targets,containerName=web,containerPort=8080" --query service.serviceArn --output text
aws ecs create-service --cluster vouchers --service-name worker --task-definition vouchers-worker --desired-count 2 --launch-type FARGATE \
	--network-configuration "$network" --query service.serviceArn --output text

# The function, and the rule that calls it.
functionRole=$(role VouchersBacklog lambda '["sqs:GetQueueAttributes","ecs:DescribeServices","ecs:ListTasks","cloudwatch:PutMetricData","logs:*"]')
case ${FUNCTION:-go} in
go) kind=(--runtime provided.al2023 --handler bootstrap --zip-file fileb://build/go.zip) ;;
node) kind=(--runtime nodejs20.x --handler index.main --zip-file fileb://build/node.zip) ;;
*) echo "there is no function in $FUNCTION" >&2; exit 1 ;;
esac
function=$(aws lambda create-function --function-name vouchers-backlog --role "$functionRole" --timeout 10 "${kind[@]}" \
	--environment "{\"Variables\":{\"QUEUE_URL\":\"$queue\",\"ECS_CLUSTER_NAME\":\"vouchers\",\"ECS_SERVICE_NAME\":\"worker\"}}" --query FunctionArn --output text)
aws lambda wait function-active-v2 --function-name vouchers-backlog
rule=$(aws events put-rule --name vouchers-backlog --schedule-expression 'rate(1 minute)' --query RuleArn --output text)
aws lambda add-permission --function-name vouchers-backlog --statement-id EventBridge --action lambda:InvokeFunction \
	--principal events.amazonaws.com --source-arn "$rule" --query Statement --output text
aws events put-targets --rule vouchers-backlog --targets "Id=backlog,Arn=$function" --query FailedEntryCount --output text

# The policy: ten seconds of waiting, a tenth of a second for each message, so 100 messages a task.
target=(--service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id service/vouchers/worker)
aws application-autoscaling register-scalable-target "${target[@]}" --min-capacity 1 --max-capacity 30 >/dev/null
aws application-autoscaling put-scaling-policy "${target[@]}" --policy-name backlog-per-task --policy-type TargetTrackingScaling \
	--target-tracking-scaling-policy-configuration '{"TargetValue":100,"ScaleOutCooldown":60,"ScaleInCooldown":60,
	"CustomizedMetricSpecification":{"Namespace":"Vouchers","MetricName":"BacklogPerTask","Statistic":"Average","Dimensions":
	[{"Name":"ClusterName","Value":"vouchers"},{"Name":"ServiceName","Value":"worker"}]}}' --query 'Alarms[].AlarmName'

url=http://$(aws elbv2 describe-load-balancers --names vouchers --query 'LoadBalancers[0].DNSName' --output text):8080
echo "$url" | tee "$url_file"
