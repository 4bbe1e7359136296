#!/usr/bin/env bash
# A blue/green deployment behind a load balancer: two target groups, a listener for everyone
# and one for tests. The new revision is seen at the test listener while all others still get
# the old one, until a PAUSE hook is let go on; then it takes the traffic, and is watched for a
# while before the old one goes. Needs an aws CLI that knows continue-service-deployment.
#
#   flyball serve --speed 10 --data ""         # in another terminal
#   examples/aws-cli/blue-green.sh
#
# STRATEGY=LINEAR and STRATEGY=CANARY shift the traffic in steps instead.
set -euo pipefail

export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:4566}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
export AWS_REGION=${AWS_REGION:-us-east-1} AWS_DEFAULT_REGION=${AWS_REGION:-us-east-1} AWS_PAGER=
# Older CLIs do not read AWS_ENDPOINT_URL.
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

strategy=${STRATEGY:-BLUE_GREEN}
case $strategy in
BLUE_GREEN) steps= ;;
LINEAR) steps=',linearConfiguration={stepPercent=25,stepBakeTimeInMinutes=1}' ;;
CANARY) steps=',canaryConfiguration={canaryPercent=10,canaryBakeTimeInMinutes=2}' ;;
*) echo "there is no strategy $strategy" >&2; exit 1 ;;
esac

say "the role in which Amazon ECS changes the listener rules"
role=$(aws iam create-role --role-name ecsLoadBalancers --query Role.Arn --output text --assume-role-policy-document \
	'{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com"},"Action":"sts:AssumeRole"}}')
aws iam attach-role-policy --role-name ecsLoadBalancers \
	--policy-arn arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers
echo "$role"

say "a load balancer, two target groups, a rule for everyone and one for tests"
vpc=$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId' --output text)
read -ra subnets < <(aws ec2 describe-subnets --filters "Name=vpc-id,Values=$vpc" --query 'Subnets[:2].SubnetId' --output text)
balancer=$(aws elbv2 create-load-balancer --name bluegreen --subnets "${subnets[@]}" --query 'LoadBalancers[0].LoadBalancerArn' --output text)
host=$(aws elbv2 describe-load-balancers --names bluegreen --query 'LoadBalancers[0].DNSName' --output text)

# target_group NAME prints the ARN of a group that is quick to check, and quick to let go.
target_group() {
	local group
	group=$(aws elbv2 create-target-group --name "$1" --protocol HTTP --port 8080 --vpc-id "$vpc" --target-type ip \
		--health-check-interval-seconds 5 --health-check-timeout-seconds 2 --query 'TargetGroups[0].TargetGroupArn' --output text)
	aws elbv2 modify-target-group-attributes --target-group-arn "$group" \
		--attributes Key=deregistration_delay.timeout_seconds,Value=5 >/dev/null
	echo "$group"
}
# rule PORT prints the ARN of a rule for all paths, of a new listener at the port.
rule() {
	local listener
	listener=$(aws elbv2 create-listener --load-balancer-arn "$balancer" --protocol HTTP --port "$1" --query 'Listeners[0].ListenerArn' --output text \
		--default-actions 'Type=fixed-response,FixedResponseConfig={StatusCode=404}')
	aws elbv2 create-rule --listener-arn "$listener" --priority 1 --conditions 'Field=path-pattern,Values=/*' \
		--actions "Type=forward,TargetGroupArn=$blue" --query 'Rules[0].RuleArn' --output text
}
blue=$(target_group blue)
green=$(target_group green)
production=$(rule 8080)
test=$(rule 9090)

# revision N registers the application's Nth revision and prints its ARN.
revision() {
	aws ecs register-task-definition --family bluegreen --requires-compatibilities FARGATE --network-mode awsvpc --cpu 256 --memory 512 \
		--container-definitions "[{\"name\": \"web\", \"image\": \"flyball/web\", \"portMappings\": [{\"containerPort\": 8080}],
			\"environment\": [{\"name\": \"REVISION\", \"value\": \"$1\"}]}]" --query taskDefinition.taskDefinitionArn --output text
}

say "the service, with the first revision"
aws ecs create-cluster --cluster-name bluegreen --query cluster.status --output text
aws ecs create-service --cluster bluegreen --service-name web --task-definition "$(revision 1)" --desired-count 2 --launch-type FARGATE \
	--network-configuration "awsvpcConfiguration={subnets=[${subnets[0]},${subnets[1]}]}" \
	--deployment-configuration "strategy=$strategy,bakeTimeInMinutes=2$steps,lifecycleHooks=[{targetType=PAUSE,lifecycleStages=[POST_TEST_TRAFFIC_SHIFT]}]" \
	--load-balancers "[{\"targetGroupArn\": \"$blue\", \"containerName\": \"web\", \"containerPort\": 8080, \"advancedConfiguration\":
		{\"alternateTargetGroupArn\": \"$green\", \"productionListenerRule\": \"$production\", \"testListenerRule\": \"$test\", \"roleArn\": \"$role\"}}]" \
	--query service.serviceArn --output text

# follow prints each stage of the newest deployment that it sees, with the share of the traffic
# that the new revision has and who answers at both listeners, until the deployment is over.
# It lets the deployment go on when it waits at the hook.
follow() {
	local deployment now hook before=
	deployment=$(aws ecs list-service-deployments --cluster bluegreen --service web --query 'serviceDeployments[0].serviceDeploymentArn' --output text)
	until [[ $before == SUCCESSFUL* || $before == ROLLBACK_* || $before == STOPPED* ]]; do
		now=$(aws ecs describe-service-deployments --service-deployment-arns "$deployment" --output text \
			--query 'serviceDeployments[0].[status,lifecycleStage,targetServiceRevision.requestedProductionTrafficWeight]')
		if [ "$now" != "$before" ]; then
			printf '%-52s everyone: %s, tests: %s\n' "$now" "$(curl -s "http://$host:8080/")" "$(curl -s "http://$host:9090/")"
		fi
		before=$now
		hook=$(aws ecs describe-service-deployments --service-deployment-arns "$deployment" --output text \
			--query 'serviceDeployments[0].lifecycleHookDetails[?status==`AWAITING_ACTION`].hookId | [0]')
		if [ "$hook" != None ]; then
			echo "hook $hook waits: it may go on"
			aws ecs continue-service-deployment --service-deployment-arn "$deployment" --hook-id "$hook" >/dev/null
		fi
		sleep 0.5
	done
}
follow

say "the second revision"
aws ecs update-service --cluster bluegreen --service web --task-definition "$(revision 2)" --query service.taskDefinition --output text
follow
aws ecs describe-services --cluster bluegreen --services web --query 'services[0].events[:8].message'
