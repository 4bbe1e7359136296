package permission

// logsCalls are those of CloudWatch Logs. What is asked of a group is judged on an ARN
// that ends as that of a stream without a name: so AWS's own refusals name it, and so
// policies on log-group:NAME:* cover it.
var logsCalls = service{
	prefix: "logs",
	operations: map[string]string{
		"AssociateKmsKey":               "log-group:{LogGroupName|ResourceIdentifier}:log-stream:",
		"CreateLogGroup":                "log-group:{LogGroupName}:log-stream:",
		"CreateLogStream":               "log-group:{LogGroupName}:log-stream:{LogStreamName}",
		"DeleteLogGroup":                "log-group:{LogGroupName}:log-stream:",
		"DeleteLogStream":               "log-group:{LogGroupName}:log-stream:{LogStreamName}",
		"DeleteMetricFilter":            "log-group:{LogGroupName}:log-stream:",
		"DeleteQueryDefinition":         "*",
		"DeleteResourcePolicy":          "*",
		"DeleteRetentionPolicy":         "log-group:{LogGroupName}:log-stream:",
		"DescribeLogGroups":             "log-group::log-stream:",
		"DescribeLogStreams":            "log-group:{LogGroupName|LogGroupIdentifier}:log-stream:",
		"DescribeMetricFilters":         "log-group:{LogGroupName}:log-stream:",
		"DescribeQueryDefinitions":      "*",
		"DescribeResourcePolicies":      "*",
		"DescribeSubscriptionFilters":   "log-group:{LogGroupName}:log-stream:",
		"DisassociateKmsKey":            "log-group:{LogGroupName|ResourceIdentifier}:log-stream:",
		"FilterLogEvents":               "log-group:{LogGroupName|LogGroupIdentifier}:log-stream:",
		"GetLogEvents":                  "log-group:{LogGroupName|LogGroupIdentifier}:log-stream:{LogStreamName}",
		"ListLogGroups":                 "*",
		"ListTagsForResource":           "{ResourceArn}",
		"ListTagsLogGroup":              "log-group:{LogGroupName}:log-stream:",
		"PutLogEvents":                  "log-group:{LogGroupName}:log-stream:{LogStreamName}",
		"PutLogGroupDeletionProtection": "log-group:{LogGroupIdentifier}:log-stream:",
		"PutMetricFilter":               "log-group:{LogGroupName}:log-stream:",
		"PutQueryDefinition":            "*",
		"PutResourcePolicy":             "*",
		"PutRetentionPolicy":            "log-group:{LogGroupName}:log-stream:",
		"TagLogGroup":                   "log-group:{LogGroupName}:log-stream:",
		"TagResource":                   "{ResourceArn}",
		"TestMetricFilter":              "*",
		"UntagLogGroup":                 "log-group:{LogGroupName}:log-stream:",
		"UntagResource":                 "{ResourceArn}",
	},
}
