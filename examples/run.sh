#!/usr/bin/env bash
# Applies an example, looks whether a second plan is empty, puts load on it with ab,
# shows what was scaled and why, and destroys it again. The server is one of its own,
# which ends with the script.
#
#   examples/run.sh flask           # or hasura, policies
#
# WITHOUT_FORECAST=1 leaves out what providers before 6.13 do not know.
# Needs terraform and ab (apache2-utils); flask needs python3-flask, too. RUNTIME=docker
# has the tasks run as containers. SPEED, 20 by default, is that of the server's clock.
# SERVE_FLAGS are further flags of the server, such as --strict-network.
set -euo pipefail

example=${1:?which example: flask, hasura or policies}
cd "$(dirname "$0")/$example"
. ../server.sh
region=$(sed -n 's/^ *region *= *"\(.*\)"/\1/p' provider.tf)
seconds=${SECONDS_OF_LOAD:-30}

need terraform "see https://developer.hashicorp.com/terraform/install"
need ab "it is in the package apache2-utils"

images=()
if [ -f app.py ]; then
	images=(--image "flaskapp:latest=python3 $PWD/app.py")
fi
serve --speed "${SPEED:-20}" --region "$region" --runtime "${RUNTIME:-process}" "${images[@]}"
export AWS_REGION=$region TF_IN_AUTOMATION=1
mkdir "$work/configuration"
cp -r . "$work/configuration"
cd "$work/configuration"
# Providers before 6.13 know no forecasts.
[ -z "${WITHOUT_FORECAST:-}" ] || rm -f scaling/forecast.tf
# With development overrides of the provider there is nothing to be fetched.
grep -qs dev_overrides "${TF_CLI_CONFIG_FILE:-/dev/null}" || terraform init -input=false -no-color >/dev/null

say "terraform apply"
terraform apply -auto-approve -input=false -no-color | tail -3

say "terraform plan: nothing left to do"
terraform plan -detailed-exitcode -input=false -no-color | tail -3

url=$(terraform output -raw url)
say "waiting for $url"
until curl -fso /dev/null "$url"; do sleep 0.2; done
"$flyball" status

if [ "$example" = flask ]; then
	say "log in, and press the button that takes memory"
	curl -fsL -c "$work/cookies" -b "$work/cookies" -d user=demo -d password=demo "${url}login" | grep Hello
	curl -fsL -c "$work/cookies" -b "$work/cookies" -d mb=64 "${url}memory" | grep Hello
fi

say "$seconds s of load: ab -c 8 ${url}computation"
ab -q -l -t "$seconds" -n 1000000 -c 8 "${url}computation" | grep -E '^(Requests per second|Failed|Non-2xx|Complete)'

say "what was scaled, and why"
"$flyball" activities
"$flyball" status

say "terraform destroy"
terraform destroy -auto-approve -input=false -no-color | tail -2
