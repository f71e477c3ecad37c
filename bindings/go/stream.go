package thinkwire

/*
#include <thinkwire.h>
*/
import "C"

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Event is one event of an exchange.
type Event struct {
	Kind Kind
	// Choice is the index of the choice to which the event belongs.
	Choice int
	// Text is a piece of reasoning, answer, refusal or arguments; the finish reason; or why the last
	// attempt failed.
	Text string
	// ToolIndex, ToolID and ToolName identify the tool call of a ToolCallPiece.
	ToolIndex        int
	ToolID, ToolName string
	// Usage is the usage so far, for UsageSoFar.
	Usage *Usage
	// Attempt is the number of the next attempt, for Retry; Status why, and Wait when.
	Attempt int
	Status  Status
	Wait    time.Duration
}

// Stream is an exchange in progress, for one goroutine:
//
//	stream := client.Stream(ctx, request)
//	defer stream.Close()
//	for stream.Next() {
//		event := stream.Event()
//	}
//	reply, err := stream.Reply()
//
// An exchange ends early when its context does.
type Stream struct {
	ctx   context.Context
	event *C.tw_event
	reply *Reply
	*handle
}

// handle is the chat of a stream, which the goroutine that watches the context shares. The goroutine
// does not refer to the stream, so that a stream that is garbage is released.
type handle struct {
	mutex sync.Mutex
	// nil from the moment at which the chat is closed.
	chat   *C.tw_chat
	closed chan struct{}
}

func (h *handle) cancel() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	C.tw_chat_cancel(h.chat)
}

// close returns the reply; nil if the chat is closed already.
func (h *handle) close() *C.tw_reply {
	h.mutex.Lock()
	chat := h.chat
	h.chat = nil
	h.mutex.Unlock()
	if chat == nil {
		return nil
	}
	close(h.closed)
	return C.tw_chat_close(chat)
}

func newStream(ctx context.Context, chat *C.tw_chat) *Stream {
	h := &handle{chat: chat, closed: make(chan struct{})}
	if ctx.Err() != nil {
		h.cancel()
	} else if done := ctx.Done(); done != nil {
		go func() {
			select {
			case <-done:
				h.cancel()
			case <-h.closed:
			}
		}()
	}
	stream := &Stream{ctx: ctx, handle: h}
	runtime.SetFinalizer(stream, (*Stream).Close)
	return stream
}

// Stream begins a streamed exchange. The request can be changed at once.
func (client *Client) Stream(ctx context.Context, request *Request) *Stream {
	defer runtime.KeepAlive(client)
	defer runtime.KeepAlive(request)
	return newStream(ctx, C.tw_chat_open(client.c, request.c))
}

// Send waits for the complete answer.
func (client *Client) Send(ctx context.Context, request *Request) (*Reply, error) {
	defer runtime.KeepAlive(client)
	defer runtime.KeepAlive(request)
	return newStream(ctx, C.tw_chat_open_unstreamed(client.c, request.c)).Reply()
}

// Models returns the ids of the models.
func (client *Client) Models(ctx context.Context) ([]string, error) {
	defer runtime.KeepAlive(client)
	reply, err := newStream(ctx, C.tw_models_open(client.c)).Reply()
	if err != nil {
		return nil, err
	}
	defer reply.Close()
	return reply.models(), nil
}

// Next waits for the next event, and returns whether there is one.
func (stream *Stream) Next() bool {
	stream.event = nil
	// Only the goroutine of the stream closes the chat.
	return stream.chat != nil && C.tw_chat_next(stream.chat, &stream.event, -1) == C.TW_NEXT_EVENT
}

// Event returns a copy of the event that Next has received.
func (stream *Stream) Event() Event {
	// C owns the event until the stream is released.
	defer runtime.KeepAlive(stream)
	c := stream.event
	if c == nil {
		return Event{}
	}
	event := Event{
		Kind:      Kind(c.kind),
		Choice:    int(c.choice),
		Text:      C.GoStringN(c.text, C.int(c.text_len)),
		ToolIndex: int(c.tool_index),
		ToolID:    C.GoString(c.tool_id),
		ToolName:  C.GoString(c.tool_name),
		Attempt:   int(c.attempt),
		Status:    Status(c.status),
		Wait:      time.Duration(c.wait_ms) * time.Millisecond,
	}
	if c.usage != nil {
		usage := newUsage(c.usage)
		event.Usage = &usage
	}
	return event
}

// Raw returns the JSON of the chunk that contained the event that Next has received.
func (stream *Stream) Raw() string {
	defer runtime.KeepAlive(stream)
	if stream.event == nil {
		return ""
	}
	return C.GoStringN(stream.event.raw, C.int(stream.event.raw_len))
}

// Events is the range-over-func form (Go 1.23) of Next and Event. Reply returns the result.
func (stream *Stream) Events(yield func(Event) bool) {
	for stream.Next() {
		if !yield(stream.Event()) {
			return
		}
	}
}

// Cancel ends the exchange. It may be called by any goroutine.
func (stream *Stream) Cancel() { stream.cancel() }

// Reply receives the remaining events, and returns the result. If the status is not OK, there is an
// *Error as well, which has the reply too. Calls that follow return the same.
func (stream *Stream) Reply() (*Reply, error) {
	for stream.Next() {
	}
	stream.finish()
	if stream.reply.Status() == OK {
		return stream.reply, nil
	}
	err := &Error{stream.reply.Status(), stream.reply.Message(), stream.reply, nil}
	if err.Status == Cancelled {
		err.cause = stream.ctx.Err()
	}
	return stream.reply, err
}

func (stream *Stream) finish() {
	stream.event = nil
	if c := stream.close(); c != nil {
		stream.reply = newReply(c)
	}
	runtime.SetFinalizer(stream, nil)
}

// Close cancels the exchange if it has not ended. It does not close a reply that was returned.
func (stream *Stream) Close() { stream.finish() }
