package store

import "fmt"

// Kinds are the kinds of which there are documents, in order.
func (s *SQLite) Kinds() (kinds []string, err error) {
	rows, err := s.db.Query("SELECT DISTINCT kind FROM document ORDER BY kind")
	if err != nil {
		return nil, fmt.Errorf("list the kinds in %s: %w", s.path, err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		if err := rows.Scan(&kind); err != nil {
			return nil, fmt.Errorf("list the kinds in %s: %w", s.path, err)
		}
		kinds = append(kinds, kind)
	}
	return kinds, rows.Err()
}
