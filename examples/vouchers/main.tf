# The voucher application: a web service behind a load balancer puts vouchers into a
# queue, workers take them from there. scaling.tf has as many workers as the backlog needs.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "image" {
  description = "image of the application, which is in app/"
  default     = "vouchers:latest"
}

variable "database" {
  description = "file that web service and workers share"
  default     = "/tmp/vouchers.db"
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

# The queue. A message that five receives have not got rid of is of no use to workers.

resource "aws_sqs_queue" "vouchers" {
  name                       = "vouchers"
  visibility_timeout_seconds = 30
  receive_wait_time_seconds  = 20

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead" {
  name                      = "vouchers-dead"
  message_retention_seconds = 1209600
}

# Who may do what.

data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "execution" {
  name               = "VouchersTaskExecution"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

locals {
  services = {
    web    = ["sqs:SendMessage"]
    worker = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
  }
}

resource "aws_iam_role" "task" {
  for_each           = local.services
  name               = "Vouchers-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy" "task" {
  for_each = local.services
  name     = "queue"
  role     = aws_iam_role.task[each.key].id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = each.value, Resource = aws_sqs_queue.vouchers.arn }]
  })
}

# The services. Each container writes into the log group under its own prefix.

resource "aws_cloudwatch_log_group" "vouchers" {
  name              = "/ecs/vouchers"
  retention_in_days = 7
}

resource "aws_ecs_cluster" "vouchers" {
  name = "vouchers"

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "vouchers" {
  for_each                 = local.services
  family                   = "vouchers-${each.key}"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task[each.key].arn

  container_definitions = jsonencode([{
    name         = each.key
    image        = var.image
    command      = [each.key]
    essential    = true
    portMappings = each.key == "web" ? [{ containerPort = 8080 }] : []
    environment = [
      { name = "QUEUE_URL", value = aws_sqs_queue.vouchers.url },
      { name = "DATABASE", value = var.database },
      { name = "TIME_PER_VOUCHER", value = "${local.time_per_message}s" },
    ]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.vouchers.name
        awslogs-region        = "us-east-1"
        awslogs-stream-prefix = each.key
      }
    }
  }])
}

resource "aws_security_group" "vouchers" {
  name   = "vouchers"
  vpc_id = data.aws_vpc.default.id

  ingress {
    from_port   = 8080
    to_port     = 8080
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_ecs_service" "web" {
  name                              = "web"
  cluster                           = aws_ecs_cluster.vouchers.id
  task_definition                   = aws_ecs_task_definition.vouchers["web"].arn
  desired_count                     = 1
  launch_type                       = "FARGATE"
  health_check_grace_period_seconds = 30

  network_configuration {
    subnets          = data.aws_subnets.default.ids
    security_groups  = [aws_security_group.vouchers.id]
    assign_public_ip = true
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.web.arn
    container_name   = "web"
    container_port   = 8080
  }

  depends_on = [aws_lb_listener.http, aws_iam_role_policy.task]
}

resource "aws_ecs_service" "worker" {
  name            = "worker"
  cluster         = aws_ecs_cluster.vouchers.id
  task_definition = aws_ecs_task_definition.vouchers["worker"].arn
  desired_count   = 2
  launch_type     = "FARGATE"

  network_configuration {
    subnets          = data.aws_subnets.default.ids
    security_groups  = [aws_security_group.vouchers.id]
    assign_public_ip = true
  }

  # Scaling changes the desired count.
  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_iam_role_policy.task]
}

# What is in front of the web service.

resource "aws_lb" "vouchers" {
  name            = "vouchers"
  subnets         = data.aws_subnets.default.ids
  security_groups = [aws_security_group.vouchers.id]
}

resource "aws_lb_target_group" "web" {
  name                 = "vouchers-web"
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = data.aws_vpc.default.id
  deregistration_delay = 10

  health_check {
    path     = "/health"
    interval = 5
    timeout  = 4
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.vouchers.arn
  port              = 8080
  protocol          = "HTTP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

output "url" {
  value = "http://${aws_lb.vouchers.dns_name}:8080"
}

output "queue" {
  value = aws_sqs_queue.vouchers.url
}
