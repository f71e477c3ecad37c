// Reasoning and answer, a tool, cancellation and an error.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"thinkwire"
)

const city = `{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}`

// show prints an answer while it is generated.
func show(stream *thinkwire.Stream) *thinkwire.Reply {
	for stream.Next() {
		switch event := stream.Event(); event.Kind {
		case thinkwire.Reasoning:
			fmt.Fprint(os.Stderr, event.Text)
		case thinkwire.Content:
			fmt.Print(event.Text)
		}
	}
	fmt.Println()
	reply, err := stream.Reply()
	if err != nil {
		log.Fatal(err)
	}
	return reply
}

func temperature(call thinkwire.ToolCall) string {
	var arguments struct{ City string }
	if err := json.Unmarshal([]byte(call.Arguments), &arguments); err != nil {
		return "Error: " + err.Error()
	}
	return "18 degrees in " + arguments.City
}

func main() {
	model := os.Getenv("THINKWIRE_MODEL")
	if model == "" {
		model = "alibaba/qwen3-32b"
	}
	client, err := thinkwire.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()
	greeting := thinkwire.NewRequest(model).User("Hello").Thinking(thinkwire.ThinkingOn, 0)
	show(client.Stream(ctx, greeting))

	question := thinkwire.NewRequest(model).User("How warm is it in Paris?")
	question.Tool("temperature", "The current temperature of a city", city)
	reply := show(client.Stream(ctx, question))
	for len(reply.ToolCalls()) > 0 {
		question.Reply(reply)
		for _, call := range reply.ToolCalls() {
			question.ToolResult(call.ID, temperature(call))
		}
		reply = show(client.Stream(ctx, question))
	}

	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	stream := client.Stream(limited, thinkwire.NewRequest(model).User("Count to a hundred"))
	for stream.Next() {
		if event := stream.Event(); event.Kind == thinkwire.Content {
			fmt.Print(event.Text)
			cancel()
		}
	}
	if _, err = stream.Reply(); err != nil {
		fmt.Println(" [cancelled]")
	}

	if _, err = client.Send(ctx, thinkwire.NewRequest("no/such-model").User("Hello")); err != nil {
		fmt.Println(err)
	}
}
