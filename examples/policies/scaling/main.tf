# Scaling for one ECS service, as a module: target tracking on CPU, memory and requests
# per target, steps for a surge, a schedule, and a forecast.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "cluster" { type = string }

variable "service" { type = string }

variable "bounds" {
  description = "tasks at the least and at the most"
  type        = object({ min = number, max = number })
}

variable "cpu" {
  description = "percent of CPU to keep"
  type        = number
  default     = 60
}

variable "memory" {
  description = "percent of memory to keep"
  type        = number
  default     = 80
}

variable "requests" {
  description = "requests a minute and target to keep, and of which load balancer and target group (ARN suffixes)"
  type        = object({ per_target = number, load_balancer = string, target_group = string })
}

variable "business_hours" {
  description = "tasks at the least from 8 to 18 o'clock, Monday to Friday"
  type        = object({ min = number, timezone = string })
}

locals {
  label = "${var.requests.load_balancer}/${var.requests.target_group}"
}

resource "aws_appautoscaling_target" "this" {
  min_capacity       = var.bounds.min
  max_capacity       = var.bounds.max
  resource_id        = "service/${var.cluster}/${var.service}"
  scalable_dimension = "ecs:service:DesiredCount"
  service_namespace  = "ecs"

  # A schedule changes the bounds.
  lifecycle {
    ignore_changes = [min_capacity, max_capacity]
  }
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  service_namespace  = aws_appautoscaling_target.this.service_namespace

  target_tracking_scaling_policy_configuration {
    target_value = var.cpu

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

resource "aws_appautoscaling_policy" "memory" {
  name               = "memory"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  service_namespace  = aws_appautoscaling_target.this.service_namespace

  target_tracking_scaling_policy_configuration {
    target_value = var.memory

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageMemoryUtilization"
    }
  }
}

resource "aws_appautoscaling_policy" "requests" {
  name               = "requests"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  service_namespace  = aws_appautoscaling_target.this.service_namespace

  target_tracking_scaling_policy_configuration {
    target_value       = var.requests.per_target
    scale_in_cooldown  = 120
    scale_out_cooldown = 30

    predefined_metric_specification {
      predefined_metric_type = "ALBRequestCountPerTarget"
      resource_label         = local.label
    }
  }
}

# Two tasks more for each of ten points of CPU over 85 %, at once.
resource "aws_appautoscaling_policy" "surge" {
  name               = "surge"
  policy_type        = "StepScaling"
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  service_namespace  = aws_appautoscaling_target.this.service_namespace

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    cooldown                = 60
    metric_aggregation_type = "Maximum"

    step_adjustment {
      metric_interval_lower_bound = 0
      metric_interval_upper_bound = 10
      scaling_adjustment          = 2
    }

    step_adjustment {
      metric_interval_lower_bound = 10
      scaling_adjustment          = 4
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "surge" {
  alarm_name          = "${var.service}-surge"
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 85
  comparison_operator = "GreaterThanThreshold"
  alarm_actions       = [aws_appautoscaling_policy.surge.arn]

  dimensions = {
    ClusterName = var.cluster
    ServiceName = var.service
  }
}

resource "aws_appautoscaling_scheduled_action" "morning" {
  name               = "morning"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  schedule           = "cron(0 8 ? * MON-FRI *)"
  timezone           = var.business_hours.timezone

  scalable_target_action {
    min_capacity = var.business_hours.min
    max_capacity = var.bounds.max
  }
}

resource "aws_appautoscaling_scheduled_action" "evening" {
  name               = "evening"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  schedule           = "cron(0 18 ? * MON-FRI *)"
  timezone           = var.business_hours.timezone

  scalable_target_action {
    min_capacity = var.bounds.min
    max_capacity = var.bounds.max
  }
}
