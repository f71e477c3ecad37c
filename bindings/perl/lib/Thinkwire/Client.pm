package Thinkwire::Client;
# An endpoint and its connections.
#
# What is not given is read from the environment: see thinkwire.h.
use v5.36;
use parent 'Thinkwire::Handle';

use Carp ();
use Thinkwire::Library;
use Thinkwire::Stream;

my $text = sub ($function) {
    return sub ($options, $value) {
        Thinkwire::Library::call($function, $options, Thinkwire::Library::argument($value));
    };
};
my $timeout = sub ($name) {
    return sub ($options, $seconds) {
        my $milliseconds = sprintf '%.0f', $seconds * 1000;
        my $which = Thinkwire::Library::constant("TW_TIMEOUT_$name");
        Thinkwire::Library::tw_options_set_timeout($options, $which, $milliseconds);
    };
};
my $enumeration = sub ($function, $prefix) {
    return sub ($options, $name) {
        my $value = Thinkwire::Library::constant($prefix . uc $name =~ tr/./_/r);
        Thinkwire::Library::call($function, $options, $value);
    };
};
my $limit = sub ($name) {
    return sub ($options, $bytes) {
        my $which = Thinkwire::Library::constant("TW_LIMIT_$name");
        Thinkwire::Library::tw_options_set_limit($options, $which, $bytes);
    };
};
my $flag = sub ($function) {
    return sub ($options, $yes) { Thinkwire::Library::call($function, $options, $yes ? 1 : 0) };
};
# Functions that set an option. The options record a failure; creating the client reports it.
my %SETTINGS = (
    (map { $_ => $text->("tw_options_set_$_") }
        qw(base_url api_key proxy no_proxy ca_file ca_directory reasoning_replay)),
    cleartext => $text->('tw_options_allow_cleartext'),
    timeout => $timeout->('TOTAL'),
    (map { lc . '_timeout' => $timeout->($_) } qw(CONNECT FIRST_BYTE IDLE)),
    retries => \&Thinkwire::Library::tw_options_set_retries,
    (map { lc . '_limit' => $limit->($_) } qw(EVENT REPLY HEADERS)),
    (map { $_ => $flag->("tw_options_set_$_") } qw(comments_keep_alive require_finish)),
    dialect => $enumeration->('tw_options_set_dialect', 'TW_DIALECT_'),
    http_version => $enumeration->('tw_options_set_http_version', 'TW_HTTP_'),
    reasoning_tags => sub ($options, $tags) {
        my @pair = map { Thinkwire::Library::argument($_) } @$tags;
        Thinkwire::Library::tw_options_set_reasoning_tags($options, @pair);
    },
    headers => sub ($options, $headers) {
        for my $name (sort keys %$headers) {
            my @pair = map { Thinkwire::Library::argument($_) } $name, $headers->{$name};
            Thinkwire::Library::tw_options_set_header($options, @pair);
        }
    },
);

# Settings: the keys of %SETTINGS. Timeouts are in seconds, limits in bytes. `headers` is a
# reference to a hash, `reasoning_tags` to an array of two texts; `http_version` is "1.1" or "2".
sub new ($class, %settings) {
    my $options = Thinkwire::Library::tw_options_create();
    my ($client, $status);
    my $created = eval {
        for my $name (sort keys %settings) {
            my $set = $SETTINGS{$name} // Carp::croak("unknown setting: $name");
            $set->($options, $settings{$name});
        }
        $status = Thinkwire::Library::tw_client_create($options, \$client);
        1;
    };
    my $failure = $@;
    Thinkwire::Library::tw_options_destroy($options);
    die $failure unless $created;
    Thinkwire::Error->check($status);
    return $class->_wrap($client, 'tw_client_destroy');
}

# Begins a streamed exchange. It is sent when the first event is requested.
sub stream ($self, $request) {
    my $chat = Thinkwire::Library::tw_chat_open($self->pointer, $request->pointer);
    return Thinkwire::Stream->_new($chat);
}

# Sends a request and waits for the complete reply. Dies unless it ends with "ok".
sub complete ($self, $request) {
    my $chat = Thinkwire::Library::tw_chat_open_unstreamed($self->pointer, $request->pointer);
    return Thinkwire::Stream->_new($chat)->finish;
}

# The ids of the models that the endpoint offers.
sub models ($self) {
    my $chat = Thinkwire::Library::tw_models_open($self->pointer);
    return Thinkwire::Stream->_new($chat)->finish->models;
}

# Cancels every exchange of the client that has begun.
sub cancel ($self) { return Thinkwire::Library::tw_client_cancel($self->pointer) }

1;
