package operator

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"flyball/internal/control"
	"flyball/scaling"
)

// notices makes events of Kubernetes of what is told.
type notices struct{ recorder events.EventRecorder }

// noteBytes bounds the note of an event, as the API server does.
const noteBytes = 1024

// refuse tells why a resource is left alone.
func (n notices) refuse(of runtime.Object, reason, text string) {
	kind := corev1.EventTypeWarning
	if reason == paused {
		kind = corev1.EventTypeNormal // somebody wants it so
	}
	n.send(of, kind, reason, "Refuse", text)
}

func (n notices) send(of runtime.Object, kind, reason, action, text string) {
	if len(text) > noteBytes {
		text = strings.ToValidUTF8(text[:noteBytes-3], "") + "..."
	}
	n.recorder.Eventf(of, nil, kind, reason, action, "%s", text)
}

// record tells of a record of the host; some are no news for people.
func (n notices) record(of runtime.Object, r control.Record) {
	kind, reason, action, text := corev1.EventTypeNormal, "", "Scale", r.Reason
	switch r.Event {
	case control.Decided, control.Followed:
		if r.Activity == nil {
			return
		}
		kind, reason, text = ofActivity(*r.Activity)
	case control.Blind:
		kind, reason, action = corev1.EventTypeWarning, "MetricUnavailable", "ReadMetrics"
	case control.Sighted:
		reason, action = "MetricAvailable", "ReadMetrics"
	case control.Unseen:
		kind, reason, action = corev1.EventTypeWarning, "FailedGetScale", "Look"
	case control.Missing:
		kind, reason, action = corev1.EventTypeWarning, "TargetNotFound", "Look"
	case control.Found:
		reason, action = "TargetFound", "Look"
	case control.Unkept:
		kind, reason, action = corev1.EventTypeWarning, "StateUnwritable", "Save"
	case control.Kept:
		reason, action = "StateWritable", "Save"
	case control.Held:
		kind, reason = corev1.EventTypeWarning, "ScaleInHeld"
	case control.Refused:
		kind, reason, action = corev1.EventTypeWarning, "StateUnreadable", "Load"
	case control.Paused:
		reason, action = paused, "Look"
	case control.Resumed:
		reason, action = "Resumed", "Look"
	case control.Taken:
		reason, action = "Governed", "Take"
	}
	if reason != "" && text != "" {
		n.send(of, kind, reason, action, text)
	}
}

// ofActivity is the event of an activity: "" for those that are told by others.
func ofActivity(a scaling.Activity) (kind, reason, text string) {
	switch {
	case len(a.NotScaled) > 0:
		var why []string
		for _, r := range a.NotScaled {
			why = append(why, r.String())
		}
		return corev1.EventTypeNormal, "NotScaled", a.Cause + ", but " + strings.Join(why, "; ")
	case a.Status == scaling.Pending:
		return corev1.EventTypeNormal, "Scaling", strings.TrimSuffix(a.Description+" "+a.Cause+"; "+a.Details, "; ")
	case a.Status == scaling.Failed:
		return corev1.EventTypeWarning, "FailedUpdateScale", a.Message
	case a.Status == scaling.Unfulfilled:
		return corev1.EventTypeWarning, "Unfulfilled", a.Message
	case a.Status == scaling.Overridden, a.Status == scaling.Successful:
		return corev1.EventTypeNormal, string(a.Status), a.Message
	}
	return "", "", ""
}
