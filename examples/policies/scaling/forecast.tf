# Forecasts need a day of history before they say anything. Until somebody has looked
# at them they change nothing: ForecastAndScale acts on them.
resource "aws_appautoscaling_policy" "forecast" {
  name               = "forecast"
  policy_type        = "PredictiveScaling"
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  service_namespace  = aws_appautoscaling_target.this.service_namespace

  predictive_scaling_policy_configuration {
    mode = "ForecastOnly"

    metric_specification {
      target_value = var.requests.per_target

      predefined_metric_pair_specification {
        predefined_metric_type = "ALBRequestCount"
        resource_label         = local.label
      }
    }
  }
}
