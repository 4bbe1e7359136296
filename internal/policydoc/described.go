package policydoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// readDescribed reads what the AWS CLI prints: the members of the API's answers.
func readDescribed(raw json.RawMessage) (Documents, error) {
	var tree any
	values := json.NewDecoder(bytes.NewReader(raw))
	values.UseNumber()
	if err := values.Decode(&tree); err != nil {
		return Documents{}, err
	}
	members, is := tree.(map[string]any)
	if !is {
		return Documents{}, errors.New("it is a JSON value, but no object: " + ErrNothing.Error())
	}
	unify(members)
	text, err := json.Marshal(members)
	if err != nil {
		return Documents{}, err
	}
	var out struct {
		ScalableTargets  []types.ScalableTarget
		ScalingPolicies  []types.ScalingPolicy
		ScheduledActions []types.ScheduledAction
		MetricAlarms     []cwtypes.MetricAlarm
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return Documents{}, wrongMember(err)
	}
	return Documents{Targets: out.ScalableTargets, Policies: out.ScalingPolicies, Actions: out.ScheduledActions, Alarms: out.MetricAlarms}, nil
}

// unify writes times as the SDK's types read them, in place: some clients print them as
// seconds since 1970, others without a zone's colon.
func unify(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if strings.HasSuffix(name, "Time") || strings.HasSuffix(name, "Timestamp") {
				if at, ok := momentOf(member); ok {
					v[name] = at
				} else {
					delete(v, name)
				}
				continue
			}
			unify(member)
		}
	case []any:
		for _, one := range v {
			unify(one)
		}
	}
}

// momentOf reads a time of a client.
func momentOf(member any) (time.Time, bool) {
	switch v := member.(type) {
	case json.Number:
		if seconds, err := v.Float64(); err == nil && math.Abs(seconds) < 1e12 {
			return time.UnixMilli(int64(seconds * 1000)).UTC(), true
		}
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05.999999-07:00"} {
			if at, err := time.Parse(layout, v); err == nil {
				return at.UTC(), true
			}
		}
	}
	return time.Time{}, false
}

// wrongMember says which member has a value of another kind than it should.
func wrongMember(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("member %s is a %s, and should be of type %s", kind.Field, kind.Value, kind.Type)
	}
	return err
}
