package wire

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"reflect"
	"time"

	"flyball/internal/optional"
)

// A decoder fills SDK structs from a reader.
//
// PutMetricData makes it the hottest code of the server: a request holds a
// thousand structs of small pointers. So pointers come from slabs, short strings
// from a table of those seen before, and lists grow once where their length is
// known.
type decoder struct {
	query   bool // what is read has the names of awsQuery
	zeros   bool // a zero that is given is not as good as none
	empties bool // an empty enum is for the operation to refuse
	r       reader
	strings *interner
	memory  int // bytes that lists and maps may take before more is asked for
	asked   int // bytes that were asked for
	more    func(bytes int) bool
	scratch []float64

	texts  slab[string]
	floats slab[float64]
	longs  slab[int64]
	ints   slab[int32]
	bools  slab[bool]
	times  slab[time.Time]
}

// decodeError is a value that could not be read, and where.
type decodeError struct {
	path string
	err  error
}

func (e *decodeError) Error() string { return fmt.Sprintf("%s: %v", e.path, e.err) }
func (e *decodeError) Unwrap() error { return e.err }

// at adds the step that leads to an error.
func at(step string, err error) error {
	if deeper, ok := errors.AsType[*decodeError](err); ok {
		return &decodeError{step + "." + deeper.path, deeper.err}
	}
	return &decodeError{step, err}
}

const (
	errTooLarge = refusal("The request holds too many elements")
	errBusy     = refusal("The requests that are under way hold too many elements")
)

// take counts what a list or a map takes.
func (d *decoder) take(bytes int) error {
	if d.memory -= bytes; d.memory >= 0 {
		return nil
	}
	more := max(-d.memory, memoryStep)
	d.memory, d.asked = d.memory+more, d.asked+more
	switch {
	case d.asked > maxMemory:
		return errTooLarge
	case d.more != nil && !d.more(d.asked):
		return errBusy
	}
	return nil
}

// value reads what p describes into v, which must be settable. A null leaves v
// as it is.
func (d *decoder) value(p *plan, v reflect.Value) error {
	if d.r.null() {
		return nil
	}
	switch p.kind {
	case kindString:
		return d.text(p, v)
	case kindEnum:
		return d.enum(p, v)
	case kindBool:
		return d.boolean(p, v)
	case kindInt:
		return d.integer(p, v)
	case kindFloat:
		return d.float(p, v)
	case kindTime:
		return d.time(p, v)
	case kindBlob:
		return d.blob(v)
	case kindStruct:
		if p.pointer {
			v.Set(reflect.New(p.typ))
			v = v.Elem()
		}
		return d.structure(p, v)
	case kindFloats:
		return d.floatList(v.Addr().Interface().(*[]float64))
	case kindList:
		return d.list(p, v)
	case kindMap:
		return d.dict(p, v)
	case kindUnion:
		return d.union(p, v)
	case kindDocument:
		return d.document(p, v)
	}
	panic("wire: a plan of no kind")
}

func (d *decoder) text(p *plan, v reflect.Value) error {
	b, err := d.r.text()
	if err != nil {
		return err
	}
	s := d.strings.string(b)
	if p.pointer {
		v.Set(reflect.ValueOf(d.texts.put(s)))
		return nil
	}
	v.SetString(s)
	return nil
}

func (d *decoder) boolean(p *plan, v reflect.Value) error {
	b, err := d.r.boolean()
	if err != nil {
		return err
	}
	if p.pointer {
		v.Set(reflect.ValueOf(d.bools.put(b)))
		return nil
	}
	v.SetBool(b)
	return nil
}

func (d *decoder) time(p *plan, v reflect.Value) error {
	t, err := d.r.time()
	if err != nil {
		return err
	}
	if p.pointer {
		v.Set(reflect.ValueOf(d.times.put(t)))
		return nil
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

func (d *decoder) blob(v reflect.Value) error {
	b, err := d.r.blob()
	if err != nil {
		return err
	}
	v.SetBytes(b)
	return nil
}

func (d *decoder) float(p *plan, v reflect.Value) error {
	f, err := d.r.float()
	if err != nil {
		return err
	}
	switch {
	case !p.pointer:
		v.SetFloat(f)
	case p.typ == float64Type:
		v.Set(reflect.ValueOf(d.floats.put(f)))
	default:
		v.Set(reflect.New(p.typ))
		v.Elem().SetFloat(f)
	}
	return nil
}

func (d *decoder) integer(p *plan, v reflect.Value) error {
	n, err := d.r.integer()
	if err != nil {
		return err
	}
	if p.bits == 32 && (n > math.MaxInt32 || n < math.MinInt32) {
		return badValue{"NUMBER_VALUE", wantInteger}
	}
	switch {
	case !p.pointer:
		if n == 0 && d.zeros {
			n = optional.Zero
		}
		v.SetInt(n)
	case p.typ == int32Type:
		v.Set(reflect.ValueOf(d.ints.put(int32(n))))
	case p.typ == int64Type:
		v.Set(reflect.ValueOf(d.longs.put(n)))
	default:
		v.Set(reflect.New(p.typ))
		v.Elem().SetInt(n)
	}
	return nil
}

// enum reads an enum value. The SDK's types cannot tell an empty string from no
// value, so the empty string is refused here and not by validate, but in services that have
// no error for it.
func (d *decoder) enum(p *plan, v reflect.Value) error {
	b, err := d.r.text()
	if err != nil {
		return err
	}
	if len(b) == 0 && p.rule != nil && !d.empties {
		return brokenRule{value: "''", must: "Member must satisfy enum value set: " + p.rule.enumSet()}
	}
	if p.pointer {
		v.Set(reflect.New(p.typ))
		v = v.Elem()
	}
	v.SetString(d.strings.string(b))
	return nil
}

func (d *decoder) structure(p *plan, v reflect.Value) error {
	if err := d.r.object(); err != nil {
		return err
	}
	expect := 0 // SDKs send members in the order of their names
	var given uint64
	for {
		name, more, err := d.r.key()
		switch {
		case err != nil:
			return err
		case !more:
			return d.lacking(p, given)
		}
		i := expect
		if i >= len(p.fields) || p.fields[i].in != inBody || d.nameOf(&p.fields[i]) != string(name) {
			found, ok := d.namesOf(p)[string(name)]
			if !ok {
				if err := d.r.skip(); err != nil {
					return err
				}
				continue
			}
			i = found
		}
		expect = i + 1
		f := &p.fields[i]
		if f.bit != 0 {
			if d.r.null() {
				continue
			}
			given |= f.bit
		}
		if err := d.value(f.plan, v.Field(f.index)); err != nil {
			return at(f.path, err)
		}
	}
}

// lacking refuses a struct without a member that is required and that the SDK's type has
// as a plain value, so that validate could not tell that it is not there.
func (d *decoder) lacking(p *plan, given uint64) error {
	if given == p.plain || d.zeros {
		return nil
	}
	for i := range p.fields {
		if f := &p.fields[i]; f.bit&^given != 0 {
			return at(f.path, brokenRule{"null", notNull})
		}
	}
	return nil
}

// nameOf is what a member is called in what is read.
func (d *decoder) nameOf(f *field) string {
	if d.query {
		return f.query
	}
	return f.name
}

func (d *decoder) namesOf(p *plan) map[string]int {
	if d.query {
		return p.byQuery
	}
	return p.byName
}

func (d *decoder) list(p *plan, v reflect.Value) error {
	size, err := d.r.list()
	if err != nil {
		return err
	}
	elem := int(p.elem.typ.Size())
	// A hint is only a claim. What is allocated for it is bounded, and what is
	// read is counted.
	grow := min(max(size, 4), 4096)
	v.SetZero()
	for n := 0; ; n++ {
		more, err := d.r.next()
		if err != nil {
			return at(itemPath(n), err)
		}
		if !more {
			if n == 0 {
				v.Set(reflect.MakeSlice(p.typ, 0, 0)) // empty is not absent
			}
			return nil
		}
		if err := d.take(elem); err != nil {
			return err
		}
		if n == v.Cap() {
			v.Grow(max(n, grow))
		}
		v.SetLen(n + 1)
		if err := d.value(p.elem, v.Index(n)); err != nil {
			if broken, ok := errors.AsType[brokenRule](err); ok && p.elem.isText() {
				return brokenRule{p.show(v), "Member must satisfy constraint: [" + broken.must + "]"} // as in validate
			}
			return at(itemPath(n), err)
		}
	}
}

func itemPath(i int) string { return fmt.Sprintf("%d.member", i+1) }

func (d *decoder) floatList(to *[]float64) error {
	if _, err := d.r.list(); err != nil {
		return err
	}
	d.scratch = d.scratch[:0]
	for {
		more, err := d.r.next()
		if err != nil {
			return at(itemPath(len(d.scratch)), err)
		}
		if !more {
			*to = append([]float64{}, d.scratch...)
			return nil
		}
		f, err := d.r.float()
		if err != nil {
			return at(itemPath(len(d.scratch)), err)
		}
		d.scratch = append(d.scratch, f)
	}
}

// mapEntry is about what a map takes for an entry besides key and value.
const mapEntry = 48

func (d *decoder) dict(p *plan, v reflect.Value) error {
	if err := d.openMap(p); err != nil {
		return err
	}
	m := reflect.MakeMap(p.typ)
	for {
		b, more, err := d.r.key()
		if err != nil {
			return err
		}
		if !more {
			v.Set(m)
			return nil
		}
		if err := d.take(mapEntry + int(p.elem.typ.Size())); err != nil {
			return err
		}
		if _, err := validText(b); err != nil {
			return err
		}
		key := d.strings.string(b)
		elem := reflect.New(p.typ.Elem()).Elem()
		if err := d.value(p.elem, elem); err != nil {
			return at(key, err)
		}
		m.SetMapIndex(reflect.ValueOf(key).Convert(p.typ.Key()), elem)
	}
}

func (d *decoder) openMap(p *plan) error {
	if r, ok := d.r.(dictionary); ok {
		return r.dict(p.names)
	}
	return d.r.object()
}

const (
	errUnionCount   = refusal("Exactly one member of a union must be set")
	errUnionArm     = refusal("Unknown union member")
	errNoDocuments  = refusal("Documents are not supported here")
	errTrailingData = refusal("Unexpected data after the request")
)

func (d *decoder) union(p *plan, v reflect.Value) error {
	if err := d.r.object(); err != nil {
		return err
	}
	for {
		name, more, err := d.r.key()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if d.r.null() {
			continue
		}
		a := p.arm(name)
		if a == nil {
			return errUnionArm
		}
		if !v.IsNil() {
			return errUnionCount
		}
		box := reflect.New(a.typ)
		if err := d.value(a.plan, box.Elem().FieldByName("Value")); err != nil {
			return at(lowerFirst(a.name), err)
		}
		v.Set(box)
	}
	if v.IsNil() {
		return errUnionCount
	}
	return nil
}

func (p *plan) arm(name []byte) *arm {
	for i := range p.arms {
		if p.arms[i].name == string(name) {
			return &p.arms[i]
		}
	}
	return nil
}

func (d *decoder) document(p *plan, v reflect.Value) error {
	if p.doc == nil {
		return errNoDocuments
	}
	doc, err := d.r.document()
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(p.doc(doc)))
	return nil
}

// A slab hands out pointers to values that were allocated together.
type slab[T any] struct {
	free []T
	size int
}

func (s *slab[T]) put(v T) *T {
	if len(s.free) == 0 {
		// Small requests stay small; large ones allocate seldom.
		s.size = min(max(4, 2*s.size), 512)
		s.free = make([]T, s.size)
	}
	p := &s.free[0]
	s.free = s.free[1:]
	*p = v
	return p
}

// An interner returns strings for bytes, and the same string again for bytes
// that it saw lately, without allocating. Metric and dimension names come back
// in every request.
type interner struct {
	seed   maphash.Seed
	recent [4096]string
}

func newInterner() *interner { return &interner{seed: maphash.MakeSeed()} }

func (in *interner) string(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > 64 {
		return string(b)
	}
	slot := &in.recent[maphash.Bytes(in.seed, b)%uint64(len(in.recent))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}
