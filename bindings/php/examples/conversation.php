<?php

// Reasoning and answer, a tool, cancellation and an error.
declare(strict_types=1);

require __DIR__ . '/../thinkwire.php';

use Thinkwire\{Client, Exception, Reply, Request};

$model = getenv('THINKWIRE_MODEL') ?: 'alibaba/qwen3-32b';
$city = [
    'type' => 'object',
    'properties' => ['city' => ['type' => 'string']],
    'required' => ['city'],
];

function printStream(Client $client, Request $request): Reply
{
    $stream = $client->stream($request);
    foreach ($stream as $event) {
        match ($event->kind) {
            'reasoning' => fwrite(STDERR, $event->text),
            'content' => print $event->text,
            default => null,
        };
    }
    print "\n";
    return $stream->reply();
}

$client = new Client(timeout: 60);
printStream($client, (new Request($model, 'Hello'))->thinking('on'));

$request = new Request($model, 'How warm is it in Paris?');
$request->addTool('temperature', 'The current temperature of a city', $city);
while ($calls = ($reply = printStream($client, $request))->toolCalls()) {
    $request->addReply($reply);
    foreach ($calls as $call) {
        $request->addToolResult($call, '18 degrees in ' . $call->parsedArguments()['city']);
    }
}

foreach ($client->stream(new Request($model, 'Count to a hundred')) as $event) {
    if ($event->kind === 'content') {
        print $event->text;
        break; // Leaving the loop cancels the exchange.
    }
}
print " [cancelled]\n";

try {
    $client->complete(new Request('no/such-model', 'Hello'));
} catch (Exception $failure) {
    print "$failure->status: {$failure->getMessage()}\n";
}
