package polling

import (
	"bytes"
	"encoding/json"
)

// Failures are the records of a batch that a function has not processed, as its answer
// says where it reports them. Of an answer that is no report, or names something else,
// they are all ("Implementing partial batch responses"): a list that is empty, null or
// left out is success, as is an answer that is null; an identifier that is empty, null
// or of no message of the batch is a failure of the whole.
func Failures(records []Record, answer []byte) []Record {
	failed, ok := reported(answer)
	if !ok {
		return records
	}
	var left []Record
	for _, r := range records {
		if failed[r.ID] {
			left = append(left, r)
			delete(failed, r.ID)
		}
	}
	if len(failed) > 0 {
		return records
	}
	return left
}

// reported are the identifiers that an answer names. It is false for one that is no
// report.
func reported(answer []byte) (failed map[string]bool, ok bool) {
	if len(bytes.TrimSpace(answer)) == 0 {
		return nil, true // a runtime that has nothing to say
	}
	var report struct {
		Failures []struct {
			Identifier *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if json.Unmarshal(answer, &report) != nil {
		return nil, false
	}
	failed = map[string]bool{}
	for _, f := range report.Failures {
		if f.Identifier == nil || *f.Identifier == "" {
			return nil, false
		}
		failed[*f.Identifier] = true
	}
	return failed, true
}
