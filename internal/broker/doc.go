// Package broker keeps the messages of queues: package queue says what becomes of
// them, package queuelog has them on disk.
//
// The log of a queue has a record for each message, and one for whatever becomes of
// messages. A send and a delete are answered when their records are on disk; all that
// wait meanwhile share one sync. What a receive has done is in the file before it is
// answered, so that it outlasts the process: after a restart messages are in flight
// for as long as they would have been, receipts stay good, and receives are counted
// on. When the machine itself stops, the receives of its last moments may be
// forgotten; messages are then visible early.
//
// A message can be received once it is on disk.
//
// From time to time a checkpoint says what the queue knows and from where in the log
// this must be brought up to date; a start reads it and what follows it. A segment in
// which no message is left is removed.
package broker
