// Package polling is what an event source mapping of an SQS queue does with messages:
// how many batches of them are under way, when a batch is complete, what a function is
// sent of it, and which messages its answer leaves in the queue.
//
// Everything here is a value. The caller receives, waits, invokes and deletes:
//
//	b := polling.NewBatch(rules)
//	for !b.Complete(now) {
//		... receive b.Wants() messages, or until b.Closes()
//		b.Add(record)
//	}
//	answer := invoke(b.Event())
//	failed := polling.Failures(b.Records(), answer) // all others are deleted
//	scale = scale.Step(now, seen)               // once in a while
//
// The rules are those of the page "Using Lambda with Amazon SQS" and those below it.
package polling
