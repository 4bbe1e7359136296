package variant

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// An Answer is what came back for a call.
type Answer struct {
	Status        int    // with any success as 200
	Code, Message string // of an error
	Body          []byte
}

// Judge says what is wrong with the answer to a variant, if anything is. Valid is the
// answer to the valid input.
func (m *Model) Judge(v Variant, p Protocol, a, valid Answer) error {
	switch {
	case a.Status >= http.StatusInternalServerError:
		return fmt.Errorf("the server is at fault: %d %s", a.Status, a.Body)
	case a.Status >= http.StatusBadRequest && (a.Code == "" || a.Message == "" && !strings.HasSuffix(a.Code, "ResourceNotFound")):
		// AWS has no message for an alarm that SetAlarmState does not know.
		return fmt.Errorf("the error lacks a code or a message: %s", a.Body)
	}
	if m.IsOwnMatter(v, p) {
		return nil
	}
	switch v.Want {
	case Same:
		if a.Status != valid.Status || a.Code != valid.Code {
			return fmt.Errorf("answered %v, and the valid call %v", a, valid)
		}
	case Allowed:
		if m.isUnreadable(p, a) && m.service != "ec2" || m.isHeld(v, a) {
			return fmt.Errorf("was not taken for what the model allows: %v", a)
		}
	case Unreadable:
		if (v.text || !p.isText() && v.in == "") && !m.isUnreadable(p, a) {
			return fmt.Errorf("is not of its type: %v", a)
		}
	case Broken:
		return m.judgeBroken(v, a)
	}
	return nil
}

// isHeld tells whether an answer has a constraint broken that the variant keeps. Services
// demand more than the model says, in the model's words.
func (m *Model) isHeld(v Variant, a Answer) bool {
	if a.Code == "InvalidParameterValueException" { // of Lambda, which is no model's
		return false
	}
	_, must, said := strings.Cut(a.Message, "'"+v.said+"' failed to satisfy constraint: ")
	must = strings.TrimPrefix(must, "'")
	return said && slices.ContainsFunc(v.kept, func(rule string) bool { return strings.HasPrefix(must, "Member must "+rule) })
}

// What can be kept of a constraint: by texts and numbers, by values of enums, by lists
// and maps.
var (
	keptByValue = []string{"have length", "have value less", "have value greater", "satisfy regular", "satisfy constraint"}
	keptByEnum  = []string{"satisfy enum", "satisfy constraint"}
	keptBySize  = []string{"have length"}
)

func (a Answer) String() string {
	if a.Status < http.StatusBadRequest {
		return "with success"
	}
	return fmt.Sprintf("%d %s: %.300s", a.Status, a.Code, a.Message)
}

// isUnreadable tells the answers to what cannot be read.
func (m *Model) isUnreadable(p Protocol, a Answer) bool {
	code := "SerializationException"
	switch {
	case m.service == "ec2":
		return a.Code == "InvalidParameterValue" || a.Code == "MalformedQueryString"
	case p.isText():
		code = "MalformedInput"
	case m.service == "lambda":
		code = "InvalidRequestContentException"
	}
	return a.Status == http.StatusBadRequest && unqualified(a.Code) == code
}

func unqualified(code string) string { return code[strings.LastIndex(code, "#")+1:] }

// judgeBroken holds the refusal of what breaks a constraint to the words in which the
// service says it.
func (m *Model) judgeBroken(v Variant, a Answer) error {
	codes, message := m.refusal(v)
	switch {
	case a.Status < http.StatusBadRequest:
		return fmt.Errorf("was taken, and the model says: %s", v.must)
	case codes != nil && !slices.Contains(codes, unqualified(a.Code)):
		return fmt.Errorf("want %v: %s; got %v", codes, v.must, a)
	case v.hollow && strings.Contains(a.Message, "Value null at "):
		return nil // what is missing beside it is told first, and may be told alone
	case !strings.Contains(a.Message, message):
		return fmt.Errorf("want the message %q; got %v", message, a)
	}
	return nil
}

// IsOwnMatter tells what a service answers by rules of its own: the entries of a batch of
// SQS fail each for itself in an answer that is a success, two lists of ReceiveMessage are
// one in awsQuery, GetMetricStatistics needs one of two lists, and Lambda holds some
// members to less than its model does.
func (m *Model) IsOwnMatter(v Variant, p Protocol) bool {
	switch {
	case v.hollow && v.must == mustBeThere && p.isText(): // there is nothing to see of it
		return true
	case m.service == "sqs":
		return v.Want == Broken && strings.HasPrefix(v.said, "entries.") || p.isText() && strings.Contains(v.Path, "AttributeNames[")
	case m.service == "lambda":
		return v.Want == Allowed && slices.Contains([]string{".MemorySize", ".Timeout", ".X-Amz-Client-Context"}, v.Path)
	case m.service == "monitoring":
		return v.Operation == "GetMetricStatistics" && v.Name == "too few"
	}
	return false
}

// refusal is with which codes and words a service tells of a constraint that is broken.
// No codes: with one of its own.
func (m *Model) refusal(v Variant) (codes []string, message string) {
	coral := "at '" + v.said + "' failed to satisfy constraint: " + v.must
	switch m.service {
	case "application-autoscaling", "events", "lambda", "scheduler":
		return []string{"ValidationException"}, coral
	case "elasticloadbalancing", "iam", "sts":
		return []string{"ValidationError"}, coral
	case "monitoring":
		if v.Operation == "GetMetricStatistics" || v.Operation == "PutMetricData" {
			return nil, ""
		}
		return []string{"ValidationError", "ValidationException"}, coral
	case "ecs":
		switch {
		case v.isEnum() && v.hollow: // what is missing beside it may be told first
			return []string{"InvalidParameterException"}, ""
		case v.isEnum():
			return []string{"InvalidParameterException", "ClientException"}, " should be one of ["
		}
		return []string{"InvalidParameterException"}, coral
	case "logs":
		return []string{"InvalidParameterException"}, ""
	case "ecr":
		return []string{"InvalidParameterException"}, "Invalid parameter at '"
	case "ec2":
		switch {
		case v.hollow: // what is missing beside it may be told first
			return []string{"MissingParameter", "InvalidParameterValue"}, ""
		case v.must == mustBeThere:
			return []string{"MissingParameter"}, "The request must contain the parameter "
		}
		return []string{"InvalidParameterValue"}, ""
	}
	return nil, "" // SQS, which says all in sentences of its own
}

// isEnum tells values that are none of an enum.
func (v Variant) isEnum() bool { return strings.Contains(v.must, "enum value set") || v.ofEnum }
