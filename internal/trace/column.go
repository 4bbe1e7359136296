package trace

import (
	"fmt"
	"iter"
	"os"
	"unsafe"
)

// A column is values that are appended, and then read in turn as often as is wanted. Beyond
// heldBlocks it keeps them in a temporary file that has no name any more, so that its memory does
// not grow with them and nothing is left of it when the process ends, however it does. Where no
// such file can be had, all of them stay in memory. The zero column is empty. T has no pointers: this
// process alone reads the file, in which values are as they are in memory.
type column[T any] struct {
	n      int
	blocks [][]T // full ones and the last; nil is one that is in the file
	file   *os.File
	full   bool // the file takes no more
	err    error

	cached int // which block cache is
	cache  []T
}

const (
	ofBlock    = 8192 // values: of numbers, 64 KiB
	heldBlocks = 8    // of numbers, six weeks of minutes in half a MiB
)

func (c *column[T]) len() int { return c.n }

func (c *column[T]) append(v T) {
	if c.n%ofBlock == 0 {
		c.blocks = append(c.blocks, c.room())
	}
	last := len(c.blocks) - 1
	c.blocks[last] = append(c.blocks[last], v)
	c.n++
}

// room is an empty block: the memory of the one before, if that goes into the file.
func (c *column[T]) room() []T {
	last := len(c.blocks) - 1
	if last < heldBlocks || c.full {
		return make([]T, 0, ofBlock)
	}
	block := c.blocks[last]
	if err := c.write(last, block); err != nil {
		c.full = true // which costs memory, and nothing else
		return make([]T, 0, ofBlock)
	}
	c.blocks[last] = nil
	return block[:0]
}

// write writes a block to the file, which it makes if there is none.
func (c *column[T]) write(at int, block []T) error {
	if c.file == nil {
		file, err := os.CreateTemp("", "flyball-values-")
		if err != nil {
			return err
		}
		if err := os.Remove(file.Name()); err != nil {
			_ = file.Close() // it has nothing
			return err
		}
		c.file = file
	}
	_, err := c.file.WriteAt(bytesOf(block), c.place(at))
	return err
}

// place is where a block is in the file.
func (c *column[T]) place(at int) int64 {
	var one T
	return int64(at) * ofBlock * int64(unsafe.Sizeof(one))
}

// bytesOf are the bytes of values.
func bytesOf[T any](values []T) []byte {
	var one T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(one)))
}

// read reads a block of the file into another.
func (c *column[T]) read(at int, into []T) error {
	if _, err := c.file.ReadAt(bytesOf(into), c.place(at)); err != nil { // also if it ends before: blocks in it are whole
		c.err = fmt.Errorf("read again what was put into a temporary file: %w", err)
	}
	return c.err
}

// at is the i-th value. Where it cannot be read it is the zero value, and err tells of it.
func (c *column[T]) at(i int) (v T) {
	k := i / ofBlock
	if block := c.blocks[k]; block != nil {
		return block[i%ofBlock]
	}
	if c.cache == nil || c.cached != k {
		c.cache, c.cached = make([]T, ofBlock), k
		if c.read(k, c.cache) != nil {
			c.cache = nil
			return v
		}
	}
	return c.cache[i%ofBlock]
}

// all are the values with their places. They end early where one cannot be read, and err tells of it.
func (c *column[T]) all() iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		place := 0
		for block := range c.each() {
			for _, v := range block {
				if !yield(place, v) {
					return
				}
				place++
			}
		}
	}
}

// each are the blocks of values, of which one is good until the next.
func (c *column[T]) each() iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		var room []T
		for k, block := range c.blocks {
			if block == nil {
				if room == nil {
					room = make([]T, ofBlock)
				}
				if block = room; c.read(k, block) != nil {
					return
				}
			}
			if !yield(block) {
				return
			}
		}
	}
}

// columnOf is a column of values.
func columnOf[T any](values iter.Seq[T]) *column[T] {
	c := &column[T]{}
	for v := range values {
		c.append(v)
	}
	return c
}
