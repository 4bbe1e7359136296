# As many workers as the backlog needs: a function publishes the backlog per task once a
# minute, and a target tracking policy keeps it at what is acceptable.

variable "function" {
  description = "which function publishes the metric: go or node"
  default     = "go"
}

locals {
  acceptable_latency = 10  # seconds that a voucher may wait
  time_per_message   = 0.1 # seconds that a worker takes for one

  functions = {
    go   = { runtime = "provided.al2023", handler = "bootstrap", filename = "build/go.zip" }
    node = { runtime = "nodejs20.x", handler = "index.main", filename = "build/node.zip" }
  }
  function = local.functions[var.function]
}

resource "aws_iam_role" "function" {
  name = "VouchersBacklog"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Action    = "sts:AssumeRole"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  name = "backlog"
  role = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "sqs:GetQueueAttributes", Resource = aws_sqs_queue.vouchers.arn },
      { Effect = "Allow", Action = ["ecs:DescribeServices", "ecs:ListTasks"], Resource = "*" },
      { Effect = "Allow", Action = "cloudwatch:PutMetricData", Resource = "*" },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "function" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "backlog" {
  function_name    = "vouchers-backlog"
  role             = aws_iam_role.function.arn
  runtime          = local.function.runtime
  handler          = local.function.handler
  filename         = "${path.module}/${local.function.filename}"
  source_code_hash = filebase64sha256("${path.module}/${local.function.filename}")
  timeout          = 10
  memory_size      = 128

  environment {
    variables = {
      QUEUE_URL        = aws_sqs_queue.vouchers.url
      ECS_CLUSTER_NAME = aws_ecs_cluster.vouchers.name
      ECS_SERVICE_NAME = aws_ecs_service.worker.name
    }
  }

  depends_on = [aws_iam_role_policy.function]
}

resource "aws_cloudwatch_event_rule" "minute" {
  name                = "vouchers-backlog"
  schedule_expression = "rate(1 minute)"
}

resource "aws_cloudwatch_event_target" "backlog" {
  rule = aws_cloudwatch_event_rule.minute.name
  arn  = aws_lambda_function.backlog.arn
}

resource "aws_lambda_permission" "minute" {
  statement_id  = "EventBridge"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.backlog.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.minute.arn
}

resource "aws_appautoscaling_target" "worker" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.vouchers.name}/${aws_ecs_service.worker.name}"
  min_capacity       = 1
  max_capacity       = 30
}

resource "aws_appautoscaling_policy" "backlog" {
  name               = "backlog-per-task"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.worker.service_namespace
  scalable_dimension = aws_appautoscaling_target.worker.scalable_dimension
  resource_id        = aws_appautoscaling_target.worker.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = local.acceptable_latency / local.time_per_message # 100 messages a task
    scale_out_cooldown = 60
    scale_in_cooldown  = 60

    customized_metric_specification {
      namespace   = "Vouchers"
      metric_name = "BacklogPerTask"
      statistic   = "Average"

      dimensions {
        name  = "ClusterName"
        value = aws_ecs_cluster.vouchers.name
      }
      dimensions {
        name  = "ServiceName"
        value = aws_ecs_service.worker.name
      }
    }
  }
}
