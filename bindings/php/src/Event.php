<?php

declare(strict_types=1);

namespace Thinkwire;

use FFI\CData;

/** A piece of an answer. */
final class Event
{
    /** @var ?array<int, string> */
    private static ?array $kinds = null;

    /**
     * @param string $kind "reasoning", "content", "tool_call", …: see tw_event_kind
     * @param ?int $toolIndex with the id and the name, for "tool_call"
     * @param ?Usage $usage for "usage"
     * @param ?int $attempt with the status and the time in ms until it, for "retry"
     * @param ?Reply $reply for "done", the last event of an exchange of a Loop
     */
    private function __construct(
        public readonly string $kind,
        public readonly string $text,
        public readonly int $choice,
        public readonly ?int $toolIndex = null,
        public readonly ?string $toolId = null,
        public readonly ?string $toolName = null,
        public readonly ?Usage $usage = null,
        public readonly ?int $attempt = null,
        public readonly ?string $status = null,
        public readonly ?int $waitMs = null,
        public readonly ?Reply $reply = null,
    ) {}

    /** @internal */
    public static function read(CData $event): self
    {
        self::$kinds ??= Library::names('tw_event_kind', 'TW_EVENT');
        $kind = self::$kinds[$event->kind];
        $details = match ($kind) {
            'tool_call' => [
                'toolIndex' => $event->tool_index,
                'toolId' => Library::field($event->tool_id),
                'toolName' => Library::field($event->tool_name),
            ],
            'usage' => ['usage' => Usage::read($event->usage)],
            'retry' => [
                'attempt' => $event->attempt,
                'status' => Library::statusName($event->status),
                'waitMs' => $event->wait_ms,
            ],
            'done' => ['reply' => new Reply(Library::c()->tw_reply_retain($event->reply))],
            default => [],
        };
        $text = \FFI::string($event->text, $event->text_len);
        return new self($kind, $text, $event->choice, ...$details);
    }
}
