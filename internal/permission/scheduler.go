package permission

// schedulerCalls are those of EventBridge Scheduler. Groups alone have tags.
var schedulerCalls = service{
	prefix:  "scheduler",
	tagsNew: true,
	operations: map[string]string{
		"CreateSchedule":      "schedule/{GroupName}/{Name}",
		"CreateScheduleGroup": "schedule-group/{Name}",
		"DeleteSchedule":      "schedule/{GroupName}/{Name}",
		"DeleteScheduleGroup": "schedule-group/{Name}",
		"GetSchedule":         "schedule/{GroupName}/{Name}",
		"GetScheduleGroup":    "schedule-group/{Name}",
		"ListScheduleGroups":  "*",
		"ListSchedules":       "*",
		"ListTagsForResource": "{ResourceArn}",
		"TagResource":         "{ResourceArn}",
		"UntagResource":       "{ResourceArn}",
		"UpdateSchedule":      "schedule/{GroupName}/{Name}",
	},
	passes: map[string][]pass{
		"CreateSchedule": {{"Target.RoleArn", "scheduler.amazonaws.com"}},
		"UpdateSchedule": {{"Target.RoleArn", "scheduler.amazonaws.com"}},
	},
}
