package disk

// A Mirror keeps a copy of the files elsewhere, with which a server may go on that does not have this disk.
type Mirror interface {
	// Synced returns when the copy has so many bytes of a file, from its beginning.
	Synced(path string, size int64) error
	// Removed has the copy forget a file, or a folder with all that is in it.
	Removed(path string) error
	// Room is nil, or why the copy has no room.
	Room() error
}

// Mirrored tells whether there is a mirror.
func (d *Disk) Mirrored() bool { return d != nil && d.Mirror != nil }

// mirrorsRoom is nil, or why there is no room for the copy of a file.
func (d *Disk) mirrorsRoom() error {
	if !d.Mirrored() {
		return nil
	}
	return d.Mirror.Room()
}

// Synced is called after a file was synced, before anybody is told that it was, with the length that is certain.
func (d *Disk) Synced(path string, size int64) error {
	if !d.Mirrored() {
		return nil
	}
	return d.Mirror.Synced(path, size)
}

// Removed is called after a file was removed, or a folder with all that is in it.
func (d *Disk) Removed(path string) error {
	if !d.Mirrored() {
		return nil
	}
	return d.Mirror.Removed(path)
}
