<?php

declare(strict_types=1);

namespace Thinkwire;

use FFI\CData;

/** The result of an exchange. */
final class Reply extends Handle
{
    /** @internal */
    public function __construct(CData $reply)
    {
        parent::__construct($reply, 'tw_reply_destroy');
    }

    /** The tw_status, such as "ok" or "rate_limited". */
    public function status(): string
    {
        return Library::statusName($this->call('tw_reply_status'));
    }

    public function isOk(): bool
    {
        return $this->call('tw_reply_status') === Library::c()->TW_OK;
    }

    /** Returns the reply, or throws an Exception that holds it. */
    public function orThrow(): self
    {
        return $this->isOk()
            ? $this
            : throw new Exception($this->message(), $this->status(), $this);
    }

    /** What happened and what to do; "" for "ok". */
    public function message(): string
    {
        return $this->call('tw_reply_message');
    }

    public function attempts(): int
    {
        return $this->call('tw_reply_attempts');
    }

    /** 0 if there was no response. */
    public function httpStatus(): int
    {
        return $this->call('tw_reply_http_status');
    }

    public function reasoning(): string
    {
        return Library::text('tw_reply_reasoning', $this->pointer());
    }

    public function content(): string
    {
        return Library::text('tw_reply_content', $this->pointer());
    }

    public function refusal(): string
    {
        return Library::text('tw_reply_refusal', $this->pointer());
    }

    public function finishReason(): string
    {
        return $this->call('tw_reply_finish_reason');
    }

    public function requestId(): string
    {
        return $this->call('tw_reply_request_id');
    }

    public function usage(): Usage
    {
        return Usage::read($this->call('tw_reply_usage'));
    }

    /**
     * The times of the exchange in seconds; null for what did not happen.
     *
     * @return array<string, ?float>
     */
    public function timing(): array
    {
        $timing = $this->call('tw_reply_timing');
        $times = [];
        $names = ['connected', 'first_byte', 'first_reasoning', 'first_content', 'total'];
        foreach ($names as $name) {
            $time = $timing->{$name . '_us'};
            $times[$name] = $time < 0 ? null : $time / 1e6;
        }
        return $times;
    }

    /** The value of a response header; null if absent. */
    public function header(string $name): ?string
    {
        return $this->call('tw_reply_header', Library::argument($name));
    }

    /** The complete answer as JSON text, or the provider's error. */
    public function json(): string
    {
        return Library::text('tw_reply_json', $this->pointer());
    }

    /** A value of that document, by a JSON pointer such as "/choices/0/message/content". */
    public function get(string $pointer): ?string
    {
        return Library::text('tw_reply_get', $this->pointer(), Library::argument($pointer));
    }

    /** @return list<ToolCall> */
    public function toolCalls(): array
    {
        $calls = [];
        for ($index = 0; $index < $this->call('tw_reply_tool_call_count'); $index++) {
            $calls[] = ToolCall::read($this->call('tw_reply_tool_call', $index));
        }
        return $calls;
    }

    /**
     * The ids of a list of models.
     *
     * @return list<string>
     */
    public function models(): array
    {
        $ids = [];
        for ($index = 0; $index < $this->call('tw_reply_model_count'); $index++) {
            $ids[] = $this->call('tw_reply_model', $index);
        }
        return $ids;
    }

    private function call(string $function, mixed ...$arguments): mixed
    {
        return Library::c()->$function($this->pointer(), ...$arguments);
    }
}
