package wire

import (
	"encoding/binary"
	"math"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// The major types of CBOR, RFC 8949 section 3.1.
const (
	cborUint = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

// The additional information of an item's first byte.
const (
	cborFalse      = 20
	cborTrue       = 21
	cborNull       = 22
	cborUndefined  = 23
	cborHalf       = 25
	cborSingle     = 26
	cborDouble     = 27
	cborIndefinite = 31
	cborBreak      = 0xff
	cborEpoch      = 1 // tag of a time in seconds
)

const errCBOR = refusal("The request body is not valid CBOR")

// cborReader reads CBOR without building a tree. The cbor library decodes into
// its own idea of a struct; this one reads PutMetricData three times as fast,
// see BenchmarkDecode.
type cborReader struct {
	data  []byte
	pos   int
	depth int
	left  [maxDepth + 1]int // elements left in each open list or map; -1: until a break
	buf   []byte            // strings in chunks are put together here
}

// head reads an item's first byte and argument. Indefinite items have the
// argument 0 and info 31.
func (r *cborReader) head() (major byte, info byte, arg uint64, err error) {
	if r.pos >= len(r.data) {
		return 0, 0, 0, errCBOR
	}
	b := r.data[r.pos]
	major, info = b>>5, b&31
	if info < 24 {
		r.pos++
		return major, info, uint64(info), nil
	}
	rest := r.data[r.pos+1:]
	switch {
	case info == 24 && len(rest) >= 1:
		if major == cborSimple && rest[0] < 32 {
			return 0, 0, 0, errCBOR // RFC 8949, 3.3: these have the short form only
		}
		r.pos += 2
		return major, info, uint64(rest[0]), nil
	case info == 25 && len(rest) >= 2:
		r.pos += 3
		return major, info, uint64(binary.BigEndian.Uint16(rest)), nil
	case info == 26 && len(rest) >= 4:
		r.pos += 5
		return major, info, uint64(binary.BigEndian.Uint32(rest)), nil
	case info == 27 && len(rest) >= 8:
		r.pos += 9
		return major, info, binary.BigEndian.Uint64(rest), nil
	case info == cborIndefinite && major >= cborBytes && major <= cborMap:
		r.pos++
		return major, info, 0, nil
	}
	return 0, 0, 0, errCBOR
}

// value is head for values: it passes over tags, which say nothing that the
// expected type does not.
func (r *cborReader) value() (major byte, info byte, arg uint64, err error) {
	for range maxDepth {
		major, info, arg, err = r.head()
		if err != nil || major != cborTag {
			return major, info, arg, err
		}
	}
	return 0, 0, 0, errTooDeep
}

// mismatch says what was found instead of what was wanted.
func mismatch(major, info byte, want string) error {
	switch {
	case major <= cborNegative:
		return badValue{"NUMBER_VALUE", want}
	case major == cborBytes:
		return badValue{"BLOB_VALUE", want}
	case major == cborText:
		return badValue{"STRING_VALUE", want}
	case major == cborArray:
		return errList
	case major == cborMap:
		return errObject
	case info == cborTrue:
		return badValue{"TRUE_VALUE", want}
	case info == cborFalse:
		return badValue{"FALSE_VALUE", want}
	case info >= cborHalf && info <= cborDouble:
		return badValue{"NUMBER_VALUE", want}
	}
	return errCBOR
}

func (r *cborReader) end() bool { return r.pos == len(r.data) }

func (r *cborReader) null() bool {
	if r.pos < len(r.data) {
		if b := r.data[r.pos]; b == cborSimple<<5|cborNull || b == cborSimple<<5|cborUndefined {
			r.pos++
			return true
		}
	}
	return false
}

// raw takes n bytes.
func (r *cborReader) raw(n uint64) ([]byte, error) {
	if n > uint64(len(r.data)-r.pos) {
		return nil, errCBOR
	}
	b := r.data[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return b, nil
}

// chunked takes a string of bytes or text, whole or in chunks.
func (r *cborReader) chunked(major, info byte, arg uint64) ([]byte, error) {
	if info != cborIndefinite {
		return r.raw(arg)
	}
	r.buf = r.buf[:0]
	for {
		if r.pos < len(r.data) && r.data[r.pos] == cborBreak {
			r.pos++
			return r.buf, nil
		}
		m, i, n, err := r.head()
		if err != nil || m != major || i == cborIndefinite {
			return nil, errCBOR
		}
		b, err := r.raw(n)
		if err != nil {
			return nil, err
		}
		r.buf = append(r.buf, b...)
	}
}

func (r *cborReader) text() ([]byte, error) {
	b, err := r.str()
	if err != nil {
		return nil, err
	}
	return validText(b)
}

func (r *cborReader) str() ([]byte, error) {
	major, info, arg, err := r.value()
	if err != nil {
		return nil, err
	}
	if major != cborText {
		return nil, mismatch(major, info, wantString)
	}
	return r.chunked(major, info, arg)
}

func (r *cborReader) blob() ([]byte, error) {
	major, info, arg, err := r.value()
	if err != nil {
		return nil, err
	}
	if major != cborBytes {
		return nil, mismatch(major, info, wantBlob)
	}
	b, err := r.chunked(major, info, arg)
	return append([]byte{}, b...), err
}

func (r *cborReader) boolean() (bool, error) {
	major, info, _, err := r.value()
	if err != nil {
		return false, err
	}
	if major != cborSimple || info != cborTrue && info != cborFalse {
		return false, mismatch(major, info, wantBool)
	}
	return info == cborTrue, nil
}

func (r *cborReader) integer() (int64, error) {
	major, info, arg, err := r.value()
	if err != nil {
		return 0, err
	}
	if major <= cborNegative {
		if arg > math.MaxInt64 {
			return 0, badValue{"NUMBER_VALUE", wantLong}
		}
		if major == cborNegative {
			return -1 - int64(arg), nil
		}
		return int64(arg), nil
	}
	f, ok := cborFloat(major, info, arg)
	if !ok {
		return 0, mismatch(major, info, wantInteger)
	}
	if f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, badValue{"NUMBER_VALUE", wantInteger}
	}
	return int64(f), nil
}

// cborFloat is the number that a head stands for.
func cborFloat(major, info byte, arg uint64) (float64, bool) {
	switch {
	case major == cborSimple && info == cborDouble:
		return math.Float64frombits(arg), true
	case major == cborSimple && info == cborSingle:
		return float64(math.Float32frombits(uint32(arg))), true
	case major == cborSimple && info == cborHalf:
		return half(uint16(arg)), true
	case major == cborUint:
		return float64(arg), true
	case major == cborNegative:
		return -1 - float64(arg), true
	}
	return 0, false
}

// half is the number that the bits of a 16-bit float stand for.
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 31:
		f = math.Inf(1)
		if fraction != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(fraction+1024, exponent-25)
	}
	if bits&0x8000 != 0 {
		return -f
	}
	return f
}

func (r *cborReader) float() (float64, error) {
	// Nearly all numbers are doubles.
	if rest := r.data[r.pos:]; len(rest) >= 9 && rest[0] == cborSimple<<5|cborDouble {
		r.pos += 9
		return math.Float64frombits(binary.BigEndian.Uint64(rest[1:])), nil
	}
	major, info, arg, err := r.value()
	if err != nil {
		return 0, err
	}
	f, ok := cborFloat(major, info, arg)
	if !ok {
		return 0, mismatch(major, info, wantDouble)
	}
	return f, nil
}

func (r *cborReader) time() (time.Time, error) {
	major, info, arg, err := r.head()
	if err != nil {
		return time.Time{}, err
	}
	if major != cborTag || arg != cborEpoch {
		return time.Time{}, mismatch(major, info, wantTime)
	}
	if major, info, arg, err = r.head(); err != nil {
		return time.Time{}, err
	}
	f, ok := cborFloat(major, info, arg)
	if !ok {
		return time.Time{}, mismatch(major, info, wantTime)
	}
	return timeFromSeconds(f)
}

func (r *cborReader) document() (any, error) {
	start := r.pos
	if err := r.skip(); err != nil {
		return nil, err
	}
	var v any
	if err := cborDocuments.Unmarshal(r.data[start:r.pos], &v); err != nil {
		return nil, errCBOR
	}
	return v, nil
}

// push opens a list or map of n elements, or of an unknown number.
func (r *cborReader) push(info byte, n uint64) error {
	if r.depth == maxDepth {
		return errTooDeep
	}
	left := -1
	if info != cborIndefinite {
		// Each element takes a byte at least.
		if n > uint64(len(r.data)-r.pos) {
			return errCBOR
		}
		left = int(n)
	}
	r.depth++
	r.left[r.depth] = left
	return nil
}

// step moves to the next element, or past the end of the list or map.
func (r *cborReader) step() (more bool, err error) {
	left := &r.left[r.depth]
	switch {
	case *left > 0:
		*left--
		return true, nil
	case *left == 0:
		r.depth--
		return false, nil
	case r.pos >= len(r.data):
		return false, errCBOR
	case r.data[r.pos] == cborBreak:
		r.pos++
		r.depth--
		return false, nil
	}
	return true, nil
}

func (r *cborReader) object() error {
	major, info, n, err := r.value()
	if err != nil {
		return err
	}
	if major != cborMap {
		return errNotObject
	}
	return r.push(info, n)
}

func (r *cborReader) key() (name []byte, more bool, err error) {
	if more, err = r.step(); err != nil || !more {
		return nil, false, err
	}
	name, err = r.str()
	return name, true, err
}

func (r *cborReader) list() (int, error) {
	major, info, n, err := r.value()
	if err != nil {
		return 0, err
	}
	if major != cborArray {
		return 0, errNotList
	}
	return int(n), r.push(info, n)
}

func (r *cborReader) next() (bool, error) { return r.step() }

func (r *cborReader) skip() error {
	major, info, arg, err := r.value()
	if err != nil {
		return err
	}
	switch major {
	case cborBytes, cborText:
		_, err = r.chunked(major, info, arg)
		return err
	case cborArray, cborMap:
		if err := r.push(info, arg); err != nil {
			return err
		}
		for {
			more, err := r.step()
			if err != nil || !more {
				return err
			}
			if major == cborMap {
				if err := r.skip(); err != nil {
					return err
				}
			}
			if err := r.skip(); err != nil {
				return err
			}
		}
	}
	return nil
}

// cborDocuments decodes documents as JSON would: maps by string.
var cborDocuments = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DefaultMapType:  reflect.TypeFor[map[string]any](),
		MaxNestedLevels: maxDepth,
		TimeTag:         cbor.DecTagIgnored,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}()

// cborWriter writes CBOR as rpcv2Cbor wants it. Structs have no length ahead,
// so that they need not be counted.
type cborWriter struct {
	buf []byte
}

func (w *cborWriter) head(major byte, n uint64) {
	m := major << 5
	switch {
	case n < 24:
		w.buf = append(w.buf, m|byte(n))
	case n <= math.MaxUint8:
		w.buf = append(w.buf, m|24, byte(n))
	case n <= math.MaxUint16:
		w.buf = binary.BigEndian.AppendUint16(append(w.buf, m|25), uint16(n))
	case n <= math.MaxUint32:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, m|26), uint32(n))
	default:
		w.buf = binary.BigEndian.AppendUint64(append(w.buf, m|27), n)
	}
}

func (w *cborWriter) null() { w.buf = append(w.buf, cborSimple<<5|cborNull) }

func (w *cborWriter) text(s string) {
	w.head(cborText, uint64(len(s)))
	w.buf = append(w.buf, s...)
}

func (w *cborWriter) blob(b []byte) {
	w.head(cborBytes, uint64(len(b)))
	w.buf = append(w.buf, b...)
}

func (w *cborWriter) boolean(b bool) {
	v := byte(cborFalse)
	if b {
		v = cborTrue
	}
	w.buf = append(w.buf, cborSimple<<5|v)
}

func (w *cborWriter) integer(n int64) {
	if n < 0 {
		w.head(cborNegative, uint64(-1-n))
		return
	}
	w.head(cborUint, uint64(n))
}

func (w *cborWriter) float(f float64) {
	w.buf = binary.BigEndian.AppendUint64(append(w.buf, cborSimple<<5|cborDouble), math.Float64bits(f))
}

func (w *cborWriter) time(t time.Time) {
	w.head(cborTag, cborEpoch)
	w.float(float64(t.UnixMilli()) / 1000)
}

func (w *cborWriter) document(v any) {
	b, err := cbor.Marshal(documentValue(v))
	if err != nil {
		w.null()
		return
	}
	w.buf = append(w.buf, b...)
}

func (w *cborWriter) openObject()        { w.buf = append(w.buf, cborMap<<5|cborIndefinite) }
func (w *cborWriter) member(name string) { w.text(name) }
func (w *cborWriter) closeObject()       { w.buf = append(w.buf, cborBreak) }
func (w *cborWriter) openMap(n int)      { w.head(cborMap, uint64(n)) }
func (w *cborWriter) entry(key string)   { w.text(key) }
func (w *cborWriter) closeMap()          {}
func (w *cborWriter) openList(n int)     { w.head(cborArray, uint64(n)) }
func (w *cborWriter) item()              {}
func (w *cborWriter) closeList()         {}
