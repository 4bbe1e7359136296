package permission

// cloudWatchCalls are those of CloudWatch: alarms and dashboards have ARNs, metrics have
// none.
var cloudWatchCalls = service{
	prefix: "cloudwatch",
	operations: map[string]string{
		"DeleteAlarms":             "alarm:{AlarmNames}",
		"DeleteAnomalyDetector":    "*",
		"DeleteDashboards":         "dashboard/{DashboardNames}",
		"DescribeAlarmHistory":     "alarm:{AlarmName}",
		"DescribeAlarms":           "alarm:{AlarmNames}",
		"DescribeAlarmsForMetric":  "*",
		"DescribeAnomalyDetectors": "*",
		"DisableAlarmActions":      "alarm:{AlarmNames}",
		"EnableAlarmActions":       "alarm:{AlarmNames}",
		"GetDashboard":             "dashboard/{DashboardName}",
		"GetMetricData":            "*",
		"GetMetricStatistics":      "*",
		"ListDashboards":           "*",
		"ListMetrics":              "*",
		"ListTagsForResource":      "{ResourceARN}",
		"PutAnomalyDetector":       "*",
		"PutCompositeAlarm":        "alarm:{AlarmName}",
		"PutDashboard":             "dashboard/{DashboardName}",
		"PutMetricAlarm":           "alarm:{AlarmName}",
		"PutMetricData":            "*",
		"SetAlarmState":            "alarm:{AlarmName}",
		"TagResource":              "{ResourceARN}",
		"UntagResource":            "{ResourceARN}",
	},
	keys: []conditionKey{
		{name: "cloudwatch:namespace", member: "Namespace"},
		{name: "cloudwatch:AlarmActions", member: "AlarmActions"},
		{name: "cloudwatch:AlarmActions", member: "OKActions"},
		{name: "cloudwatch:AlarmActions", member: "InsufficientDataActions"},
	},
}
