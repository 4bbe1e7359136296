#!/usr/bin/env bash
# The voucher application, from nothing to as many workers as its backlog needs, on a server
# of its own, which ends with the script: build it, set it up, upload a voucher, put a burst
# into the queue, and see depth, backlog per task, tasks and waiting time minute by minute.
#
#   examples/vouchers/run.sh                 # five minutes, on a clock ten times faster
#   SPEED=1 examples/vouchers/run.sh         # as written
#
# SETUP      terraform, or cli: the same by the aws CLI, in ../aws-cli/backlog.sh. By default
#            terraform where it is there
# FUNCTION   go, the default, or node: the pseudo code of the post, which needs node and npm
# SPEED      of the server's clock; 10 by default
# RATE       vouchers a second at the height of the burst; 80 by default, for eight workers
# AFTER      minutes to go on after the burst; 4 by default, such as 20 to see the scale-in
# FLYBALL    the program to use; by default it is built first
# OUT        folder for load.jsonl, vouchers.svg and vouchers.html; the example's own by default
#
# Needs aws, go, zip and curl.
set -euo pipefail
cd "$(dirname "$0")"
. ../server.sh

function=${FUNCTION:-go} speed=${SPEED:-10} out=$(realpath "${OUT:-.}")
setup=${SETUP:-$(command -v terraform >/dev/null && echo terraform || echo cli)}

for tool in aws go zip curl; do need $tool; done
[ "$setup" != terraform ] || need terraform
[ "$function" != node ] || { need node; need npm; }

say "Build the application and its function"
./build.sh
serve --speed "$speed" --runtime process --image "vouchers:latest=$PWD/build/app"
export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_PAGER=
# Older CLIs do not read AWS_ENDPOINT_URL.
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
seconds() { awk "BEGIN { print $1 / $speed }"; } # real ones, for some of the server's

say "Set it up: $setup, with the function in $function"
if [ "$setup" = terraform ]; then
	mkdir "$work/terraform"
	cp -r ./*.tf build "$work/terraform"
	terraform="terraform -chdir=$work/terraform"
	export TF_IN_AUTOMATION=1 TF_VAR_function=$function TF_VAR_database=$work/vouchers.db
	# With development overrides of the provider there is nothing to be fetched.
	grep -qs dev_overrides "${TF_CLI_CONFIG_FILE:-/dev/null}" || $terraform init -input=false -no-color >/dev/null
	$terraform apply -auto-approve -input=false -no-color | tail -4
	$terraform plan -detailed-exitcode -input=false -no-color | tail -2
	url=$($terraform output -raw url)
else
	FUNCTION=$function DATABASE=$work/vouchers.db URL_FILE=$work/url ../aws-cli/backlog.sh
	url=$(cat "$work/url")
fi
until curl -fso /dev/null "$url/health"; do sleep 0.2; done

say "Upload a voucher, and ask for it"
voucher=$(curl -fsS -d '{"code": "V-7"}' "$url/vouchers")
echo "$voucher"
id=$(sed 's/.*"id":"\([^"]*\)".*/\1/' <<<"$voucher")
for _ in $(seq 100); do
	voucher=$(curl -fsS "$url/vouchers/$id")
	[[ $voucher == *pending* ]] || break
	sleep 0.1
done
echo "$voucher"

# The server's time, in seconds.
now() { date -u -d "$(curl -fsS "$AWS_ENDPOINT_URL/console/api/clock" | sed -n 's/.*"now": *"\([^"]*\)".*/\1/p')" +%s; }

say "Twenty minutes of vouchers, ${RATE:-80} a second at the height"
body='{"id": "{{.ID}}", "code": "V-{{random 1 1000}}"}'
"$flyball" load --queue vouchers --rate "${RATE:-80}" --ramp 5m --duration 20m --body "$body" --out "$out/load.jsonl" --json >"$work/sent" &
load=$! begun=$(now)

# A row is a minute: what waits, the datapoint that the function published last, what runs,
# and how long the vouchers waited that were answered in it.
queue=$(aws sqs get-queue-url --queue-name vouchers --query QueueUrl --output text)
row() {
	local depth backlog tasks waited
	depth=$(aws sqs get-queue-attributes --queue-url "$queue" --attribute-names ApproximateNumberOfMessages --query Attributes.ApproximateNumberOfMessages --output text)
	backlog=$(aws cloudwatch get-metric-data --start-time "$(date -u -d @"$(($(now) - 300))" +%FT%TZ)" --end-time "$(date -u -d @"$(($(now) + 60))" +%FT%TZ)" \
		--metric-data-queries '[{"Id":"b","MetricStat":{"Stat":"Average","Period":60,"Metric":{"Namespace":"Vouchers","MetricName":"BacklogPerTask",
		"Dimensions":[{"Name":"ClusterName","Value":"vouchers"},{"Name":"ServiceName","Value":"worker"}]}}}]' --query 'MetricDataResults[0].Values[0]' --output text)
	tasks=$(aws ecs describe-services --cluster vouchers --services worker --query 'services[0].[runningCount,desiredCount]' --output text)
	waited=$(curl -fsS "$url/waiting?last=$(seconds 60)s" | tr -d '{}"' | tr ',' '\n' | cut -d: -f2 | tr '\n' ' ')
	# shellcheck disable=SC2086 # each is several columns
	printf '%6s  %8s  %16s  %7s  %7s  %8s  %10s  %8.1f  %8.1f\n' "$1" "$depth" "$backlog" $tasks $waited
}

printf '%6s  %8s  %16s  %7s  %7s  %8s  %10s  %8s  %8s\n' minute waiting backlog/task running desired answered within10s average longest
until ! kill -0 "$load" 2>/dev/null && (($(now) > ${ended:=$(now)} + ${AFTER:-4} * 60)); do
	minute=$((($(now) - begun) / 60))
	[ "$minute" = "${last:-}" ] || row "$minute"
	last=$minute
	sleep 0.3
done
wait "$load"
cat "$work/sent"

say "How long all of them waited, against the ten seconds that were agreed"
curl -fsS "$url/waiting?last=1h"
say "What the function wrote last"
aws logs filter-log-events --log-group-name /aws/lambda/vouchers-backlog --query 'events[-3:].message' --output text
say "What was scaled, and why"
"$flyball" activities service/vouchers/worker
say "Graphs"
"$flyball" report vouchers/worker --load "$out/load.jsonl" --svg "$out/vouchers.svg" --html "$out/vouchers.html"
