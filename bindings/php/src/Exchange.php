<?php

declare(strict_types=1);

namespace Thinkwire;

use FFI\CData;

/** An exchange of a loop. After its end, these methods do nothing. */
final class Exchange
{
    /** @internal */
    public function __construct(private ?CData $chat) {}

    /** Cancels the exchange; the event "done" follows. */
    public function cancel(): void
    {
        Library::c()->tw_chat_cancel($this->chat);
    }

    /** Stops delivering events, and reading from the server, until resume(). */
    public function pause(): void
    {
        Library::c()->tw_chat_pause($this->chat);
    }

    public function resume(): void
    {
        Library::c()->tw_chat_resume($this->chat);
    }

    /** @internal The library frees the chat after its last event. */
    public function end(): void
    {
        $this->chat = null;
    }
}
