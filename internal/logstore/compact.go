package logstore

import "context"

func (s *Store) compact(context.Context) error { return nil }
