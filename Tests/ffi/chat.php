<?php
// A streamed exchange with PHP's FFI: chat.php INCLUDEDIR LIBRARY
$tw = FFI::cdef(file_get_contents("$argv[1]/thinkwire.cdef"), $argv[2]);

$client = $tw->new("tw_client *");
if ($tw->tw_client_create(null, FFI::addr($client)) !== $tw->TW_OK) {
    exit($tw->tw_last_error());
}
$request = $tw->tw_request_create("alibaba/qwen3-32b");
$tw->tw_request_add_message($request, "user", "Hello");
$tw->tw_request_set_thinking($request, $tw->TW_THINKING_ON, 0);
$tw->tw_request_set_number($request, "temperature", 0.5);

$chat = $tw->tw_chat_open($client, $request);
$event = $tw->new("const tw_event *");
$length = $tw->new("size_t");
while ($tw->tw_chat_next($chat, FFI::addr($event), -1) === $tw->TW_NEXT_EVENT) {
    $text = $tw->tw_event_get_text($event, FFI::addr($length));
    $kind = $tw->tw_event_get_kind($event);
    if ($kind === $tw->TW_EVENT_REASONING) {
        fwrite(STDERR, $text);
    } elseif ($kind === $tw->TW_EVENT_CONTENT) {
        echo $text;
    }
}
$reply = $tw->tw_chat_close($chat);
if ($tw->tw_reply_status($reply) !== $tw->TW_OK) {
    exit($tw->tw_reply_message($reply));
}
echo "\n", $tw->tw_usage_get_total_tokens($tw->tw_reply_usage($reply)), " tokens\n";
$tw->tw_reply_destroy($reply);
$tw->tw_request_destroy($request);
$tw->tw_client_destroy($client);
