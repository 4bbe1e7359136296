package sqs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/queue"
	"flyball/internal/service/sqs/fault"
)

// A receipt handle is the message's sequence, which of its deliveries it is for, and a
// mark that only the queue can make. So it needs to be stored nowhere, and is good
// after a restart.

const (
	handleVersion = 1
	handleSize    = 1 + 8 + 4 + markSize
	markSize      = 16
)

// handle is the receipt handle of a delivery.
func (r *row) handle(of queue.Receipt) *string {
	b := make([]byte, 0, handleSize)
	b = append(b, handleVersion)
	b = binary.BigEndian.AppendUint64(b, of.Sequence)
	b = binary.BigEndian.AppendUint32(b, of.Receives)
	return aws.String(base64.StdEncoding.EncodeToString(append(b, r.mark(b)...)))
}

func (r *row) mark(of []byte) []byte {
	h := hmac.New(sha256.New, r.Secret)
	h.Write([]byte(r.ID))
	h.Write(of)
	return h.Sum(nil)[:markSize]
}

// receipt is the delivery that a receipt handle is for.
func (r *row) receipt(handle *string) (queue.Receipt, error) {
	if aws.ToString(handle) == "" {
		return queue.Receipt{}, fault.Missing("ReceiptHandle")
	}
	b, err := base64.StdEncoding.DecodeString(*handle)
	if err != nil || len(b) != handleSize || b[0] != handleVersion || !hmac.Equal(r.mark(b[:handleSize-markSize]), b[handleSize-markSize:]) {
		return queue.Receipt{}, fault.Handle(*handle)
	}
	return queue.Receipt{Sequence: binary.BigEndian.Uint64(b[1:]), Receives: binary.BigEndian.Uint32(b[9:])}, nil
}
