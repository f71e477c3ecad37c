# Tests of the binding against the thinkwire-mock of THINKWIRE_BASE_URL.
use v5.36;
use utf8;
use threads;

use File::Basename qw(dirname);
use JSON::PP ();
use Test::More;
use Thinkwire;
use Time::HiRes qw(ualarm);

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

$SIG{__WARN__} = sub ($warning) { fail("no warning: $warning") };

my $ROOT = dirname(__FILE__) . '/../../..';
my $FOX = 'mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A';
my $SLOW = 'mock/synthetic#chunks=1000,pace=50';
my $WAITING = 'mock/synthetic#delay=60000';
my $client = Thinkwire::Client->new;

sub hello ($model) { return Thinkwire::Request->new($model, 'Hello') }

sub slurp ($path) {
    open my $file, '<', $path or die "$path: $!";
    local $/ = undef;
    return scalar <$file>;
}

# The number of sockets of this process.
sub sockets { return scalar grep { (readlink // '') =~ /^socket:/ } glob '/proc/self/fd/*' }

# The memory of this process in KiB.
sub resident { return slurp('/proc/self/status') =~ /VmRSS:\s*(\d+)/ ? $1 : die }

# The Thinkwire::Error with which the function dies.
sub failure ($function) {
    ok(!eval { $function->(); 1 }, 'it dies');
    isa_ok($@, 'Thinkwire::Error') or diag($@);
    return $@;
}

my %tests;

$tests{every_declared_function_exists} = sub {
    my $header = slurp("$ROOT/include/thinkwire.h");
    my @declared = $header =~ /^TW_API .*?\b(tw_\w+)\(/mg;
    cmp_ok(scalar @declared, '>', 100);
    is_deeply([sort(Thinkwire::Library::functions())], [sort @declared]);
    ok(Thinkwire::Library->can($_)) for @declared;
    my ($version) = $header =~ /TW_VERSION "(.*)"/;
    is(Thinkwire::version(), $version);
};

$tests{layout_of_structs} = sub {
    my %expected = map { split } qx($ROOT/Tests/bindings/layout.py);
    my @structs = grep { !/\./ } keys %expected;
    cmp_ok(scalar @structs, '>', 3);
    for my $struct (@structs) {
        my $template = '';
        for my $field (Thinkwire::Library::layout($struct)) {
            my ($alignment, $value) = split / /, $field->[1];
            my $offset = length pack "$template $alignment", (0) x 99;
            is($offset, $expected{"$struct.$field->[0]"}, "$struct.$field->[0]");
            $template .= " $field->[1]";
        }
        is(length pack("$template x!8", (0) x 99), $expected{$struct}, $struct);
    }
};

$tests{reasoning_and_answer_are_separate_and_characters_whole} = sub {
    my %texts;
    my $stream = $client->stream(hello("$FOX,write=1"));
    while (my $event = <$stream>) { push $texts{$event->kind}->@*, $event->text }
    is_deeply($texts{content}, ['🦊', '🦊', '🦊']);
    is_deeply($texts{reasoning}, ['🦊', '🦊']);
    is_deeply($texts{finish}, ['stop']);
};

$tests{reply} = sub {
    my $reply = $client->stream(hello('alibaba/qwen3-32b')->thinking('on'))->finish;
    like($reply->content, qr/\AHello!/);
    like($reply->reasoning, qr/\A\s*Okay/);
    is($reply->usage->total_tokens, 2023);
    is($reply->usage->cached_tokens, undef);
    cmp_ok($reply->timing->{total}, '>', 0);
    is($reply->get('/choices/0/message/role'), 'assistant');
    is($reply->get('/nothing'), undef);
    like($reply->header('Content-Type'), qr/event-stream/);
    is($reply->header('X-None'), undef);
    is_deeply(
        [$reply->status, $reply->attempts, $reply->http_status, $reply->finish_reason],
        ['ok', 1, 200, 'stop'],
    );
};

$tests{text_is_sent_unchanged} = sub {
    my $text = "🦊 \0 é \x{E9} \"quoted\"\n";
    my $request = Thinkwire::Request->new('mock/echo', $text, temperature => 0.5);
    my $json = $client->complete($request->set(user => 'bob')->set(logprobs => \1))->content;
    my $body = JSON::PP->new->decode($json);
    is_deeply($body->{messages}, [{ role => 'user', content => $text }]);
    is($body->{user}, 'bob');
    like($request->json, qr/"temperature":0\.5/);
    like($request->json, qr/"logprobs":true/);
};

$tests{text_with_nul_is_received_whole} = sub {
    my $stream = $client->stream(hello('mock/synthetic#chunks=1,text=a%00b'));
    is(join('', map { $_->kind eq 'content' ? $_->text : () } $stream->next), "a\0b");
    is($stream->finish->content, "a\0b");
};

$tests{tools} = sub {
    my $parameters = { type => 'object', properties => { city => { type => 'string' } } };
    my $request = hello('mock/tools')->add_tool('weather', 'The weather 🌦', $parameters);
    my $stream = $client->stream($request);
    my %names;
    while (my $event = $stream->next) {
        $names{$event->tool_id} = $event->tool_name if $event->kind eq 'tool_call';
    }
    my ($call) = $stream->reply->tool_calls;
    is_deeply(\%names, { $call->id => 'weather' });
    ok($call->parsed_arguments->{city});
    $request->add_reply($stream->reply)->add_tool_result($call, 'sunny 🌞');
    like($client->complete($request)->content, qr/sunny 🌞/);
};

$tests{error_has_status_message_and_reply} = sub {
    my $client = Thinkwire::Client->new(retries => 0, timeout => 30, headers => { 'X-A' => 'b' });
    my $error = failure(sub { $client->complete(hello('mock/echo#status=429')) });
    is($error->status, 'rate_limited');
    like($error->message, qr/429/);
    is($error->reply->http_status, 429);
    like("$error", qr/429.* at \S+thinkwire\.t line \d+\.$/s);
};

$tests{received_text_of_a_truncated_answer} = sub {
    my $error = failure(sub { $client->stream(hello("$FOX,cut=900"))->finish });
    is($error->status, 'truncated');
    like($error->reply->reasoning, qr/🦊/);
};

$tests{invalid_arguments} = sub {
    is(failure(sub { Thinkwire::Client->new(base_url => 'ftp://x') })->status, 'invalid');
    my $request = hello('mock/echo');
    like(failure(sub { $request->add_tool('', '') })->message, qr/a tool's name/);
    is($client->complete($request)->status, 'ok');
    failure(sub { hello('') });
    ok(!eval { hello("a\0b"); 1 });
    like($@, qr/contains a NUL at \S+thinkwire\.t/);
    ok(!eval { $request->thinking('so so'); 1 });
    like($@, qr/no TW_THINKING_SO SO at \S+thinkwire\.t/);
    ok(!eval { Thinkwire::Client->new(no_such => 1); 1 });
    like($@, qr/unknown setting: no_such at \S+thinkwire\.t/);
    $request->close;
    is(failure(sub { $client->complete($request) })->status, 'misuse');
};

$tests{signal_cancels_a_wait} = sub {
    my $stream = $client->stream(hello($WAITING));
    local $SIG{ALRM} = sub { $stream->cancel };
    ualarm(50_000);
    is(failure(sub { $stream->finish })->status, 'cancelled');
};

$tests{dying_in_a_signal_handler_ends_a_wait} = sub {
    my $stream = $client->stream(hello($WAITING));
    local $SIG{ALRM} = sub { die "too slow\n" };
    ualarm(50_000);
    ok(!eval { $stream->finish; 1 });
    is($@, "too slow\n");
};

$tests{leaving_the_scope_of_a_stream_cancels} = sub {
    my $during;
    {
        my $stream = $client->stream(hello($SLOW));
        while (my $event = <$stream>) { last if $event->kind eq 'content' }
        $during = sockets();
    }
    cmp_ok(sockets(), '<', $during);
    is($client->complete(hello($FOX))->content, '🦊🦊🦊');
};

$tests{next_returns_after_its_timeout} = sub {
    my $stream = $client->stream(hello($WAITING));
    is($stream->next(0), 0);
    is($stream->next(0.01), 0);
    is($stream->reply->status, 'cancelled');
    failure(sub { $stream->next });
};

$tests{retry_event} = sub {
    my $model = 'mock/echo#status=503,tries=1,key=perl,header=retry-after-ms:1';
    my $event = Thinkwire::Client->new(retries => 1)->stream(hello($model))->next;
    is_deeply([map { $event->$_ } qw(kind attempt status wait_ms)], ['retry', 2, 'server', 1]);
};

$tests{settings} = sub {
    my $client = Thinkwire::Client->new(
        dialect => 'reasoning_effort', cleartext => 'example.com', http_version => '1.1',
        reasoning_tags => ['<a>', '</a>'], require_finish => 1, comments_keep_alive => 0,
        event_limit => 5000, reply_limit => 5000, headers_limit => 5000,
    );
    my $reply = $client->complete(hello('mock/echo')->thinking('high'));
    like($reply->content, qr/"reasoning_effort":"high"/);
    my $model = 'mock/synthetic#chunks=1,text=%3Ca%3EHm%3C/a%3EHi';
    $reply = $client->stream(hello($model))->finish;
    is_deeply([$reply->reasoning, $reply->content], ['Hm', 'Hi']);
    my $large = hello('mock/synthetic#chunks=1,size=10000');
    is(failure(sub { $client->complete($large) })->status, 'limit');
    failure(sub { Thinkwire::Client->new(reply_limit => -1) });
};

$tests{models} = sub { ok(grep { $_ eq 'alibaba/qwen3-32b' } $client->models) };

$tests{abandoned_objects_are_released} = sub {
    my $before = sockets();
    for (1 .. 10) {
        my $stream = Thinkwire::Client->new->stream(hello($SLOW));
        $stream->next;
    }
    is(sockets(), $before);
};

$tests{replies_are_released} = sub {
    my $run = sub { $client->stream(hello('mock/synthetic#chunks=16,size=65536'))->finish };
    $run->() for 1 .. 5;
    my $before = resident();
    $run->() for 1 .. 30;
    cmp_ok(resident() - $before, '<', 16_384, '30 replies of 1 MiB');
};

# Waits for events of the loop as an event loop does, until no exchange is active.
sub run ($loop) {
    while ($loop->active) {
        vec(my $readable = '', $loop->fd, 1) = 1;
        select $readable, undef, undef, 10 or die 'no event';
        $loop->poll(0);
    }
    return;
}

$tests{loop_runs_many_exchanges_at_once} = sub {
    my $loop = Thinkwire::Loop->new($client);
    my (%texts, %replies);
    for my $number (1 .. 5) {
        $loop->start(hello("mock/synthetic#chunks=5,text=$number"), sub ($event) {
            $texts{$number} .= $event->text if $event->kind eq 'content';
            $replies{$number} = $event->reply if $event->kind eq 'done';
        });
    }
    is($loop->active, 5);
    run($loop);
    is_deeply(\%texts, { map { $_ => $_ x 5 } 1 .. 5 });
    is_deeply([map { $_->or_die->content } @replies{1 .. 5}], [map { $_ x 5 } 1 .. 5]);
};

$tests{loop_pauses_and_cancels} = sub {
    my $loop = Thinkwire::Loop->new($client);
    my ($waiting, $status, $content);
    my $paused = $loop->start(hello($FOX), sub ($event) {
        $content = $event->reply->content if $event->kind eq 'done';
        $waiting->cancel if $event->kind eq 'done';
    });
    $paused->pause;
    $waiting = $loop->start(hello($WAITING), sub ($event) { $status = $event->reply->status });
    $loop->poll(0.02);
    is($content, undef);
    $paused->resume;
    run($loop);
    is_deeply([$content, $status], ['🦊🦊🦊', 'cancelled']);
    $waiting->cancel; # These do nothing.
    $paused->pause;
};

$tests{loop_reports_an_error_of_a_callback} = sub {
    my $loop = Thinkwire::Loop->new($client);
    my @kinds;
    $loop->start(hello($SLOW), sub ($event) {
        push @kinds, $event->kind;
        die "too much\n" if $event->kind eq 'content';
    });
    ok(!eval { run($loop); 1 });
    is($@, "too much\n");
    run($loop);
    is_deeply([@kinds[-2, -1]], ['content', 'done']);
};

$tests{loop_is_closed_by_its_last_reference} = sub {
    my $before = sockets();
    my $loop = Thinkwire::Loop->new($client);
    my ($status, $failure);
    $loop->start(hello($SLOW), sub ($event) {
        eval { $loop->close } if $event->kind eq 'content';
        $failure //= $@ if $@;
        $status = $event->reply->status if $event->kind eq 'done';
    });
    $loop->poll(1) until $failure;
    is($failure->status, 'misuse');
    is($status, undef);
    $loop->close;
    is($status, 'cancelled');
    cmp_ok(sockets(), '<=', $before);

    $loop = Thinkwire::Loop->new($client);
    my $count = 0;
    $loop->start(hello($SLOW), sub ($event) { $count++ });
    $loop->poll(1);
    undef $loop;
    cmp_ok($count, '>', 1);
    cmp_ok(sockets(), '<=', $before);
};

$tests{threads_do_not_share_objects} = sub {
    my $stream = $client->stream(hello($FOX));
    my $answer = threads->create(sub {
        my $own = Thinkwire::Client->new;
        return join ' ', ref $stream, ref $client, $own->complete(hello($FOX))->content;
    })->join;
    is($answer, 'SCALAR SCALAR 🦊🦊🦊');
    is($stream->finish->content, '🦊🦊🦊');
};

subtest($_ => $tests{$_}) for sort keys %tests;
done_testing();
