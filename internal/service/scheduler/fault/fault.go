// Package fault makes the errors of Amazon EventBridge Scheduler, with the codes of its
// API reference and the sentences that AWS answers where they are known.
package fault

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

func message(format string, args ...any) *string {
	text := fmt.Sprintf(format, args...)
	return &text
}

// Invalid answers an input that breaks a rule.
func Invalid(format string, args ...any) error {
	return &types.ValidationException{Message: message(format, args...)}
}

// Expression answers what is no schedule expression.
func Expression(text string) error { return Invalid("Invalid Schedule Expression %s.", text) }

// Zone answers what is no time zone.
func Zone(name string) error { return Invalid("Invalid Schedule Expression Timezone %s.", name) }

// Untrusted answers a role that Scheduler cannot take.
func Untrusted() error {
	return Invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
}

// Token answers a page's token that no listing handed out.
func Token() error { return Invalid("Invalid NextToken.") }

// NoSchedule answers the name of no schedule.
func NoSchedule(name string) error {
	return &types.ResourceNotFoundException{Message: message("Schedule %s does not exist.", name)}
}

// NoGroup answers the name of no group.
func NoGroup(name string) error {
	return &types.ResourceNotFoundException{Message: message("Schedule group %s does not exist.", name)}
}

// NoResource answers an ARN that is no group's.
func NoResource(arn string) error {
	return &types.ResourceNotFoundException{Message: message("Resource %s does not exist.", arn)}
}

// ScheduleExists answers a name that a schedule has.
func ScheduleExists(name string) error {
	return &types.ConflictException{Message: message("Schedule %s already exists.", name)}
}

// GroupExists answers a name that a group has.
func GroupExists(name string) error {
	return &types.ConflictException{Message: message("Schedule group %s already exists.", name)}
}

// TooMany answers what would go beyond a quota.
func TooMany(what string, most int) error {
	return &types.ServiceQuotaExceededException{Message: message("The quota of %d %s is reached.", most, what)}
}
