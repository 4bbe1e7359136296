#!/usr/bin/env bash
# A web application in one call, by Express Mode: what it is made of, load on its endpoint,
# a new version as a canary, and its end. Needs the aws CLI (1.43, 2.32 or later) and curl.
#
#   flyball serve --speed 60 --data ""         # in another terminal
#   examples/express/walkthrough.sh [IMAGE [PORT]]
set -euo pipefail

export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:4566}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
export AWS_REGION=${AWS_REGION:-us-east-1} AWS_DEFAULT_REGION=${AWS_REGION:-us-east-1} AWS_PAGER=
image=${1:-flyball/web} port=${2:-8080}
flyball=${FLYBALL:-$(cd "$(dirname "$0")/../.." && pwd)/bin/flyball}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "one call"
roles=arn:aws:iam::123456789012:role
service=$(aws ecs create-express-gateway-service --service-name hello \
	--execution-role-arn $roles/ecsTaskExecutionRole --infrastructure-role-arn $roles/ecsInfrastructureRole \
	--primary-container "image=$image,containerPort=$port" --cpu 256 --memory 512 \
	--scaling-target minTaskCount=1,maxTaskCount=6 --query service.serviceArn --output text)
revision=$(aws ecs describe-express-gateway-service --service-arn "$service" \
	--query 'service.activeConfigurations[0].serviceRevisionArn' --output text)
aws ecs describe-service-revisions --service-revision-arns "$revision" \
	--query 'serviceRevisions[0].ecsManagedResources.[ingressPaths[0].loadBalancer.arn,ingressPaths[0].certificate.domainName,autoScaling.scalableTarget,metricAlarms[0].arn,logGroups[0].logGroupName]'

endpoint=$(aws ecs describe-express-gateway-service --service-arn "$service" \
	--query 'service.activeConfigurations[0].ingressPaths[0].endpoint' --output text)
say "it is at https://$endpoint/"
"$flyball" ca --endpoint "$AWS_ENDPOINT_URL" >"$work/ca.pem"
aws ecs wait services-stable --services hello
curl -sS --cacert "$work/ca.pem" "https://$endpoint/"

say "load on it"
SSL_CERT_FILE=$work/ca.pem "$flyball" load --users 8 --duration "${SECONDS_OF_LOAD:-20}s" "https://$endpoint/computation" | tail -3
aws ecs describe-services --services hello --query 'services[0].[desiredCount,runningCount]' --output text
"$flyball" explain --endpoint "$AWS_ENDPOINT_URL" service/default/hello

say "a new version, as a canary"
aws ecs update-express-gateway-service --service-arn "$service" \
	--primary-container "image=$image,environment=[{name=VERSION,value=2}]" --query 'service.targetConfiguration.serviceRevisionArn'
deployment=$(aws ecs list-service-deployments --service hello --query 'serviceDeployments[0].serviceDeploymentArn' --output text)
before=
while :; do
	now=$(aws ecs describe-service-deployments --service-deployment-arns "$deployment" \
		--query 'serviceDeployments[0].[status,lifecycleStage,targetServiceRevision.requestedProductionTrafficWeight]' --output text)
	[ "$now" = "$before" ] || echo "$now"
	before=$now
	case $now in *CLEAN_UP* | SUCCESSFUL* | ROLLBACK* | STOPPED*) break ;; esac
	sleep 0.5
done
curl -sS --cacert "$work/ca.pem" "https://$endpoint/"

say "and its end"
aws ecs delete-express-gateway-service --service-arn "$service" --query service.status.statusCode
