package thinkwire

/*
#include <thinkwire.h>
*/
import "C"

import (
	"runtime"
	"time"
)

// Option is a setting of a client. NewClient reports those that are invalid.
type Option func(options *C.tw_options, a *arguments)

// WithBaseURL sets the URL to which "/chat/completions" is appended.
func WithBaseURL(url string) Option {
	return func(options *C.tw_options, a *arguments) {
		C.tw_options_set_base_url(options, a.text(url))
	}
}

// WithAPIKey sets the API key; "": no key, whatever the environment contains.
func WithAPIKey(key string) Option {
	return func(options *C.tw_options, a *arguments) {
		C.tw_options_set_api_key(options, a.text(key))
	}
}

// WithHeader sets a header; "": no header of that name is sent.
func WithHeader(name, value string) Option {
	return func(options *C.tw_options, a *arguments) {
		C.tw_options_set_header(options, a.text(name), a.text(value))
	}
}

// WithTimeout sets a timeout; 0: none. A context can limit a single exchange.
func WithTimeout(which TimeoutKind, limit time.Duration) Option {
	return func(options *C.tw_options, _ *arguments) {
		C.tw_options_set_timeout(options, C.tw_timeout(which), C.int64_t(limit.Milliseconds()))
	}
}

// WithCommentsKeepAlive sets whether SSE comments reset the idle timeout.
func WithCommentsKeepAlive(yes bool) Option {
	return func(options *C.tw_options, _ *arguments) {
		C.tw_options_set_comments_keep_alive(options, flag(yes))
	}
}

// WithRequireFinish sets whether a streamed answer must end with a finish_reason or [DONE].
func WithRequireFinish(yes bool) Option {
	return func(options *C.tw_options, _ *arguments) {
		C.tw_options_set_require_finish(options, flag(yes))
	}
}

// WithRetries sets how many times a failed exchange is retried.
func WithRetries(count int) Option {
	return func(options *C.tw_options, _ *arguments) {
		C.tw_options_set_retries(options, C.int(count))
	}
}

// WithLimit sets a limit on what a server may send, in bytes.
func WithLimit(which Limit, bytes int64) Option {
	return func(options *C.tw_options, _ *arguments) {
		C.tw_options_set_limit(options, C.tw_limit(which), C.int64_t(bytes))
	}
}

// WithProxy sets the proxy; "": none.
func WithProxy(url string) Option {
	return func(options *C.tw_options, a *arguments) {
		C.tw_options_set_proxy(options, a.text(url))
	}
}

// WithNoProxy sets the hosts for which no proxy is used.
func WithNoProxy(hosts string) Option {
	return func(options *C.tw_options, a *arguments) {
		C.tw_options_set_no_proxy(options, a.text(hosts))
	}
}

// WithCAFile sets a file of trusted certificates.
func WithCAFile(path string) Option {
	return func(options *C.tw_options, a *arguments) {
		C.tw_options_set_ca_file(options, a.text(path))
	}
}

// WithCADirectory sets a directory of trusted certificates.
func WithCADirectory(path string) Option {
	return func(options *C.tw_options, a *arguments) {
		C.tw_options_set_ca_directory(options, a.text(path))
	}
}

// WithHTTPVersion sets the version of HTTP.
func WithHTTPVersion(version HTTPVersion) Option {
	return func(options *C.tw_options, _ *arguments) {
		C.tw_options_set_http_version(options, C.tw_http_version(version))
	}
}

// WithDialect sets the fields that switch thinking.
func WithDialect(dialect Dialect) Option {
	return func(options *C.tw_options, _ *arguments) {
		C.tw_options_set_dialect(options, C.tw_dialect(dialect))
	}
}

// WithReasoningTags sets a pair of tags that encloses reasoning; "" for both: no tags.
func WithReasoningTags(opening, closing string) Option {
	return func(options *C.tw_options, a *arguments) {
		C.tw_options_set_reasoning_tags(options, a.text(opening), a.text(closing))
	}
}

// WithReasoningReplay sets the form in which the reasoning of earlier replies is sent back.
func WithReasoningReplay(form string) Option {
	return func(options *C.tw_options, a *arguments) {
		C.tw_options_set_reasoning_replay(options, a.text(form))
	}
}

// WithCleartext allows the API key to be sent in clear text to a host that is not this machine.
func WithCleartext(host string) Option {
	return func(options *C.tw_options, a *arguments) {
		C.tw_options_allow_cleartext(options, a.text(host))
	}
}

// Client is an endpoint and its connections. Any number of goroutines may use it at once.
type Client struct{ c *C.tw_client }

// NewClient creates a client. What the options do not set is read from the environment.
func NewClient(settings ...Option) (*Client, error) {
	var a arguments
	defer a.free()
	options := C.tw_options_create()
	defer C.tw_options_destroy(options)
	for _, set := range settings {
		set(options, &a)
	}
	var c *C.tw_client
	if err := failing(func() C.tw_status { return C.tw_client_create(options, &c) }); err != nil {
		return nil, err
	}
	client := &Client{c}
	runtime.SetFinalizer(client, (*Client).Close)
	return client, nil
}

// Cancel cancels every exchange in progress.
func (client *Client) Cancel() {
	C.tw_client_cancel(client.c)
	runtime.KeepAlive(client)
}

// Close closes idle connections. Exchanges in progress continue. No call may follow.
func (client *Client) Close() {
	C.tw_client_destroy(client.c)
	client.c = nil
	runtime.SetFinalizer(client, nil)
}
