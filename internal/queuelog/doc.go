// Package queuelog keeps records on disk in the order in which they were appended,
// in segments of a bounded size that are removed one by one, the first ones first or
// any of them.
//
//	first, err := log.Append(&batch) // in the file: survives the process
//	err = log.Sync(log.End())        // on the disk: survives the machine
//
// Every record has a position, which grows along the log and is never used again.
// Many callers of Sync share one sync of the disk.
//
// A record carries a checksum of its content, its position and a number of its
// segment's own. What was appended last and not finished when the machine stopped is
// cut off when the log is opened. Damage anywhere else is told of and stepped over:
// records are looked for again behind it, and as nobody outside knows the segment's
// number, nothing that a client had stored in one is taken for a record.
package queuelog
