package wire

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/google/uuid"

	"flyball/internal/flow"
	"flyball/internal/principal"
	"flyball/internal/signature"
)

// Options say how a handler meets the outside. The zero Options are usable.
type Options struct {
	// Hosts are the names that a request may address the server by, besides
	// localhost and loopback addresses: "host.docker.internal", "172.17.0.1", or
	// "*.localhost" for every name under localhost. Ports do not matter.
	Hosts []string
	// Account names the account of an access key that is not known, which is empty
	// for calls that are not signed. Nil means KeyAccount("000000000000").
	Account func(accessKey string) string
	// Credentials, when set, finds what stands behind an access key. The signature
	// of a call with a known key is verified against the wall clock, and the call is
	// one of its principal, in the principal's account. A key that is not known is an
	// administrator's, so one that is known no more is better told as not active.
	Credentials func(ctx context.Context, accessKey string) (signature.Credential, bool)
	// Admit, when set, says why a request is refused that is made with an access key that is
	// not known, or, to one of a server's own paths, with none. Nil admits all of them.
	Admit func(ctx context.Context, signed bool) *signature.Error
	// Region is that of calls whose signature names none. Empty means us-east-1.
	Region string
	// Authorize, when set, decides whether a call that was understood may be made.
	// Its error is answered in the service's words, and the service is not even
	// resolved.
	Authorize func(context.Context, Call) error
	// Settle, when set, returns when all is on disk that the answer of an operation
	// of a service may tell of. It is called after operations that succeed and that fail, before
	// their answers are sent; its error is answered instead. Operations that have
	// nothing to do with state are spared it.
	Settle func(ctx context.Context, service string) error
	// Wall is the wall clock; nil is this machine's.
	Wall func() time.Time
	// Full, when set, says of an error that the disk takes no writes, or has lost what was
	// written, in the words that the client is told.
	Full func(error) (message string, full bool)
	// Waits, when set, returns the context of an operation with which a function is called, in
	// words for the client, when what it has changed waits to be written for so long that the
	// client had better be answered. The operation goes on.
	Waits func(ctx context.Context, tell func(message string)) context.Context
	// Log gets panics and internal errors, and each call at debug level. Nil
	// means slog.Default().
	Log *slog.Logger
	// Observe, when set, is told of each answer after it was sent.
	Observe func(Answer)
}

// A Call is an operation that a client calls.
type Call struct {
	Scope     Scope
	Principal *principal.Principal // who calls; nil if the access key is not known
	Service   string               // as in credential scopes, such as "monitoring"
	Operation string
	Protocol  Protocol
	RequestID string
	Input     any // a pointer to the SDK's input struct
}

// An Answer is what became of a request.
type Answer struct {
	Service   string   // as in credential scopes; empty if none was found
	Operation string   // empty if none was found
	Protocol  Protocol // what it was answered in
	Status    int      // of HTTP
	Code      string   // error code, empty on success
	RequestID string
	Duration  time.Duration // from the request's headers to the answer
}

// A handler serves several services.
type handler struct {
	Options
	services []*service
	unsigned bool // some service has operations that are not signed
	bodies   *flow.Budget
	answers  *flow.Budget
	results  *flow.Budget // of answers of calls that do not only read
	carried  *flow.Budget // of calls with large answers, until they are answered; see expect
	verifier signature.Verifier
	decoders sync.Pool
}

// NewHandler serves the services on every path. It returns an error when a
// service's type has no methods, when two services cannot be told apart, or when
// Options.Region cannot be a region.
//
// The handler bounds bodies and what is in them, and the memory of all calls that are under
// way together; the header's size is bounded by http.Server, and how slowly a call may come by
// flow.Handler.
func NewHandler(opts Options, services ...Service) (http.Handler, error) {
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	if opts.Account == nil {
		opts.Account = KeyAccount("000000000000")
	}
	if opts.Region == "" {
		opts.Region = "us-east-1"
	}
	if !isRegion(opts.Region) {
		return nil, fmt.Errorf("region %q: give one such as us-east-1", opts.Region)
	}
	h := &handler{Options: opts, bodies: newBodies(), answers: newAnswers(), results: newResults(), carried: newCarried()}
	h.decoders.New = func() any { return &decoder{strings: newInterner()} }
	for _, s := range services {
		for _, other := range h.services {
			if s.name == other.name || s.target != "" && s.target == other.target {
				return nil, fmt.Errorf("wire: services %s and %s cannot be told apart", other.name, s.name)
			}
		}
		sv, err := newService(s)
		if err != nil {
			return nil, err
		}
		h.services = append(h.services, sv)
		h.unsigned = h.unsigned || len(s.unsigned) > 0
	}
	return h, nil
}

// ServeHTTP answers one call of an AWS client.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{h: h, w: w, r: r, start: time.Now(), id: uuid.NewString(), proto: protocolOf(r)}
	x.memory, x.reply = h.bodies.Share(), h.answers.Share()
	defer x.memory.Set(0)
	defer x.reply.Set(0)
	answer, f := x.answer()
	x.note(answer)
	var err error
	x.sent.Do(func() { x.outcome, err = f, x.send(answer, f) })
	if x.body != nil {
		keep(x.body)
	}
	x.report(x.outcome)
	if err != nil {
		panic(http.ErrAbortHandler) // ends the connection: a part must not look like the whole
	}
}

// decode decodes a value of a service, within bounds of its own only.
func (h *handler) decode(s *service, r reader, p *plan, v reflect.Value) error {
	return h.decodeWithin(nil, s, r, p, v)
}

// decodeWithin decodes a value for which more, unless it is nil, has to let the decoder
// take so many bytes in all.
func (h *handler) decodeWithin(more func(bytes int) bool, s *service, r reader, p *plan, v reflect.Value) error {
	d := h.decoders.Get().(*decoder)
	defer h.decoders.Put(d)
	_, query := r.(*queryReader)
	*d = decoder{
		r: r, query: query, zeros: s.zeros, empties: s.invalid == "" && s.refusal == nil,
		strings: d.strings, scratch: d.scratch, more: more,
	}
	err := d.structure(p, v)
	d.r, d.more = nil, nil
	if err != nil {
		return err
	}
	if whole, ok := r.(interface{ end() bool }); ok && !whole.end() {
		return errTrailingData
	}
	return nil
}
