package permission

// autoScalingCalls are those of Application Auto Scaling. A scalable target is known by
// an identifier that is made when it is registered.
var autoScalingCalls = service{
	prefix:  "application-autoscaling",
	tagsNew: true,
	operations: map[string]string{
		"DeleteScalingPolicy":          "scalable-target/{ResourceId}",
		"DeleteScheduledAction":        "scalable-target/{ResourceId}",
		"DeregisterScalableTarget":     "scalable-target/{ResourceId}",
		"DescribeScalableTargets":      "*",
		"DescribeScalingActivities":    "*",
		"DescribeScalingPolicies":      "*",
		"DescribeScheduledActions":     "*",
		"GetPredictiveScalingForecast": "scalable-target/{ResourceId}",
		"ListTagsForResource":          "{ResourceARN}",
		"PutScalingPolicy":             "scalable-target/{ResourceId}",
		"PutScheduledAction":           "scalable-target/{ResourceId}",
		"RegisterScalableTarget":       "scalable-target/{ResourceId}",
		"TagResource":                  "{ResourceARN}",
		"UntagResource":                "{ResourceARN}",
	},
	keys: []conditionKey{
		{name: "application-autoscaling:service-namespace", member: "ServiceNamespace"},
		{name: "application-autoscaling:scalable-dimension", member: "ScalableDimension"},
	},
	passes: map[string][]pass{"RegisterScalableTarget": {{"RoleARN", "application-autoscaling.amazonaws.com"}}},
}
