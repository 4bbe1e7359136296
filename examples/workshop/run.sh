#!/usr/bin/env bash
# Every step of the workshop's module, on a server of its own, which ends with the script:
# build the image, push it, update the service, put the policy, load it with 50 users, look
# at the events and the graphs.
#
#   examples/workshop/run.sh                 # three minutes, on a clock ten times faster
#   SPEED=1 examples/workshop/run.sh         # 25 minutes, as written
#
# APP        express, the default, or go
# RUNTIME    process, the default, or docker, which builds and pushes the image, too
# SPEED      of the server's clock; 10 by default
# THINK      how long a user waits before the next request; by default so long that the
#            service needs half of this machine
# AFTER      minutes to go on after the load, such as 18 to see the scale-in; 0 by default
# FLYBALL    the program to use; by default it is built first
# OUT        folder for load.jsonl, workshop.svg and workshop.html; the example's own by default
#
# Needs aws, go and, for express, node and npm.
set -euo pipefail
cd "$(dirname "$0")"
. ../server.sh

app=${APP:-express} runtime=${RUNTIME:-process} speed=${SPEED:-10} out=$(realpath "${OUT:-.}")
# 50 users who think 20 s between computations of a quarter of a second need half a processor.
cores=$(getconf _NPROCESSORS_ONLN)
think=${THINK:-$((20 / cores > 1 ? 20 / cores : 1))s}

need aws
need go
[ "$app" != express ] || { need node; need npm; }
[ "$runtime" != docker ] || need docker

serve --speed "$speed" --runtime "$runtime"
GOBIN=$work go install github.com/google/go-containerregistry/cmd/crane@v0.22.1
export CRANE=$work/crane DOCKER_CONFIG=$work # logins stay here
. ./env.sh

# awaited waits until an expression about the service is true.
awaited() {
	for _ in $(seq 600); do
		[ "$(aws ecs describe-services --cluster workshop --services app --query "$1")" != true ] || return 0
		sleep 0.5
	done
	echo "the service is not there after five minutes: $1" >&2
	exit 1
}
stable='services[0] | length(deployments) == `1` && runningCount == desiredCount && deployments[0].rolloutState == `COMPLETED`'

say "Before the module: a Fargate service behind a load balancer"
./before.sh
awaited "$stable"
curl -fsS --retry 20 --retry-all-errors "$(cat url)/"

say "1. Build the image with the computation, and push it"
repository=$(aws ecr create-repository --repository-name workshop --query repository.repositoryUri --output text)
registry=${repository%%/*}
if [ "$runtime" = docker ]; then
	aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" 2>/dev/null
	./image.sh "$app" "$repository:2"
	docker push --quiet "$repository:2"
else
	aws ecr get-login-password | "$CRANE" auth login --username AWS --password-stdin "$registry" 2>/dev/null
	./push.sh "$app" "$repository:2"
fi
aws ecr describe-images --repository-name workshop --filter tagStatus=TAGGED --query 'imageDetails[].[imageTags[0],imageSizeInBytes,imageDigest]' --output text

say "   New task definition, and the service updated to it"
role=$(aws iam get-role --role-name ecsTaskExecutionRole --query Role.Arn --output text)
task_definition "$role" "$repository:2" >task-definition.json
aws ecs register-task-definition --cli-input-json file://task-definition.json --query taskDefinition.taskDefinitionArn --output text
aws ecs update-service --cluster workshop --service app --task-definition app --query service.taskDefinition --output text
awaited "$stable"
curl -fsS "$(cat url)/"
curl -fsS "$(cat url)/computation"

say "2. A scaling policy: CPU utilization at 50, cooldowns of 30 s, 2 to 20 tasks"
target=(--service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id service/workshop/app)
aws application-autoscaling register-scalable-target "${target[@]}" --min-capacity 2 --max-capacity 20 >/dev/null
aws application-autoscaling put-scaling-policy "${target[@]}" --policy-name workshop-fargate-service-asp --policy-type TargetTrackingScaling \
	--target-tracking-scaling-policy-configuration '{"TargetValue":50,"ScaleOutCooldown":30,"ScaleInCooldown":30,
	"PredefinedMetricSpecification":{"PredefinedMetricType":"ECSServiceAverageCPUUtilization"}}' --query 'Alarms[].AlarmName'

say "3. 50 users over 20 minutes, with 5 minutes of ramp"
"$flyball" load --users 50 --ramp 5m --duration 20m --think "$think" --speed server --out "$out/load.jsonl" "$(cat url)/computation" |
	tee "$work/load" | { lines=0 && while IFS= read -r line; do ((lines++ % 10)) || echo "$line"; done; }
tail -2 "$work/load"
sleep "$(awk "BEGIN { print ${AFTER:-0} * 60 / $speed }")"

say "   Events of the service"
aws ecs describe-services --cluster workshop --services app --query 'services[0].events[:12].[createdAt,message]' --output text
say "   What the tasks wrote last"
aws logs filter-log-events --log-group-name /ecs/app --query 'events[-3:].[logStreamName,message]' --output text
say "   What was scaled, and why"
"$flyball" activities service/workshop/app
say "   Graphs"
"$flyball" report workshop/app --load "$out/load.jsonl" --svg "$out/workshop.svg" --html "$out/workshop.html"
