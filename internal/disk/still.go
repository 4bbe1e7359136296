package disk

// BeginWrite is called before a write to the data folder, and EndWrite after it: in between
// no backup begins, so that a backup finds all files at rest.
func (d *Disk) BeginWrite() {
	if d != nil {
		d.writing.RLock()
	}
}

// EndWrite ends a write that BeginWrite began.
func (d *Disk) EndWrite() {
	if d != nil {
		d.writing.RUnlock()
	}
}

// Still does what f does while nobody writes.
func (d *Disk) Still(f func() error) error {
	if d != nil {
		d.writing.Lock()
		defer d.writing.Unlock()
	}
	return f()
}
