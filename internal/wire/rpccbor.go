package wire

import (
	"net/http"
	"reflect"
	"strings"
)

// rpcCBOR is rpcv2Cbor: the path names the operation, and bodies are CBOR.
type rpcCBOR struct{}

func speaksCBOR(r *http.Request) bool { return r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" }

func (rpcCBOR) id() Protocol { return RPCv2CBOR }

// route reads .../service/NAME/operation/OPERATION.
func (p rpcCBOR) route(x *exchange) *fault {
	part := strings.Split(x.r.URL.Path, "/")
	n := len(part)
	if n < 4 || part[n-4] != "service" || part[n-2] != "operation" {
		return p.unknownOperation(x.r.URL.Path, "")
	}
	return x.find(part[n-3], part[n-1], RPCv2CBOR)
}

func (rpcCBOR) open(x *exchange) (reader, *fault) {
	if f := x.readBody(); f != nil || x.body.Len() == 0 {
		return nil, f
	}
	return &cborReader{data: x.body.Bytes()}, nil
}

func (rpcCBOR) unknownOperation(name, _ string) *fault {
	return unknownOperation(http.StatusNotFound, "Unknown operation "+name)
}

func (rpcCBOR) setHeader(h http.Header) {
	h.Set("Content-Type", "application/cbor")
	h.Set("Smithy-Protocol", "rpc-v2-cbor")
}

func (rpcCBOR) appendOutput(b []byte, x *exchange, out reflect.Value) []byte {
	w := &cborWriter{buf: b}
	write(w, x.op.outPlan, out)
	return w.buf
}

func (rpcCBOR) appendFault(b []byte, x *exchange, f *fault) []byte {
	w := &cborWriter{buf: b}
	writeTypedFault(w, x.qualified(f.code), f)
	return w.buf
}
