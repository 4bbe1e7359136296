package wire

import (
	"net/http"
	"reflect"
	"strconv"
)

// appendOutput appends the body of a successful answer.
func (x *exchange) appendOutput(b []byte, out reflect.Value) []byte {
	switch x.proto {
	case RPCv2CBOR:
		w := &cborWriter{buf: b}
		write(w, x.op.outPlan, out)
		return w.buf
	case AWSQuery:
		return x.appendXMLOutput(b, out)
	}
	w := &jsonWriter{buf: b}
	write(w, x.op.outPlan, out)
	return w.buf
}

func (x *exchange) appendXMLOutput(b []byte, out reflect.Value) []byte {
	w := &xmlWriter{buf: b}
	w.start(x.name + `Response xmlns="` + x.service.XMLNamespace + `"`)
	if !x.op.void {
		w.start(x.name + "Result")
		write(w, x.op.outPlan, out)
		w.end(x.name + "Result")
	}
	w.start("ResponseMetadata")
	w.start("RequestId")
	w.text(x.id)
	w.end("RequestId")
	w.end("ResponseMetadata")
	w.end(x.name + "Response")
	return w.buf
}

// appendFault appends the body of an error.
func (x *exchange) appendFault(b []byte, f *fault) []byte {
	switch x.proto {
	case RPCv2CBOR:
		w := &cborWriter{buf: b}
		writeTypedFault(w, x.qualified(f.code), f)
		return w.buf
	case AWSQuery:
		return x.appendXMLFault(b, f)
	case AWSJSON10:
		w := &jsonWriter{buf: b}
		writeTypedFault(w, x.qualified(f.code), f)
		return w.buf
	}
	w := &jsonWriter{buf: b}
	writeTypedFault(w, f.code, f)
	return w.buf
}

func writeTypedFault(w writer, typ string, f *fault) {
	w.openObject()
	w.member("__type")
	w.text(typ)
	writeFault(w, f)
	w.closeObject()
}

// qualified is an error's code with the namespace of its service's model.
func (x *exchange) qualified(code string) string {
	if x.service == nil {
		return code
	}
	return "com.amazonaws." + x.service.Namespace + "#" + code
}

func (x *exchange) appendXMLFault(b []byte, f *fault) []byte {
	w := &xmlWriter{buf: b}
	response := "ErrorResponse"
	if x.service != nil && x.service.XMLNamespace != "" {
		w.start(response + ` xmlns="` + x.service.XMLNamespace + `"`)
	} else {
		w.start(response)
	}
	w.start("Error")
	w.openGroup()
	w.member("Type")
	w.text(f.side())
	w.member("Code")
	w.text(f.queryCode())
	f.writeMessage(w, "Message")
	if f.plan != nil {
		writeExtraMembers(w, f)
	}
	w.closeGroup()
	w.end("Error")
	w.start("RequestId")
	w.text(x.id)
	w.end("RequestId")
	w.end(response)
	return w.buf
}

func (x *exchange) send(w http.ResponseWriter, body []byte, f *fault) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", x.id)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	switch x.proto {
	case RPCv2CBOR:
		h.Set("Content-Type", "application/cbor")
		h.Set("Smithy-Protocol", "rpc-v2-cbor")
	case AWSJSON10:
		h.Set("Content-Type", "application/x-amz-json-1.0")
	case AWSJSON11:
		h.Set("Content-Type", "application/x-amz-json-1.1")
	case AWSQuery:
		h.Set("Content-Type", "text/xml")
	}
	status := http.StatusOK
	if f != nil {
		status = f.status
		h.Set("X-Amzn-Errortype", f.code)
		if x.service != nil && x.service.QueryCompatible {
			h.Set("X-Amzn-Query-Error", f.queryCode()+";"+f.side())
		}
	}
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(body)
}
