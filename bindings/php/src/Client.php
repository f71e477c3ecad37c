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
     * Times are in seconds.
     *
     * @param array<string, string> $headers
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
        ?string $dialect = null,
        ?string $reasoningReplay = null,
        ?string $cleartext = null,
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
            if ($retries !== null) {
                $c->tw_options_set_retries($options, $retries);
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
