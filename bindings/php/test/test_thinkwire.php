<?php

// Tests of the binding against the thinkwire-mock of THINKWIRE_BASE_URL.
declare(strict_types=1);

require __DIR__ . '/../thinkwire.php';

use Thinkwire\{Client, Event, Exception, Library, Loop, Reply, Request};

const FOX = 'mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A';
const SLOW = 'mock/synthetic#chunks=1000,pace=50';
const WAITING = 'mock/synthetic#delay=60000';

function hello(string $model): Request
{
    return new Request($model, 'Hello');
}

function same(mixed $expected, mixed $actual): void
{
    if ($expected !== $actual) {
        $texts = [var_export($expected, true), var_export($actual, true)];
        throw new AssertionError("expected $texts[0], not $texts[1]");
    }
}

function contains(string $part, string $whole): void
{
    if (!str_contains($whole, $part)) {
        throw new AssertionError("no \"$part\" in \"$whole\"");
    }
}

/** The exception of that class that the function throws. */
function failure(callable $function, string $class = Exception::class): Throwable
{
    try {
        $function();
    } catch (Throwable $failure) {
        same($class, $failure::class);
        return $failure;
    }
    throw new AssertionError('no exception');
}

/** The number of sockets of this process. */
function sockets(): int
{
    $targets = array_map(fn($path) => @readlink($path), glob('/proc/self/fd/*'));
    return count(preg_grep('/^socket:/', $targets));
}

/** The memory of this process in KiB. */
function resident(): int
{
    preg_match('/VmRSS:\s*(\d+)/', file_get_contents('/proc/self/status'), $found);
    return (int) $found[1];
}

final class Tests
{
    public function __construct(private readonly Client $client) {}

    public function everyDeclaredFunctionExists(): void
    {
        $header = file_get_contents(__DIR__ . '/../../../include/thinkwire.h');
        $count = preg_match_all('/^TW_API .*?\b(tw_\w+)\(/m', $header, $found);
        assert($count > 100);
        foreach ($found[1] as $name) {
            assert(Library::c()->$name instanceof FFI\CData);
        }
        preg_match('/TW_VERSION "(.*)"/', $header, $version);
        same($version[1], Library::version());
    }

    public function layoutOfStructs(): void
    {
        exec(__DIR__ . '/../../../Tests/bindings/layout.py', $lines);
        assert(count($lines) > 30);
        foreach ($lines as $line) {
            [$name, $number] = explode(' ', $line);
            [$struct, $field] = [...explode('.', $name), null];
            $value = Library::c()->new($struct);
            $actual = $field === null
                ? FFI::sizeof($value)
                : Library::c()->type($struct)->getStructFieldOffset($field);
            same((int) $number, $actual);
        }
    }

    public function reasoningAndAnswerAreSeparateAndCharactersWhole(): void
    {
        $texts = [];
        foreach ($this->client->stream(hello(FOX . ',write=1')) as $event) {
            $texts[$event->kind][] = $event->text;
        }
        same(['🦊', '🦊', '🦊'], $texts['content']);
        same(['🦊', '🦊'], $texts['reasoning']);
        same(['stop'], $texts['finish']);
    }

    public function reply(): void
    {
        $stream = $this->client->stream(hello('alibaba/qwen3-32b')->thinking('on'));
        $reply = $stream->finish();
        assert($reply === $stream->reply());
        contains('Hello!', $reply->content());
        contains('Okay', $reply->reasoning());
        same(2023, $reply->usage()->totalTokens);
        same(null, $reply->usage()->cachedTokens);
        assert($reply->timing()['total'] > 0);
        same('assistant', $reply->get('/choices/0/message/role'));
        same(null, $reply->get('/nothing'));
        contains('event-stream', $reply->header('Content-Type'));
        same(null, $reply->header('X-None'));
        same([1, 200, 'stop', ''], [
            $reply->attempts(), $reply->httpStatus(), $reply->finishReason(), $reply->message(),
        ]);
        failure(fn() => $stream->next());
    }

    public function textIsSentUnchanged(): void
    {
        $text = "🦊 \0 é \"quoted\"/\n";
        $request = (new Request('mock/echo', $text, temperature: 1.0))->set('user', 'bob');
        $body = json_decode($this->client->complete($request)->content(), true);
        same([['role' => 'user', 'content' => $text]], $body['messages']);
        same('bob', $body['user']);
        contains('"temperature":1.0', $request->json());
    }

    public function textWithNulIsReceivedWhole(): void
    {
        $request = hello('mock/synthetic#chunks=1,text=a%00b');
        foreach ($stream = $this->client->stream($request) as $event) {
            if ($event->kind === 'content') {
                same("a\0b", $event->text);
            }
        }
        same("a\0b", $stream->reply()->content());
    }

    public function tools(): void
    {
        $parameters = ['type' => 'object', 'properties' => ['city' => ['type' => 'string']]];
        $request = hello('mock/tools')->addTool('weather', 'The weather 🌦', $parameters);
        $stream = $this->client->stream($request);
        $names = [];
        foreach ($stream as $event) {
            if ($event->kind === 'tool_call') {
                $names[$event->toolId] = $event->toolName;
            }
        }
        [$call] = $stream->reply()->toolCalls();
        same([$call->id => 'weather'], $names);
        assert(is_string($call->parsedArguments()['city']));
        $request->addReply($stream->reply())->addToolResult($call, 'sunny 🌞');
        contains('sunny 🌞', $this->client->complete($request)->content());
    }

    public function errorHasStatusMessageAndReply(): void
    {
        $client = new Client(retries: 0, timeout: 30, headers: ['X-Test' => 'yes']);
        $error = failure(fn() => $client->complete(hello('mock/echo#status=429')));
        same('rate_limited', $error->status);
        contains('429', $error->getMessage());
        same(429, $error->reply->httpStatus());
    }

    public function receivedTextOfATruncatedAnswer(): void
    {
        $error = failure(fn() => $this->client->stream(hello(FOX . ',cut=900'))->finish());
        same('truncated', $error->status);
        contains('🦊', $error->reply->reasoning());
    }

    public function invalidArguments(): void
    {
        same('invalid', failure(fn() => new Client(baseUrl: 'ftp://x'))->status);
        $request = hello('mock/echo');
        contains("a tool's name", failure(fn() => $request->addTool('', ''))->getMessage());
        same('ok', $this->client->complete($request)->status());
        contains('model', failure(fn() => hello(''))->getMessage());
        failure(fn() => hello('a')->thinking('so so'), InvalidArgumentException::class);
        failure(fn() => hello("a\0b"), InvalidArgumentException::class);
        failure(fn() => hello('a')->add('user', "\xff"), JsonException::class);
        failure(fn() => clone $request, Error::class);
        failure(fn() => serialize($request), LogicException::class);
        $request->close();
        same('misuse', failure(fn() => $this->client->complete($request))->status);
    }

    public function signalCancelsAWait(): void
    {
        $stream = $this->client->stream(hello(WAITING));
        same(false, $stream->next(0)); // It is sent.
        pcntl_async_signals(true);
        pcntl_signal(SIGUSR1, fn() => $stream->cancel());
        posix_kill(posix_getpid(), SIGUSR1);
        same('cancelled', failure(fn() => $stream->finish())->status);
    }

    public function signalDuringAWaitCancels(): void
    {
        $stream = $this->client->stream(hello(WAITING));
        pcntl_async_signals(true);
        pcntl_signal(SIGALRM, fn() => $stream->cancel());
        pcntl_alarm(1);
        same('cancelled', failure(fn() => $stream->finish())->status);
    }

    public function leavingALoopCancelsAndTheClientRemainsUsable(): void
    {
        foreach ($this->client->stream(hello(SLOW)) as $event) {
            if ($event->kind === 'content') {
                $during = sockets();
                break;
            }
        }
        assert(sockets() < $during);
        same(12, strlen($this->client->complete(hello(FOX))->content()));
    }

    public function nextReturnsAfterItsTimeout(): void
    {
        $stream = $this->client->stream(hello(WAITING));
        same(false, $stream->next(0));
        same(false, $stream->next(0.01));
        same('cancelled', $stream->reply()->status());
        failure(fn() => $stream->next());
    }

    public function fibersShareTheThread(): void
    {
        $run = function (): int {
            $stream = $this->client->stream(hello('mock/synthetic#chunks=5,pace=5'));
            for ($count = 0; ($event = $stream->next(0)) !== null;) {
                $event === false ? Fiber::suspend() : $count += $event->kind === 'content';
            }
            $stream->reply()->orThrow();
            return $count;
        };
        $fibers = array_map(fn() => new Fiber($run), range(1, 3));
        array_map(fn($fiber) => $fiber->start(), $fibers);
        while ($active = array_filter($fibers, fn($fiber) => !$fiber->isTerminated())) {
            array_map(fn($fiber) => $fiber->resume(), $active);
        }
        same([5, 5, 5], array_map(fn($fiber) => $fiber->getReturn(), $fibers));
    }

    public function retryEvent(): void
    {
        $model = 'mock/echo#status=503,tries=1,key=php,header=retry-after-ms:1';
        foreach ((new Client(retries: 1))->stream(hello($model)) as $event) {
            if ($event->kind === 'retry') {
                same([2, 'server', 1], [$event->attempt, $event->status, $event->waitMs]);
                return;
            }
        }
        throw new AssertionError('no retry');
    }

    public function settings(): void
    {
        $client = new Client(
            dialect: 'reasoning_effort', cleartext: 'example.com', httpVersion: '1.1',
            reasoningTags: ['<a>', '</a>'], requireFinish: true, commentsKeepAlive: false,
            eventLimit: 5000, replyLimit: 5000, headersLimit: 5000,
        );
        $reply = $client->complete(hello('mock/echo')->thinking('high'));
        contains('"reasoning_effort":"high"', $reply->content());
        $model = 'mock/synthetic#chunks=1,text=%3Ca%3EHm%3C/a%3EHi';
        $reply = $client->stream(hello($model))->finish();
        same(['Hm', 'Hi'], [$reply->reasoning(), $reply->content()]);
        $large = hello('mock/synthetic#chunks=1,size=10000');
        same('limit', failure(fn() => $client->complete($large))->status);
        failure(fn() => new Client(replyLimit: -1));
    }

    public function models(): void
    {
        assert(in_array('alibaba/qwen3-32b', $this->client->models(), true));
    }

    public function abandonedObjectsAreReleased(): void
    {
        $before = sockets();
        for ($count = 0; $count < 10; $count++) {
            $stream = (new Client())->stream(hello(SLOW));
            $stream->next();
        }
        unset($stream);
        same($before, sockets());
    }

    public function repliesAreReleased(): void
    {
        $run = fn(): Reply => $this->client->stream(
            hello('mock/synthetic#chunks=16,size=65536'),
        )->finish();
        array_map($run, range(1, 5));
        $before = resident();
        for ($count = 0; $count < 30; $count++) {
            $run();
        }
        assert(resident() - $before < 16_384); // 30 replies of 1 MiB
    }

    public function loopRunsManyExchangesInAnEventLoop(): void
    {
        $loop = new Loop($this->client);
        $answers = [];
        foreach (['a', 'b', 'c'] as $name) {
            $request = hello("mock/synthetic#chunks=5,text=$name");
            $loop->start($request, function (Event $event) use ($name, &$answers): void {
                if ($event->kind === 'done') {
                    $answers[$name] = $event->reply->orThrow()->content();
                }
            });
        }
        same(3, $loop->active());
        for ($stream = $loop->stream(); $loop->active() > 0;) {
            [$read, $write, $except] = [[$stream], [], []];
            assert(stream_select($read, $write, $except, 10) === 1);
            $loop->poll(0);
        }
        ksort($answers);
        same(['a' => 'aaaaa', 'b' => 'bbbbb', 'c' => 'ccccc'], $answers);
    }

    public function loopPausesAndCancels(): void
    {
        $loop = new Loop($this->client);
        [$content, $status] = [null, null];
        $waiting = $loop->start(hello(WAITING), function (Event $event) use (&$status): void {
            $status = $event->reply->status();
        });
        $paused = $loop->start(hello(FOX), function (Event $event) use (&$content, $waiting): void {
            if ($event->kind === 'done') {
                $content = $event->reply->content();
                $waiting->cancel();
            }
        });
        $paused->pause();
        $loop->poll(0.02);
        same(null, $content);
        $paused->resume();
        $loop->run();
        same(['🦊🦊🦊', 'cancelled'], [$content, $status]);
        $waiting->cancel(); // These do nothing.
        $paused->pause();
    }

    public function loopReportsAnExceptionOfACallback(): void
    {
        $loop = new Loop($this->client);
        $kinds = [];
        $loop->start(hello(SLOW), function (Event $event) use (&$kinds): void {
            $kinds[] = $event->kind;
            if ($event->kind === 'content') {
                throw new DomainException('too much');
            }
        });
        same('too much', failure(fn() => $loop->run(), DomainException::class)->getMessage());
        $loop->run();
        same(['content', 'done'], array_slice($kinds, -2));
    }

    public function loopIsClosedByItsLastReference(): void
    {
        $before = sockets();
        $loop = new Loop($this->client);
        [$status, $refused] = [null, null];
        $weak = WeakReference::create($loop);
        $loop->start(hello(SLOW), function (Event $event) use ($weak, &$status, &$refused): void {
            match ($event->kind) {
                'content' => $refused = failure(fn() => $weak->get()->close())->status,
                'done' => $status = $event->reply->status(),
                default => null,
            };
        });
        while ($refused === null) {
            $loop->poll(1);
        }
        same(['misuse', null], [$refused, $status]);
        unset($loop);
        same('cancelled', $status);
        assert(sockets() <= $before);
    }

    /** A web server may allow FFI only in preloaded files. */
    public function preloading(): void
    {
        $program = tempnam(sys_get_temp_dir(), 'thinkwire');
        file_put_contents($program, '<?php print Thinkwire\Library::version();');
        $command = [
            PHP_BINARY, '-d', 'ffi.enable=preload', '-d', 'opcache.enable_cli=1',
            '-d', 'opcache.preload=' . realpath(__DIR__ . '/../thinkwire.php'),
            '-d', 'opcache.preload_user=' . posix_getpwuid(posix_geteuid())['name'],
            '-S', '127.0.0.1:0', $program,
        ];
        $server = proc_open($command, [2 => ['pipe', 'w']], $pipes);
        try {
            do {
                $line = fgets($pipes[2]);
                assert($line !== false);
            } while (!preg_match('/\((http:\S+)\) started/', $line, $url));
            same(Library::version(), file_get_contents($url[1]));
        } finally {
            proc_terminate($server);
            unlink($program);
        }
    }
}

$failed = 0;
$methods = array_diff(get_class_methods(Tests::class), ['__construct']);
foreach ($methods as $method) {
    try {
        (new Tests(new Client()))->$method();
    } catch (Throwable $failure) {
        $failed++;
        print "$method: $failure\n";
    }
}
print count($methods) . " tests, $failed failed\n";
exit($failed === 0 ? 0 : 1);
