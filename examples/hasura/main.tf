# A GraphQL engine behind a load balancer, scaled on memory and on CPU. flyball/web
# stands in for the engine.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "image" {
  description = "image of the engine"
  default     = "flyball/web"
}

variable "tasks" {
  description = "tasks without load"
  default     = 2
}

variable "role_is_empty" {
  description = "leave the scaling role without permissions, to see what is missing"
  default     = false
}

resource "aws_vpc" "hasura" {
  cidr_block = "10.20.0.0/16"
}

data "aws_availability_zones" "available" {
  state = "available"
}

resource "aws_subnet" "hasura" {
  count             = 2
  vpc_id            = aws_vpc.hasura.id
  cidr_block        = cidrsubnet(aws_vpc.hasura.cidr_block, 8, count.index)
  availability_zone = data.aws_availability_zones.available.names[count.index]
}

resource "aws_internet_gateway" "hasura" {
  vpc_id = aws_vpc.hasura.id
}

resource "aws_route_table" "hasura" {
  vpc_id = aws_vpc.hasura.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.hasura.id
  }
}

resource "aws_route_table_association" "hasura" {
  count          = 2
  subnet_id      = aws_subnet.hasura[count.index].id
  route_table_id = aws_route_table.hasura.id
}

resource "aws_security_group" "hasura" {
  name   = "hasura"
  vpc_id = aws_vpc.hasura.id

  ingress {
    from_port   = 80
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

resource "aws_lb" "hasura" {
  name            = "hasura"
  security_groups = [aws_security_group.hasura.id]
  subnets         = aws_subnet.hasura[*].id

  depends_on = [aws_internet_gateway.hasura]
}

resource "aws_lb_target_group" "hasura" {
  name                 = "hasura"
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = aws_vpc.hasura.id
  deregistration_delay = 10

  health_check {
    interval = 5
    timeout  = 2
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.hasura.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.hasura.arn
  }
}

resource "aws_ecs_cluster" "hasura" {
  name = "production"
}

resource "aws_ecs_task_definition" "hasura" {
  family                   = "hasura"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = 256
  memory                   = 512

  container_definitions = jsonencode([{
    name         = "hasura"
    image        = var.image
    essential    = true
    portMappings = [{ containerPort = 8080 }]
  }])
}

resource "aws_ecs_service" "hasura_service" {
  name            = "hasura"
  cluster         = aws_ecs_cluster.hasura.id
  task_definition = aws_ecs_task_definition.hasura.arn
  desired_count   = var.tasks
  launch_type     = "FARGATE"

  network_configuration {
    subnets          = aws_subnet.hasura[*].id
    security_groups  = [aws_security_group.hasura.id]
    assign_public_ip = true
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.hasura.arn
    container_name   = "hasura"
    container_port   = 8080
  }

  # Scaling changes the desired count.
  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_lb_listener.http]
}

# Scaling, and the role that it has.

data "aws_iam_policy_document" "ecs_auto_scale_assume_role" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["application-autoscaling.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "ecs_auto_scale" {
  statement {
    actions = [
      "cloudwatch:DescribeAlarms",
      "ecs:DescribeServices",
      "ecs:UpdateService",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "ecs_auto_scale" {
  name        = "ecs-auto-scale"
  description = "A policy to allow ecs auto scaling"
  policy      = data.aws_iam_policy_document.ecs_auto_scale.json
}

resource "aws_iam_role" "ecs_auto_scale" {
  name               = "ecs-auto-scale"
  assume_role_policy = data.aws_iam_policy_document.ecs_auto_scale_assume_role.json
}

resource "aws_iam_role_policy_attachment" "ecs_auto_scale" {
  count      = var.role_is_empty ? 0 : 1
  role       = aws_iam_role.ecs_auto_scale.name
  policy_arn = aws_iam_policy.ecs_auto_scale.arn
}

resource "aws_appautoscaling_target" "hasura" {
  # Ten times the desired count would be ten times what scaling has made of it: each
  # apply after a scale-out would raise the maximum.
  max_capacity       = var.tasks * 10
  min_capacity       = var.tasks
  resource_id        = "service/${aws_ecs_cluster.hasura.name}/${aws_ecs_service.hasura_service.name}"
  scalable_dimension = "ecs:service:DesiredCount"
  service_namespace  = "ecs"
  role_arn           = aws_iam_role.ecs_auto_scale.arn

  # The role is asked for what it may do when the target is registered.
  depends_on = [aws_iam_role_policy_attachment.ecs_auto_scale]
}

resource "aws_appautoscaling_policy" "ecs_hasura_scale_memory" {
  name               = "ecs-hasura-scale-memory"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.hasura.resource_id
  scalable_dimension = aws_appautoscaling_target.hasura.scalable_dimension
  service_namespace  = aws_appautoscaling_target.hasura.service_namespace

  target_tracking_scaling_policy_configuration {
    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageMemoryUtilization"
    }

    target_value = 40
  }
}

resource "aws_appautoscaling_policy" "ecs_hasura_scale_cpu" {
  name               = "ecs-hasura-scale-cpu"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.hasura.resource_id
  scalable_dimension = aws_appautoscaling_target.hasura.scalable_dimension
  service_namespace  = aws_appautoscaling_target.hasura.service_namespace

  target_tracking_scaling_policy_configuration {
    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }

    target_value = 40
  }
}

output "url" {
  value = "http://${aws_lb.hasura.dns_name}/"
}
