<?php

declare(strict_types=1);

namespace Thinkwire;

/** A conversation and its settings. It can be changed and sent any number of times. */
final class Request extends Handle
{
    /** @param mixed ...$fields fields of the API, such as `temperature: 0.5` */
    public function __construct(string $model, ?string $text = null, mixed ...$fields)
    {
        $pointer = Library::c()->tw_request_create(Library::argument($model))
            ?? throw new Exception(Library::c()->tw_last_error(), 'invalid');
        parent::__construct($pointer, 'tw_request_destroy');
        foreach ($fields as $name => $value) {
            $this->set((string) $name, $value);
        }
        if ($text !== null) {
            $this->add('user', $text);
        }
    }

    /**
     * Adds a message. `content` is a text, or an array of parts as in the API.
     *
     * @param mixed ...$members other members of the message
     */
    public function add(string $role, string|array $content, mixed ...$members): self
    {
        $json = Library::json(['role' => $role, 'content' => $content, ...$members]);
        return $this->call('tw_request_add_message_json', $json, strlen($json));
    }

    /** Adds the assistant's message of a reply, with its tool calls and its reasoning. */
    public function addReply(Reply $reply): self
    {
        return $this->call('tw_request_add_reply', $reply->pointer());
    }

    /** Adds the result of a tool call. */
    public function addToolResult(ToolCall $call, string $content): self
    {
        return $this->add('tool', $content, tool_call_id: $call->id);
    }

    /** Offers the model a function. `parameters` is the JSON schema of an object. */
    public function addTool(
        string $name,
        string $description,
        array|object|null $parameters = null,
    ): self {
        return $this->call(
            'tw_request_add_tool',
            Library::argument($name),
            Library::argument($description),
            $parameters === null ? null : Library::argument(Library::json($parameters)),
        );
    }

    /** Adds an image file to the last message. */
    public function addImage(string $path, ?string $detail = null): self
    {
        $arguments = [Library::argument($path), Library::argument($detail)];
        return $this->call('tw_request_add_image_file', ...$arguments);
    }

    /** Sets a field of the body to a value that can be written as JSON. */
    public function set(string $field, mixed $value): self
    {
        $arguments = [Library::argument($field), Library::json($value)];
        return $this->call('tw_request_set', ...$arguments);
    }

    /** Switches thinking: "off", "on", "low", "medium", "high", …; `budget` is in tokens. */
    public function thinking(string $mode, int $budget = 0): self
    {
        $value = Library::value('TW_THINKING', $mode);
        return $this->call('tw_request_set_thinking', $value, $budget);
    }

    /** The body as JSON text. */
    public function json(): string
    {
        return Library::text('tw_request_json', $this->pointer());
    }

    private function call(string $function, mixed ...$arguments): self
    {
        try {
            Library::check(Library::c()->$function($this->pointer(), ...$arguments));
        } catch (Exception $failure) {
            // The failure is reported here: it must not make a later exchange fail.
            Library::c()->tw_request_clear_error($this->pointer());
            throw $failure;
        }
        return $this;
    }
}
