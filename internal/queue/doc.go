// Package queue is what becomes of the messages of one queue of Amazon SQS: which can
// be received, in which order, which are invisible and until when, and which is gone.
// It is pure: no clock, no goroutine, no disk; time is an argument.
//
//	q := queue.New(queue.Settings{Retention: ...}, backlog)
//	q.Sent(message)                     // it is on disk now
//	got, err := q.Receive(now, queue.Want{Most: 10, Visibility: 30_000})
//	err = q.Delete(now, got[0].Receipt)
//
// It holds no contents: a message has a place, which is for others to read. Of the
// messages that were sent and never looked at it knows only how many there are. They
// stand in a Backlog, in the order in which they were sent, and are taken from its
// front. So what it costs does not depend on how long a queue is, but on how many
// messages of it are invisible, delayed, or have come back: about 150 bytes each. For a
// FIFO queue it looks up to 120,000 messages ahead for groups that are not locked, as
// AWS does ("FIFO queue and message group quotas").
package queue
