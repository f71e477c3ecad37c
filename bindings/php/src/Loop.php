<?php

declare(strict_types=1);

namespace Thinkwire;

use FFI\CData;

/** Many exchanges of a client in one thread, in any event loop that watches streams. */
final class Loop extends Handle
{
    /** PHP frees a callback when its request ends; hence all exchanges share one. */
    private readonly CData $callback;
    /** @var array<int, array{Exchange, callable(Event): mixed, CData}> */
    private array $tasks = [];
    private int $lastId = 0;
    private bool $polling = false;
    private ?\Throwable $error = null;

    public function __construct(Client $client)
    {
        $c = Library::c();
        $pointer = $c->tw_loop_create($client->pointer())
            ?? throw new Exception($c->tw_last_error(), 'invalid');
        parent::__construct($pointer, 'tw_loop_destroy');
        $loop = \WeakReference::create($this);
        $this->callback = $c->new('tw_event_fn[1]');
        $this->callback[0] = static fn(CData $id, CData $event): int
            => $loop->get()->receive($c->cast('int64_t *', $id)[0], $event);
    }

    /**
     * Starts a streamed exchange, whose events `onEvent` receives in poll(); the last is "done".
     *
     * If it throws, the exchange is cancelled, and poll() throws the first such exception.
     *
     * @param callable(Event): mixed $onEvent
     */
    public function start(Request $request, callable $onEvent): Exchange
    {
        $c = Library::c();
        $id = $c->new('int64_t');
        $id->cdata = ++$this->lastId;
        $arguments = [$request->pointer(), $this->callback[0], \FFI::addr($id)];
        $chat = $c->tw_loop_start($this->pointer(), ...$arguments)
            ?? throw new Exception($c->tw_last_error(), 'misuse');
        $exchange = new Exchange($chat);
        $this->tasks[$id->cdata] = [$exchange, $onEvent, $id];
        return $exchange;
    }

    /**
     * Delivers the events of what is ready. Waits for `timeout` seconds at most.
     *
     * Returns the number of events. Signals are handled after the wait.
     */
    public function poll(?float $timeout = null): int
    {
        $c = Library::c();
        $pollingBefore = $this->polling;
        $this->polling = true;
        $milliseconds = $timeout === null ? -1 : (int) ceil($timeout * 1000);
        $count = $c->tw_loop_poll($this->pointer(), $milliseconds);
        $this->polling = $pollingBefore;
        [$error, $this->error] = [$this->error, null];
        if ($error !== null) {
            throw $error;
        }
        Library::check(-min($count, 0));
        return $count;
    }

    /** Polls until no exchange is active. */
    public function run(): void
    {
        while ($this->active() > 0) {
            $this->poll(0.1);
        }
    }

    /**
     * A stream that is readable whenever poll() has work; it must not be read. In the CLI only.
     *
     * @return resource
     */
    public function stream()
    {
        return fopen('php://fd/' . Library::c()->tw_loop_fd($this->pointer()), 'r');
    }

    /** The number of exchanges that have not ended. */
    public function active(): int
    {
        return Library::c()->tw_loop_active($this->pointer());
    }

    /** Cancels every exchange, delivers "done" for each, and destroys the loop. */
    public function close(): void
    {
        if ($this->polling) {
            throw new Exception('a callback cannot close its loop', 'misuse');
        }
        parent::close();
    }

    /** Nothing may be thrown through the frames of C. */
    private function receive(int $id, CData $event): int
    {
        [$exchange, $onEvent] = $this->tasks[$id];
        try {
            $received = Event::read($event);
            if ($received->kind === 'done') {
                $exchange->end();
                unset($this->tasks[$id]);
            }
            $onEvent($received);
            return 0;
        } catch (\Throwable $error) {
            $this->error ??= $error;
            return 1;
        }
    }
}
