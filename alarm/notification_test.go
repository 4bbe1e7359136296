package alarm_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"flyball/alarm"
)

// The members are those of the example in "Alarm events", CloudWatch User Guide.
func ExampleNotification_Event() {
	at := time.Date(2023, 8, 4, 12, 36, 15, 490e6, time.UTC)
	n := alarm.Notification{
		Action:   "arn:aws:lambda:us-east-1:444455556666:function:tell",
		Alarm:    "busy",
		AlarmARN: "arn:aws:cloudwatch:us-east-1:444455556666:alarm:busy",
		State:    alarm.Alarm, Reason: "test", At: at,
		PreviousReason: "Insufficient Data: 5 datapoints were unknown.", PreviousAt: at.Add(-time.Minute),
		Configuration: json.RawMessage(`{"description":"too busy"}`),
	}
	var event bytes.Buffer
	if err := json.Indent(&event, n.Event(), "", "  "); err != nil {
		panic(err)
	}
	fmt.Println(event.String())
	// Output:
	// {
	//   "source": "aws.cloudwatch",
	//   "alarmArn": "arn:aws:cloudwatch:us-east-1:444455556666:alarm:busy",
	//   "accountId": "444455556666",
	//   "time": "2023-08-04T12:36:15.490+0000",
	//   "region": "us-east-1",
	//   "alarmData": {
	//     "alarmName": "busy",
	//     "state": {
	//       "value": "ALARM",
	//       "reason": "test",
	//       "timestamp": "2023-08-04T12:36:15.490+0000"
	//     },
	//     "previousState": {
	//       "value": "INSUFFICIENT_DATA",
	//       "reason": "Insufficient Data: 5 datapoints were unknown.",
	//       "timestamp": "2023-08-04T12:35:15.490+0000"
	//     },
	//     "configuration": {
	//       "description": "too busy"
	//     }
	//   }
	// }
}
