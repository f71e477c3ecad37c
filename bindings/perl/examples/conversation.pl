#!/usr/bin/perl
# Reasoning and answer, a tool, cancellation and an error.
use v5.36;
use open qw(:std :encoding(UTF-8));

use Thinkwire;

my $model = $ENV{THINKWIRE_MODEL} // 'alibaba/qwen3-32b';
my $city = {
    type => 'object',
    properties => { city => { type => 'string' } },
    required => ['city'],
};
my $client = Thinkwire::Client->new(timeout => 60);
$| = 1;

sub print_stream ($request) {
    my $stream = $client->stream($request);
    while (my $event = <$stream>) {
        print STDERR $event->text if $event->kind eq 'reasoning';
        print $event->text if $event->kind eq 'content';
    }
    print "\n";
    return $stream->reply;
}

print_stream(Thinkwire::Request->new($model, 'Hello')->thinking('on'));

my $request = Thinkwire::Request->new($model, 'How warm is it in Paris?');
$request->add_tool('temperature', 'The current temperature of a city', $city);
my $reply = print_stream($request);
while (my @calls = $reply->tool_calls) {
    $request->add_reply($reply);
    for my $call (@calls) {
        my $arguments = $call->parsed_arguments;
        $request->add_tool_result($call, "18 degrees in $arguments->{city}");
    }
    $reply = print_stream($request);
}

my $stream = $client->stream(Thinkwire::Request->new($model, 'Count to a hundred'));
while (my $event = <$stream>) {
    next if $event->kind ne 'content';
    print $event->text;
    last;
}
$stream->close; # This cancels the exchange.
say ' [cancelled]';

eval { $client->complete(Thinkwire::Request->new('no/such-model', 'Hello')) };
if (my $error = $@) {
    say $error->status, ': ', $error->message;
}
