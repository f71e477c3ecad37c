package thinkwire

/*
#include <thinkwire.h>
*/
import "C"

import (
	"runtime"
	"time"
)

// Reply is the result of an exchange. Any number of goroutines may read it. A reply that is nil, or
// was closed, has no content.
type Reply struct{ c *C.tw_reply }

// Usage is the number of tokens, and the cost, of an answer; -1 for what was not reported.
type Usage struct {
	PromptTokens, CompletionTokens, TotalTokens int64
	// ReasoningTokens are a part of CompletionTokens, CachedTokens of PromptTokens.
	ReasoningTokens, CachedTokens int64
	Cost                          float64
	// CostUnit is "USD" or "credits", or "".
	CostUnit string
}

// Timing has times from the start of an exchange; negative for what did not happen.
type Timing struct {
	Connected, FirstByte, FirstReasoning, FirstContent, Total time.Duration
	ReusedConnection                                          bool
}

// ToolCall is a function call that the model requests.
type ToolCall struct {
	Choice, Index int
	ID, Name      string
	// Arguments are what the model wrote, possibly invalid JSON.
	Arguments string
}

// Error is an exchange or a call that failed.
type Error struct {
	Status  Status
	Message string
	// Reply has what was received; nil if there was no exchange.
	Reply *Reply
	cause error
}

// Error returns the status and the message, which says what to do.
func (e *Error) Error() string { return e.Status.String() + ": " + e.Message }

// Unwrap returns the error of the context that ended the exchange, or nil.
func (e *Error) Unwrap() error { return e.cause }

func newReply(c *C.tw_reply) *Reply {
	reply := &Reply{c}
	runtime.SetFinalizer(reply, (*Reply).Close)
	return reply
}

// Close releases the reply.
func (reply *Reply) Close() {
	if reply == nil {
		return
	}
	C.tw_reply_destroy(reply.c)
	reply.c = nil
	runtime.SetFinalizer(reply, nil)
}

// pointer returns the reply for C, where NULL has no content.
func (reply *Reply) pointer() *C.tw_reply {
	if reply == nil {
		return nil
	}
	return reply.c
}

// text returns a text of the reply, and whether there is one.
func (reply *Reply) text(call func(c *C.tw_reply, length *C.size_t) *C.char) (string, bool) {
	defer runtime.KeepAlive(reply)
	return sized(func(length *C.size_t) *C.char { return call(reply.pointer(), length) })
}

// Status returns the status of the exchange.
func (reply *Reply) Status() Status {
	defer runtime.KeepAlive(reply)
	return Status(C.tw_reply_status(reply.pointer()))
}

// Message returns one line that says what happened and what to do; "" for OK.
func (reply *Reply) Message() string {
	defer runtime.KeepAlive(reply)
	return C.GoString(C.tw_reply_message(reply.pointer()))
}

// Attempts returns how many times the request was sent.
func (reply *Reply) Attempts() int {
	defer runtime.KeepAlive(reply)
	return int(C.tw_reply_attempts(reply.pointer()))
}

// LastError returns the error that caused the last retry, or nil.
func (reply *Reply) LastError() error {
	defer runtime.KeepAlive(reply)
	var status C.tw_status
	message := C.GoString(C.tw_reply_last_error(reply.pointer(), &status))
	if status == C.TW_OK {
		return nil
	}
	return &Error{Status: Status(status), Message: message}
}

// HTTPStatus returns the HTTP status; 0 if there was no response.
func (reply *Reply) HTTPStatus() int {
	defer runtime.KeepAlive(reply)
	return int(C.tw_reply_http_status(reply.pointer()))
}

// Reasoning returns the reasoning of the first choice.
func (reply *Reply) Reasoning() string {
	text, _ := reply.text(func(c *C.tw_reply, length *C.size_t) *C.char {
		return C.tw_reply_reasoning(c, length)
	})
	return text
}

// Content returns the answer of the first choice.
func (reply *Reply) Content() string {
	text, _ := reply.text(func(c *C.tw_reply, length *C.size_t) *C.char {
		return C.tw_reply_content(c, length)
	})
	return text
}

// Refusal returns the refusal of the first choice.
func (reply *Reply) Refusal() string {
	text, _ := reply.text(func(c *C.tw_reply, length *C.size_t) *C.char {
		return C.tw_reply_refusal(c, length)
	})
	return text
}

// JSON returns the complete answer as one chat.completion document.
func (reply *Reply) JSON() string {
	text, _ := reply.text(func(c *C.tw_reply, length *C.size_t) *C.char {
		return C.tw_reply_json(c, length)
	})
	return text
}

// Get returns a value of that document, by a JSON pointer such as "/choices/0/message/content".
func (reply *Reply) Get(pointer string) (string, bool) {
	var a arguments
	defer a.free()
	return reply.text(func(c *C.tw_reply, length *C.size_t) *C.char {
		return C.tw_reply_get(c, a.text(pointer), length)
	})
}

// FinishReason returns the finish reason of the first choice.
func (reply *Reply) FinishReason() string {
	defer runtime.KeepAlive(reply)
	return C.GoString(C.tw_reply_finish_reason(reply.pointer()))
}

// RequestID returns the provider's id of this request.
func (reply *Reply) RequestID() string {
	defer runtime.KeepAlive(reply)
	return C.GoString(C.tw_reply_request_id(reply.pointer()))
}

// Header returns the value of a response header; "" if it is absent.
func (reply *Reply) Header(name string) string {
	var a arguments
	defer a.free()
	defer runtime.KeepAlive(reply)
	return C.GoString(C.tw_reply_header(reply.pointer(), a.text(name)))
}

// Usage returns tokens and cost.
func (reply *Reply) Usage() Usage {
	defer runtime.KeepAlive(reply)
	return newUsage(C.tw_reply_usage(reply.pointer()))
}

func newUsage(c *C.tw_usage) Usage {
	return Usage{
		PromptTokens:     int64(c.prompt_tokens),
		CompletionTokens: int64(c.completion_tokens),
		TotalTokens:      int64(c.total_tokens),
		ReasoningTokens:  int64(c.reasoning_tokens),
		CachedTokens:     int64(c.cached_tokens),
		Cost:             float64(c.cost),
		CostUnit:         C.GoString(c.cost_unit),
	}
}

// Timing returns the times of the exchange.
func (reply *Reply) Timing() Timing {
	defer runtime.KeepAlive(reply)
	c := C.tw_reply_timing(reply.pointer())
	since := func(time_us C.int64_t) time.Duration { return time.Duration(time_us) * time.Microsecond }
	return Timing{
		Connected:        since(c.connected_us),
		FirstByte:        since(c.first_byte_us),
		FirstReasoning:   since(c.first_reasoning_us),
		FirstContent:     since(c.first_content_us),
		Total:            since(c.total_us),
		ReusedConnection: c.reused_connection != 0,
	}
}

// ToolCalls returns the tool calls of all choices.
func (reply *Reply) ToolCalls() []ToolCall {
	defer runtime.KeepAlive(reply)
	calls := make([]ToolCall, C.tw_reply_tool_call_count(reply.pointer()))
	for i := range calls {
		c := C.tw_reply_tool_call(reply.pointer(), C.size_t(i))
		calls[i] = ToolCall{
			Choice:    int(c.choice),
			Index:     int(c.index),
			ID:        C.GoString(c.id),
			Name:      C.GoString(c.name),
			Arguments: C.GoStringN(c.arguments, C.int(c.arguments_len)),
		}
	}
	return calls
}

func (reply *Reply) models() []string {
	defer runtime.KeepAlive(reply)
	ids := make([]string, C.tw_reply_model_count(reply.pointer()))
	for i := range ids {
		ids[i] = C.GoString(C.tw_reply_model(reply.pointer(), C.size_t(i)))
	}
	return ids
}
