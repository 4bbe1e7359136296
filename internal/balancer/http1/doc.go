// Package http1 reads and writes HTTP/1.1 messages as a proxy between parties that do
// not trust each other has to: it keeps names and order as they were sent, and it
// says what is ambiguous instead of mending it.
//
//	in := http1.NewReader(conn)
//	err := in.ReadRequest(&req)        // an *Error says how to answer
//	body := in.Body(req.Framing)       // read it to its end before the next request
//
// What is written again has one framing and one meaning, so that no two readers
// behind one another can disagree where a message ends (RFC 9112, section 11.2).
// The server of net/http takes some of what is refused here, and does not tell its
// handler about it.
package http1
