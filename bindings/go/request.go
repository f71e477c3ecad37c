package thinkwire

/*
#include <thinkwire.h>
*/
import "C"

import (
	"encoding/json"
	"runtime"
	"time"
	"unsafe"
)

// Request is a conversation and its settings. One goroutine at a time may change it; any number may
// send it at once.
//
// Methods that change it return it. If one fails, sending the request fails with its message: see
// Err.
type Request struct{ c *C.tw_request }

// NewRequest creates a request without messages. Sending it fails if the model is "".
func NewRequest(model string) *Request {
	var a arguments
	defer a.free()
	return newRequest(C.tw_request_create(a.text(model)))
}

// ParseRequest creates a request from a JSON body.
func ParseRequest(json string) (*Request, error) {
	var a arguments
	defer a.free()
	text, length := a.bytes(json)
	var c *C.tw_request
	err := failing(func() C.tw_status { return C.tw_request_parse(text, length, &c) })
	if err != nil {
		return nil, err
	}
	return newRequest(c), nil
}

func newRequest(c *C.tw_request) *Request {
	request := &Request{c}
	runtime.SetFinalizer(request, (*Request).Close)
	return request
}

// Close releases the request. Exchanges begun with it are not affected.
func (request *Request) Close() {
	C.tw_request_destroy(request.c)
	request.c = nil
	runtime.SetFinalizer(request, nil)
}

// Copy returns a copy.
func (request *Request) Copy() *Request {
	defer runtime.KeepAlive(request)
	return newRequest(C.tw_request_copy(request.c))
}

// edit calls a function whose failure the request records.
func (request *Request) edit(call func(c *C.tw_request, a *arguments)) *Request {
	var a arguments
	defer a.free()
	call(request.c, &a)
	return request
}

// User adds a message of the user.
func (request *Request) User(text string) *Request { return request.Message("user", text) }

// Message adds a message of any role.
func (request *Request) Message(role, text string) *Request {
	return request.edit(func(c *C.tw_request, a *arguments) {
		C.tw_request_add_message(c, a.text(role), a.text(text))
	})
}

// MessageJSON adds a message that is a JSON object.
func (request *Request) MessageJSON(json string) *Request {
	return request.edit(func(c *C.tw_request, a *arguments) {
		text, length := a.bytes(json)
		C.tw_request_add_message_json(c, text, length)
	})
}

// Reply adds the assistant's message from a reply, with its tool calls.
func (request *Request) Reply(reply *Reply) *Request {
	defer runtime.KeepAlive(reply)
	return request.edit(func(c *C.tw_request, _ *arguments) {
		C.tw_request_add_reply(c, reply.pointer())
	})
}

// ToolResult adds the result of a tool call.
func (request *Request) ToolResult(id, text string) *Request {
	return request.edit(func(c *C.tw_request, a *arguments) {
		C.tw_request_add_tool_result(c, a.text(id), a.text(text))
	})
}

// Tool offers the model a function; parameters is the JSON schema of an object, or "".
func (request *Request) Tool(name, description, parameters string) *Request {
	return request.edit(func(c *C.tw_request, a *arguments) {
		C.tw_request_add_tool(c, a.text(name), a.optional(description), a.optional(parameters))
	})
}

// ImageURL adds an image to the last message; detail is "low", "high", "auto" or "".
func (request *Request) ImageURL(url, detail string) *Request {
	return request.edit(func(c *C.tw_request, a *arguments) {
		C.tw_request_add_image_url(c, a.text(url), a.optional(detail))
	})
}

// Image adds an image to the last message: a JPEG, PNG, GIF or WEBP file.
func (request *Request) Image(image []byte, detail string) *Request {
	return request.edit(func(c *C.tw_request, a *arguments) {
		bytes, length := a.bytes(string(image))
		C.tw_request_add_image(c, unsafe.Pointer(bytes), length, a.optional(detail))
	})
}

// ImageFile adds an image to the last message, from a file that is read now.
func (request *Request) ImageFile(path, detail string) *Request {
	return request.edit(func(c *C.tw_request, a *arguments) {
		C.tw_request_add_image_file(c, a.text(path), a.optional(detail))
	})
}

// Set sets a field of the body: to a string, a bool, a float64, an int, or to the JSON of any other
// value (package encoding/json). nil removes the field.
func (request *Request) Set(field string, value any) *Request {
	return request.edit(func(c *C.tw_request, a *arguments) {
		name := a.text(field)
		switch value := value.(type) {
		case nil:
			C.tw_request_set(c, name, nil)
		case string:
			C.tw_request_set_string(c, name, a.text(value))
		case bool:
			C.tw_request_set_bool(c, name, flag(value))
		case float64:
			C.tw_request_set_number(c, name, C.double(value))
		default:
			text, err := json.Marshal(value)
			if err != nil {
				// Not JSON: the request records the failure.
				text = []byte(err.Error())
			}
			C.tw_request_set(c, name, a.text(string(text)))
		}
	})
}

// Thinking switches thinking. budget is the maximum number of tokens to think with; 0: no maximum.
func (request *Request) Thinking(mode Thinking, budget int64) *Request {
	return request.edit(func(c *C.tw_request, _ *arguments) {
		C.tw_request_set_thinking(c, C.tw_thinking(mode), C.int64_t(budget))
	})
}

// StartsThinking sets whether the model's chat template contains the opening <think>.
func (request *Request) StartsThinking(yes bool) *Request {
	return request.edit(func(c *C.tw_request, _ *arguments) {
		C.tw_request_set_starts_thinking(c, flag(yes))
	})
}

// ReasoningTags sets the tags that enclose reasoning; "" for both: no tags.
func (request *Request) ReasoningTags(opening, closing string) *Request {
	return request.edit(func(c *C.tw_request, a *arguments) {
		C.tw_request_set_reasoning_tags(c, a.text(opening), a.text(closing))
	})
}

// Timeout sets a timeout in place of the client's. 0: none; negative: that of the client.
func (request *Request) Timeout(which TimeoutKind, limit time.Duration) *Request {
	return request.edit(func(c *C.tw_request, _ *arguments) {
		C.tw_request_set_timeout(c, C.tw_timeout(which), C.int64_t(limit.Milliseconds()))
	})
}

// Err returns the first failure of a method that changed the request, or nil.
func (request *Request) Err() error {
	defer runtime.KeepAlive(request)
	if message := C.GoString(C.tw_request_error(request.c)); message != "" {
		return &Error{Status: Invalid, Message: message}
	}
	return nil
}

// ClearErr forgets the first failure.
func (request *Request) ClearErr() *Request {
	return request.edit(func(c *C.tw_request, _ *arguments) { C.tw_request_clear_error(c) })
}

// JSON returns the body as JSON text; ParseRequest makes a request of it.
func (request *Request) JSON() string {
	defer runtime.KeepAlive(request)
	text, _ := sized(func(length *C.size_t) *C.char { return C.tw_request_json(request.c, length) })
	return text
}
