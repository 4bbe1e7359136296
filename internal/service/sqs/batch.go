package sqs

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"flyball/internal/service/sqs/fault"
	"flyball/internal/service/sqs/rules"
)

// checkBatch checks how many entries of a kind there are, and their IDs.
func checkBatch(kind string, ids []*string) error {
	switch {
	case len(ids) == 0:
		return fault.EmptyBatch(kind)
	case len(ids) > rules.MostEntries:
		return fault.TooManyEntries(len(ids))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		text := aws.ToString(id)
		switch {
		case !rules.EntryID(text):
			return fault.EntryID()
		case seen[text]:
			return fault.NotDistinct(text)
		}
		seen[text] = true
	}
	return nil
}

// codes are those of errors in batches, which are the codes of the query protocol.
var codes = map[string]string{
	"InvalidParameterValueException":    "InvalidParameterValue",
	"MissingRequiredParameterException": "MissingParameter",
}

// failed is the result of an entry that failed.
func failed(id *string, err error) types.BatchResultErrorEntry {
	e := types.BatchResultErrorEntry{Id: id, Code: aws.String("InternalError"), Message: aws.String(err.Error())}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		e.SenderFault = api.ErrorFault() != smithy.FaultServer
		e.Code, e.Message = aws.String(api.ErrorCode()), aws.String(api.ErrorMessage())
		if code, ok := codes[api.ErrorCode()]; ok {
			e.Code = &code
		}
	}
	return e
}
