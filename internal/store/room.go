package store

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// A RoomError tells that a call was refused because the database has no room. Nothing of the call was kept.
type RoomError struct{ Reason string }

func (e *RoomError) Error() string {
	return fmt.Sprintf("The database has no room (%s); nothing of this call was kept. Make room on the disk of PostgreSQL and call again: replicas go on and need no restart.", e.Reason)
}

// Remedy tells those who have made no call what is lacking, and what to do.
func (e *RoomError) Remedy() string {
	return fmt.Sprintf("the database has no room (%s); make some on the disk of PostgreSQL", e.Reason)
}

// Waits tells of a call whose changes are made and wait to be written.
func (e *RoomError) Waits() string {
	return fmt.Sprintf("The database has no room (%s): what this call asked for waits to be written, and is lost if this replica ends before it is. "+
		"Make room on the disk of PostgreSQL: it is written by itself then. Look whether it is as you want it before you call again.", e.Reason)
}

// diskFull is PostgreSQL's code for it.
const diskFull = "53100"

// lackOfRoom is what a write has failed for, if that is want of room.
func lackOfRoom(err error) *RoomError {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == diskFull {
		return &RoomError{answer.Message}
	}
	return nil
}
