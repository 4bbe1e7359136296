# What the scripts of the workshop share: where the server is, and the task definition.

export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:4566}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
export AWS_REGION=${AWS_REGION:-us-east-1} AWS_DEFAULT_REGION=${AWS_REGION:-us-east-1} AWS_PAGER=

# Older CLIs do not read AWS_ENDPOINT_URL.
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }

# task_definition ROLE IMAGE prints the input of register-task-definition: the smallest
# size that Fargate has.
task_definition() {
	cat <<-JSON
		{
		  "family": "app",
		  "requiresCompatibilities": ["FARGATE"],
		  "networkMode": "awsvpc",
		  "cpu": "256",
		  "memory": "512",
		  "executionRoleArn": "$1",
		  "containerDefinitions": [{
		    "name": "app",
		    "image": "$2",
		    "essential": true,
		    "portMappings": [{"containerPort": 8080}],
		    "stopTimeout": 10,
		    "logConfiguration": {"logDriver": "awslogs", "options":
		      {"awslogs-group": "/ecs/app", "awslogs-region": "$AWS_REGION", "awslogs-stream-prefix": "app"}}
		  }]
		}
	JSON
}
