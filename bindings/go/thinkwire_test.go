// Tests against the thinkwire-mock of THINKWIRE_BASE_URL.
package thinkwire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	fox      = "mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A,write=1"
	waiting  = "mock/synthetic#delay=60000"
	stalling = "mock/synthetic#chunks=9,stall=900"
)

var ctx = context.Background()

func newClient(t *testing.T, settings ...Option) *Client {
	settings = append([]Option{WithRetries(0), WithTimeout(TimeoutTotal, 30*time.Second)}, settings...)
	client, err := NewClient(settings...)
	check(t, err == nil, err)
	return client
}

func check(t *testing.T, ok bool, values ...any) {
	t.Helper()
	if !ok {
		t.Fatal(values...)
	}
}

func hello(model string) *Request { return NewRequest(model).User("Hello") }

func failure(t *testing.T, err error) *Error {
	t.Helper()
	var failed *Error
	check(t, errors.As(err, &failed), err)
	return failed
}

func TestReasoningAndAnswerAreSeparateAndCharactersWhole(t *testing.T) {
	stream := newClient(t).Stream(ctx, hello(fox))
	var reasoning, content []string
	for stream.Next() {
		check(t, strings.Contains(stream.Raw(), "{"), stream.Raw())
		switch event := stream.Event(); event.Kind {
		case Reasoning:
			reasoning = append(reasoning, event.Text)
		case Content:
			content = append(content, event.Text)
		case UsageSoFar:
			check(t, event.Usage.CompletionTokens > 0, event.Usage)
		case Finish:
			check(t, event.Text == "stop", event.Text)
		}
	}
	texts := fmt.Sprint(reasoning, content)
	check(t, texts == "[🦊 🦊] [🦊 🦊 🦊]", texts)
	reply, err := stream.Reply()
	check(t, err == nil, err)
	check(t, reply.Content() == "🦊🦊🦊" && reply.Reasoning() == "🦊🦊" && reply.Refusal() == "")
	check(t, reply.FinishReason() == "stop" && reply.Attempts() == 1 && reply.HTTPStatus() == 200)
	role, _ := reply.Get("/choices/0/message/role")
	_, found := reply.Get("/nothing")
	check(t, role == "assistant" && !found)
	check(t, strings.Contains(reply.Header("Content-Type"), "event-stream"))
	check(t, reply.Header("x") == "" && reply.RequestID() != "" && json.Valid([]byte(reply.JSON())))
	check(t, reply.Timing().Total >= reply.Timing().FirstContent && reply.LastError() == nil)
	check(t, reply.Usage().TotalTokens > 0 && reply.Usage().CachedTokens == -1, reply.Usage())
	check(t, !stream.Next() && stream.Raw() == "" && stream.Event() == Event{})
}

func TestEventsCanBeLeft(t *testing.T) {
	stream := newClient(t).Stream(ctx, hello(stalling))
	count := 0
	stream.Events(func(Event) bool { count++; return false })
	stream.Close()
	check(t, count == 1 && stream.reply.Status() == Cancelled)
}

func TestTextsAndFieldsAreSentUnchanged(t *testing.T) {
	client := newClient(t)
	request := NewRequest("mock/echo").Message("user", "🦊 é").Set("user", "bob")
	request.Set("temperature", 0.5).Set("logprobs", true).Set("stop", []string{"a"}).Set("n", 1)
	request.Set("x", "y").Set("x", nil)
	reply, err := client.Send(ctx, request.Copy())
	check(t, err == nil, err)
	for _, part := range []string{"🦊 é", `"bob"`, "0.5", `"logprobs":true`, `"stop":["a"]`, `"n":1`} {
		check(t, strings.Contains(reply.Content(), part), part, reply.Content())
	}
	check(t, !strings.Contains(reply.Content(), `"x"`))
	parsed, err := ParseRequest(request.JSON())
	check(t, err == nil && parsed.JSON() == request.JSON())
}

func TestTools(t *testing.T) {
	client := newClient(t)
	schema := `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`
	request := hello("mock/tools").Tool("weather", "The weather 🌦", schema)
	stream := client.Stream(ctx, request)
	arguments := ""
	for stream.Next() {
		if event := stream.Event(); event.Kind == ToolCallPiece {
			check(t, event.ToolName == "weather" && event.ToolIndex == 0, event)
			arguments += event.Text
		}
	}
	reply, err := stream.Reply()
	check(t, err == nil && len(reply.ToolCalls()) == 1, err)
	call := reply.ToolCalls()[0]
	check(t, call.Name == "weather" && call.Arguments == arguments && call.ID != "", call)
	request.Reply(reply).ToolResult(call.ID, "sunny 🌞")
	reply, err = client.Send(ctx, request)
	check(t, err == nil && strings.Contains(reply.Content(), "sunny 🌞"), err)
}

func TestErrorsHaveStatusMessageAndReply(t *testing.T) {
	client := newClient(t)
	_, err := client.Send(ctx, hello("mock/echo#status=429,message=slow"))
	failed := failure(t, err)
	check(t, failed.Status == RateLimited && failed.Reply.HTTPStatus() == 429, failed)
	check(t, strings.HasPrefix(err.Error(), "rate_limited: ") && strings.Contains(err.Error(), "slow"))
	_, err = client.Stream(ctx, hello(fox+",cut=900")).Reply()
	failed = failure(t, err)
	check(t, failed.Status == Truncated && strings.Contains(failed.Reply.Reasoning(), "🦊"), failed)
}

func TestInvalidArguments(t *testing.T) {
	_, err := NewClient(WithBaseURL("ftp://x"))
	check(t, failure(t, err).Status == Invalid && strings.Contains(err.Error(), "neither https"), err)
	_, err = NewClient(WithAPIKey("a\x00b"))
	check(t, err != nil)
	_, err = ParseRequest("[")
	check(t, failure(t, err).Status == Invalid)
	client := newClient(t)
	_, err = client.Send(ctx, hello(""))
	check(t, failure(t, err).Status == Invalid)
	request := hello("alibaba/qwen3-32b").Set("temperature", 3.0)
	check(t, strings.Contains(request.Err().Error(), "temperature"))
	_, err = client.Send(ctx, request)
	check(t, failure(t, err).Status == Invalid)
	check(t, request.ClearErr().Err() == nil)
	check(t, hello("mock/echo").User("a\x00b").Err() != nil)
	check(t, hello("mock/echo").Set("x", func() {}).Err() != nil)
}

func TestAContextEndsAWait(t *testing.T) {
	client := newClient(t)
	limited, cancel := context.WithCancel(ctx)
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := client.Send(limited, hello(waiting))
	check(t, failure(t, err).Status == Cancelled && errors.Is(err, context.Canceled), err)
	_, err = client.Stream(limited, hello(fox)).Reply()
	check(t, errors.Is(err, context.Canceled), err)

	limited, cancel = context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	_, err = client.Stream(limited, hello(waiting)).Reply()
	check(t, errors.Is(err, context.DeadlineExceeded), err)
	_, err = client.Models(ctx)
	check(t, err == nil, err)
}

func TestAnotherGoroutineCancels(t *testing.T) {
	client := newClient(t)
	stream := client.Stream(ctx, hello(waiting))
	go stream.Cancel()
	_, err := stream.Reply()
	check(t, failure(t, err).Status == Cancelled && errors.Unwrap(err) == nil, err)
	stream.Cancel()

	stream = client.Stream(ctx, hello(stalling))
	check(t, stream.Next())
	go client.Cancel()
	_, err = stream.Reply()
	check(t, failure(t, err).Status == Cancelled, err)
}

func TestRetriesAreReported(t *testing.T) {
	client := newClient(t, WithRetries(1))
	model := "mock/echo#status=503,tries=1,key=go,header=retry-after-ms:1"
	stream := client.Stream(ctx, hello(model))
	check(t, stream.Next())
	event := stream.Event()
	check(t, event.Kind == Retry && event.Attempt == 2 && event.Status == Server, event)
	check(t, event.Wait == time.Millisecond, event.Wait)
	reply, err := stream.Reply()
	check(t, err == nil && reply.Attempts() == 2, err)
	check(t, failure(t, reply.LastError()).Status == Server)
}

func TestManyGoroutinesShareAClientAndARequest(t *testing.T) {
	client, request := newClient(t), hello(fox)
	var group sync.WaitGroup
	failures := make(chan error, 100)
	for i := 0; i < 100; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			reply, err := client.Stream(ctx, request).Reply()
			if err != nil || reply.Content() != "🦊🦊🦊" {
				failures <- fmt.Errorf("%v %v", err, reply.Content())
			}
		}()
	}
	group.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
}

func TestNoReplyHasNoContent(t *testing.T) {
	var reply *Reply
	check(t, reply.Status() == Invalid && reply.Content() == "" && reply.Usage().TotalTokens == -1)
	check(t, len(reply.ToolCalls()) == 0 && reply.Header("Content-Type") == "")
	reply.Close()
}

func sockets() (count int) {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + entry.Name())
		if strings.HasPrefix(target, "socket:") {
			count++
		}
	}
	return count
}

func resident() (kilobytes int) {
	text, _ := os.ReadFile("/proc/self/status")
	_, line, _ := strings.Cut(string(text), "VmRSS:")
	fmt.Sscan(line, &kilobytes)
	return kilobytes
}

func TestGarbageIsReleased(t *testing.T) {
	runtime.GC()
	before := sockets()
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	for i := 0; i < 20; i++ {
		newClient(t).Stream(limited, hello(stalling)).Next()
	}
	for end := time.Now().Add(10 * time.Second); sockets() > before && time.Now().Before(end); {
		runtime.GC()
	}
	check(t, sockets() <= before, sockets(), before)
}

func TestClosedObjectsAreReleased(t *testing.T) {
	run := func(count int) {
		for i := 0; i < count; i++ {
			client, request := newClient(t), hello("mock/synthetic#chunks=16,size=65536")
			stream := client.Stream(ctx, request)
			reply, err := stream.Reply()
			check(t, err == nil && len(reply.Content()) == 1<<20, err)
			stream.Close()
			reply.Close()
			request.Close()
			client.Close()
			check(t, reply.Content() == "" && reply.Status() == Invalid)
		}
	}
	run(10)
	before := resident()
	run(30)
	check(t, resident() < before+16384, "30 replies of 1 MiB", resident(), before)
}
