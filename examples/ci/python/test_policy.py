TARGET = {
    "ServiceNamespace": "ecs",
    "ScalableDimension": "ecs:service:DesiredCount",
    "ResourceId": "service/shop/web",
}


def put_policy(scaling):
    """Keeps the CPU of shop/web at 60 %, with 2 to 10 tasks."""
    scaling.register_scalable_target(**TARGET, MinCapacity=2, MaxCapacity=10)
    scaling.put_scaling_policy(
        **TARGET,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 60,
            "ScaleOutCooldown": 60,
            "ScaleInCooldown": 120,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    )


def test_the_lunch_peak_is_served(flyball):
    flyball.deploy("shop/web", 2)
    put_policy(flyball.client("application-autoscaling"))

    flyball.load("shop/web", totalCpu=100)  # 50 % of each of two
    flyball.advance("30m")
    assert flyball.tasks("shop/web") == (2, 2)

    flyball.load("shop/web", totalCpu=360)  # more than two can do
    flyball.wait("shop/web", desired=4, within="5m")
    flyball.wait("shop/web", desired=6, running=6, within="10m")

    flyball.load("shop/web", totalCpu=100)
    flyball.wait("shop/web", desired=2, running=2, within="1h")
