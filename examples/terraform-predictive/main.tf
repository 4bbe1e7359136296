# A service with a predictive policy on CPU and one on the application's own metrics.
# They need version 6.13 of the provider, or a later one.
#
#   flyball serve --speed 60 --data ""         # in another terminal
#   export AWS_ENDPOINT_URL=http://127.0.0.1:4566
#   terraform init && terraform apply

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.13"
    }
  }
}

provider "aws" {
  region     = "us-east-1"
  access_key = "test"
  secret_key = "test"

  # The keys above are not AWS's: there is nothing to check.
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

resource "aws_ecs_cluster" "prod" {
  name = "prod"

  setting {
    name  = "containerInsights" # for RunningTaskCount
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "web" {
  family = "web"

  container_definitions = jsonencode([{
    name         = "web"
    image        = "flyball/web"
    cpu          = 256
    memory       = 128
    essential    = true
    portMappings = [{ containerPort = 8080 }]
  }])
}

resource "aws_ecs_service" "web" {
  name            = "web"
  cluster         = aws_ecs_cluster.prod.id
  task_definition = aws_ecs_task_definition.web.arn
  desired_count   = 1

  lifecycle {
    ignore_changes = [desired_count]
  }
}

resource "aws_appautoscaling_target" "web" {
  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.prod.name}/${aws_ecs_service.web.name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = 1
  max_capacity       = 10
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "cpu-forecast"
  policy_type        = "PredictiveScaling"
  service_namespace  = aws_appautoscaling_target.web.service_namespace
  resource_id        = aws_appautoscaling_target.web.resource_id
  scalable_dimension = aws_appautoscaling_target.web.scalable_dimension

  predictive_scaling_policy_configuration {
    mode                         = "ForecastAndScale"
    scheduling_buffer_time       = 600
    max_capacity_breach_behavior = "IncreaseMaxCapacity"
    max_capacity_buffer          = 10

    metric_specification {
      target_value = 50

      predefined_metric_pair_specification {
        predefined_metric_type = "ECSServiceCPUUtilization"
      }
    }
  }
}

resource "aws_appautoscaling_policy" "orders" {
  name               = "orders-forecast"
  policy_type        = "PredictiveScaling"
  service_namespace  = aws_appautoscaling_target.web.service_namespace
  resource_id        = aws_appautoscaling_target.web.resource_id
  scalable_dimension = aws_appautoscaling_target.web.scalable_dimension

  predictive_scaling_policy_configuration {
    mode = "ForecastOnly"

    metric_specification {
      target_value = 100 # orders a minute that a task takes

      customized_load_metric_specification {
        metric_data_query {
          id          = "load"
          return_data = true # the provider sends false when it is left out

          metric_stat {
            stat = "Sum"

            metric {
              namespace   = "Shop"
              metric_name = "Orders"

              dimension {
                name  = "Service"
                value = "web"
              }
            }
          }
        }
      }

      customized_scaling_metric_specification {
        metric_data_query {
          id          = "orders"
          return_data = false

          metric_stat {
            stat = "Sum"

            metric {
              namespace   = "Shop"
              metric_name = "Orders"

              dimension {
                name  = "Service"
                value = "web"
              }
            }
          }
        }

        metric_data_query {
          id          = "tasks"
          return_data = false

          metric_stat {
            stat = "Average"

            metric {
              namespace   = "ECS/ContainerInsights"
              metric_name = "RunningTaskCount"

              dimension {
                name  = "ClusterName"
                value = aws_ecs_cluster.prod.name
              }

              dimension {
                name  = "ServiceName"
                value = aws_ecs_service.web.name
              }
            }
          }
        }

        metric_data_query {
          id          = "each"
          expression  = "orders / tasks"
          return_data = true
        }
      }
    }
  }
}
