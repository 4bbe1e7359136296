package server

import "strings"

// lentPolicy is what a task or a function may do whose role does not exist here, or that
// has none. On AWS it could do nothing; here it may handle data and look around, so that a
// worker works before there is a role. It starts no program, changes none that runs, and
// gives nobody a right.
const lentPolicy = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*", "Action": [
	"application-autoscaling:Describe*",
	"cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*", "cloudwatch:PutMetricData",
	"ec2:Describe*",
	"ecs:Describe*", "ecs:GetTaskProtection", "ecs:List*", "ecs:UpdateTaskProtection",
	"elasticloadbalancing:Describe*",
	"events:Describe*", "events:List*", "events:PutEvents",
	"lambda:InvokeFunction",
	"logs:CreateLogGroup", "logs:CreateLogStream", "logs:Describe*", "logs:FilterLogEvents", "logs:Get*", "logs:PutLogEvents",
	"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueue*", "sqs:ListQueues", "sqs:ReceiveMessage", "sqs:SendMessage"
]}}`

// sessionRole is the name of the role in a session of one that does not exist, or that a
// task does not have.
func sessionRole(role string) string {
	if role == "" {
		return "without-a-role"
	}
	return role[strings.LastIndexByte(role, '/')+1:]
}
