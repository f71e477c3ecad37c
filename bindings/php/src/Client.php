<?php

declare(strict_types=1);

namespace Thinkwire;

/**
 * An endpoint and its connections.
 *
 * What is not given is read from the environment: see thinkwire.h.
 */
final class Client extends Handle
{
    /**
     * Times are in seconds, limits in bytes.
     *
     * @param array<string, string> $headers
     * @param ?string $httpVersion "1.1" or "2"
     * @param ?array{string, string} $reasoningTags the tags around reasoning in the answer
     * @param ?string $dialect the field that switches thinking, such as "reasoning_effort"
     * @param ?string $cleartext a host to which the key may be sent without TLS
     */
    public function __construct(
        ?string $baseUrl = null,
        #[\SensitiveParameter] ?string $apiKey = null,
        ?float $timeout = null,
        ?float $connectTimeout = null,
        ?float $firstByteTimeout = null,
        ?float $idleTimeout = null,
        ?int $retries = null,
        array $headers = [],
        ?string $proxy = null,
        ?string $noProxy = null,
        ?string $caFile = null,
        ?string $caDirectory = null,
        ?string $cleartext = null,
        ?string $httpVersion = null,
        ?string $dialect = null,
        ?array $reasoningTags = null,
        ?string $reasoningReplay = null,
        ?bool $commentsKeepAlive = null,
        ?bool $requireFinish = null,
        ?int $eventLimit = null,
        ?int $replyLimit = null,
        ?int $headersLimit = null,
    ) {
        $texts = [
            'set_base_url' => $baseUrl,
            'set_api_key' => $apiKey,
            'set_proxy' => $proxy,
            'set_no_proxy' => $noProxy,
            'set_ca_file' => $caFile,
            'set_ca_directory' => $caDirectory,
            'set_reasoning_replay' => $reasoningReplay,
            'allow_cleartext' => $cleartext,
        ];
        $timeouts = [
            'TW_TIMEOUT_CONNECT' => $connectTimeout,
            'TW_TIMEOUT_FIRST_BYTE' => $firstByteTimeout,
            'TW_TIMEOUT_IDLE' => $idleTimeout,
            'TW_TIMEOUT_TOTAL' => $timeout,
        ];
        $limits = [
            'TW_LIMIT_EVENT' => $eventLimit,
            'TW_LIMIT_REPLY' => $replyLimit,
            'TW_LIMIT_HEADERS' => $headersLimit,
        ];
        $numbers = [
            'retries' => $retries,
            'comments_keep_alive' => $commentsKeepAlive,
            'require_finish' => $requireFinish,
        ];
        $given = fn(mixed $value): bool => $value !== null;
        $c = Library::c();
        $options = $c->tw_options_create();
        try {
            // The options record a failure; creating the client reports it.
            foreach (array_filter($texts, $given) as $name => $text) {
                $c->{"tw_options_$name"}($options, Library::argument($text));
            }
            foreach (array_filter($timeouts, $given) as $name => $seconds) {
                $c->tw_options_set_timeout($options, $c->$name, (int) round($seconds * 1000));
            }
            foreach ($headers as $name => $value) {
                $pair = [Library::argument((string) $name), Library::argument($value)];
                $c->tw_options_set_header($options, ...$pair);
            }
            foreach (array_filter($limits, $given) as $name => $bytes) {
                $c->tw_options_set_limit($options, $c->$name, $bytes);
            }
            foreach (array_filter($numbers, $given) as $name => $number) {
                $c->{"tw_options_set_$name"}($options, (int) $number);
            }
            if ($httpVersion !== null) {
                $version = Library::value('TW_HTTP', strtr($httpVersion, '.', '_'));
                $c->tw_options_set_http_version($options, $version);
            }
            if ($reasoningTags !== null) {
                $tags = array_map(Library::argument(...), array_values($reasoningTags));
                $c->tw_options_set_reasoning_tags($options, ...$tags);
            }
            if ($dialect !== null) {
                $c->tw_options_set_dialect($options, Library::value('TW_DIALECT', $dialect));
            }
            $client = $c->new('tw_client *');
            Library::check($c->tw_client_create($options, \FFI::addr($client)));
        } finally {
            $c->tw_options_destroy($options);
        }
        parent::__construct($client, 'tw_client_destroy');
    }

    /** Begins a streamed exchange. It is sent when the first event is requested. */
    public function stream(Request $request): Stream
    {
        $chat = Library::c()->tw_chat_open($this->pointer(), $request->pointer());
        return new Stream($chat);
    }

    /** Sends a request and waits for the complete reply. Throws unless it ends with "ok". */
    public function complete(Request $request): Reply
    {
        $chat = Library::c()->tw_chat_open_unstreamed($this->pointer(), $request->pointer());
        return (new Stream($chat))->finish();
    }

    /**
     * The ids of the models that the endpoint offers.
     *
     * @return list<string>
     */
    public function models(): array
    {
        $chat = Library::c()->tw_models_open($this->pointer());
        return (new Stream($chat))->finish()->models();
    }

    /** Cancels every exchange of the client that has begun. */
    public function cancel(): void
    {
        Library::c()->tw_client_cancel($this->pointer());
    }
}
