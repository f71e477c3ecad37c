package thinkwire

// #include <thinkwire.h>
import "C"

import "strings"

// Status is the result of an exchange or of a call.
type Status int

// Statuses: see tw_status in thinkwire.h.
const (
	OK          Status = C.TW_OK
	Invalid     Status = C.TW_INVALID
	Misuse      Status = C.TW_MISUSE
	Cancelled   Status = C.TW_CANCELLED
	Resolve     Status = C.TW_RESOLVE
	Connect     Status = C.TW_CONNECT
	TLS         Status = C.TW_TLS
	Network     Status = C.TW_NETWORK
	Timeout     Status = C.TW_TIMEOUT
	Auth        Status = C.TW_AUTH
	Forbidden   Status = C.TW_FORBIDDEN
	Quota       Status = C.TW_QUOTA
	NotFound    Status = C.TW_NOT_FOUND
	BadRequest  Status = C.TW_BAD_REQUEST
	RateLimited Status = C.TW_RATE_LIMITED
	Server      Status = C.TW_SERVER
	Truncated   Status = C.TW_TRUNCATED
	Protocol    Status = C.TW_PROTOCOL
	Limited     Status = C.TW_LIMIT
)

// String returns the name in C without its prefix, in lower case: "rate_limited".
func (s Status) String() string {
	name := C.GoString(C.tw_status_name(C.tw_status(s)))
	return strings.ToLower(strings.TrimPrefix(name, "TW_"))
}

// Kind is the kind of an event.
type Kind int

// Kinds of events: see tw_event_kind in thinkwire.h.
const (
	Reasoning     Kind = C.TW_EVENT_REASONING
	Content       Kind = C.TW_EVENT_CONTENT
	Refusal       Kind = C.TW_EVENT_REFUSAL
	ToolCallPiece Kind = C.TW_EVENT_TOOL_CALL
	UsageSoFar    Kind = C.TW_EVENT_USAGE
	Finish        Kind = C.TW_EVENT_FINISH
	Retry         Kind = C.TW_EVENT_RETRY
)

// Thinking says whether a model thinks before it answers.
type Thinking int

// Modes of thinking: see tw_thinking in thinkwire.h.
const (
	ThinkingAuto    Thinking = C.TW_THINKING_AUTO
	ThinkingOff     Thinking = C.TW_THINKING_OFF
	ThinkingOn      Thinking = C.TW_THINKING_ON
	ThinkingMinimal Thinking = C.TW_THINKING_MINIMAL
	ThinkingLow     Thinking = C.TW_THINKING_LOW
	ThinkingMedium  Thinking = C.TW_THINKING_MEDIUM
	ThinkingHigh    Thinking = C.TW_THINKING_HIGH
	ThinkingXHigh   Thinking = C.TW_THINKING_XHIGH
	ThinkingMax     Thinking = C.TW_THINKING_MAX
)

// TimeoutKind is one of the timeouts of an exchange.
type TimeoutKind int

// Timeouts: see tw_timeout in thinkwire.h.
const (
	TimeoutConnect   TimeoutKind = C.TW_TIMEOUT_CONNECT
	TimeoutFirstByte TimeoutKind = C.TW_TIMEOUT_FIRST_BYTE
	TimeoutIdle      TimeoutKind = C.TW_TIMEOUT_IDLE
	TimeoutTotal     TimeoutKind = C.TW_TIMEOUT_TOTAL
)

// Limit is a limit on what a server may send.
type Limit int

// Limits: see tw_limit in thinkwire.h.
const (
	LimitEvent   Limit = C.TW_LIMIT_EVENT
	LimitReply   Limit = C.TW_LIMIT_REPLY
	LimitHeaders Limit = C.TW_LIMIT_HEADERS
)

// HTTPVersion is a version of HTTP.
type HTTPVersion int

// Versions of HTTP: see tw_http_version in thinkwire.h.
const (
	HTTPAuto HTTPVersion = C.TW_HTTP_AUTO
	HTTP11   HTTPVersion = C.TW_HTTP_1_1
	HTTP2    HTTPVersion = C.TW_HTTP_2
)

// Dialect is the set of fields that switch thinking.
type Dialect int

// Dialects: see tw_dialect in thinkwire.h.
const (
	DialectAuto             Dialect = C.TW_DIALECT_AUTO
	DialectNone             Dialect = C.TW_DIALECT_NONE
	DialectEnableThinking   Dialect = C.TW_DIALECT_ENABLE_THINKING
	DialectChatTemplate     Dialect = C.TW_DIALECT_CHAT_TEMPLATE
	DialectReasoningEffort  Dialect = C.TW_DIALECT_REASONING_EFFORT
	DialectReasoningObject  Dialect = C.TW_DIALECT_REASONING_OBJECT
	DialectThinkingType     Dialect = C.TW_DIALECT_THINKING_TYPE
	DialectTemplateThinking Dialect = C.TW_DIALECT_TEMPLATE_THINKING
)
