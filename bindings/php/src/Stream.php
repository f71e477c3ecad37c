<?php

declare(strict_types=1);

namespace Thinkwire;

use FFI\CData;

/**
 * An exchange in progress: iterates over its events, once.
 *
 * @implements \IteratorAggregate<int, Event>
 */
final class Stream extends Handle implements \IteratorAggregate
{
    /** A wait ends after this time, so that PHP can handle signals and its time limit. */
    private const SLICE_MS = 100;

    private readonly CData $event;
    private ?Reply $reply = null;

    /** @internal */
    public function __construct(CData $chat)
    {
        parent::__construct($chat, 'tw_chat_close');
        $this->event = Library::c()->new('const tw_event *');
    }

    /**
     * The events until the end. Throws an Exception if the exchange does not end with "ok".
     *
     * Leaving the loop closes the stream, which cancels the exchange.
     *
     * @return \Generator<int, Event>
     */
    public function getIterator(): \Generator
    {
        try {
            while (($event = $this->next()) !== null) {
                yield $event;
            }
        } finally {
            $this->close();
        }
        $this->reply()->orThrow();
    }

    /**
     * Waits for the next event; null at the end, false if none is received in `timeout` seconds.
     *
     * A timeout of 0 does not wait: a scheduler of fibers can resume others in the meantime.
     */
    public function next(?float $timeout = null): Event|false|null
    {
        $c = Library::c();
        $now = fn(): float => hrtime(true) / 1e6;
        $deadline = $timeout === null ? INF : $now() + $timeout * 1000;
        do {
            $wait = (int) min(self::SLICE_MS, max(0, ceil($deadline - $now())));
            $next = $c->tw_chat_next($this->pointer(), \FFI::addr($this->event), $wait);
            if ($next === $c->TW_NEXT_EVENT) {
                return Event::read($this->event);
            }
            if ($next === $c->TW_NEXT_END) {
                return null;
            }
        } while ($now() < $deadline);
        return false;
    }

    /** Reads all events. Returns the reply; throws an Exception unless its status is "ok". */
    public function finish(): Reply
    {
        foreach ($this as $_) {
        }
        return $this->reply();
    }

    /** Cancels the exchange, for example in a signal handler. The iteration then throws. */
    public function cancel(): void
    {
        if ($this->reply === null) {
            Library::c()->tw_chat_cancel($this->pointer());
        }
    }

    /** Ends the exchange, if it has not ended, and returns its reply. */
    public function reply(): Reply
    {
        $this->close();
        return $this->reply;
    }

    /** Ends the exchange. Its reply remains available. */
    public function close(): void
    {
        $chat = $this->release();
        if ($chat !== null) {
            $this->reply = new Reply(Library::c()->tw_chat_close($chat));
        }
    }
}
