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
# Functions that set an option. The options record a failure; creating the client reports it.
my %SETTINGS = (
    (map { $_ => $text->("tw_options_set_$_") }
        qw(base_url api_key proxy no_proxy ca_file ca_directory reasoning_replay)),
    cleartext => $text->('tw_options_allow_cleartext'),
    timeout => $timeout->('TOTAL'),
    (map { lc . '_timeout' => $timeout->($_) } qw(CONNECT FIRST_BYTE IDLE)),
    retries => \&Thinkwire::Library::tw_options_set_retries,
    dialect => sub ($options, $name) {
        my $dialect = Thinkwire::Library::constant('TW_DIALECT_' . uc $name);
        Thinkwire::Library::tw_options_set_dialect($options, $dialect);
    },
    headers => sub ($options, $headers) {
        for my $name (sort keys %$headers) {
            my @pair = map { Thinkwire::Library::argument($_) } $name, $headers->{$name};
            Thinkwire::Library::tw_options_set_header($options, @pair);
        }
    },
);

# Settings: the keys of %SETTINGS. Timeouts are in seconds, `headers` is a reference to a hash.
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
