package Thinkwire::Stream;
# An exchange in progress: an iterator over its events.
use v5.36;
use parent 'Thinkwire::Handle';

use POSIX ();
use Thinkwire::Event;
use Thinkwire::Library;
use Thinkwire::Reply;
use Time::HiRes ();
use overload '<>' => sub ($self, @) { return $self->next }, fallback => 1;

# A wait ends after this time, so that Perl can handle signals.
use constant SLICE_MS => 100;

my ($EVENT, $END) = map { Thinkwire::Library::constant("TW_NEXT_$_") } qw(EVENT END);

sub _new ($class, $chat) { return $class->_wrap($chat, 'tw_chat_close') }

# Waits for the next event; undef at the end, 0 if none is received in `timeout` seconds.
#
# Dies with a Thinkwire::Error if the exchange does not end with "ok".
sub next ($self, $timeout = undef) {
    my $deadline = defined $timeout ? _now() + $timeout : undef;
    while (1) {
        my $wait = SLICE_MS;
        if (defined $deadline) {
            my $left = POSIX::ceil(($deadline - _now()) * 1000);
            $wait = $left < 0 ? 0 : $left if $left < $wait;
        }
        my $next = Thinkwire::Library::tw_chat_next($self->pointer, \my $event, $wait);
        return Thinkwire::Event->_read($event) if $next == $EVENT;
        last if $next == $END;
        return 0 if defined $deadline && _now() >= $deadline;
    }
    $self->reply->or_die;
    return undef;
}

# Reads all events. Returns the reply; dies unless its status is "ok".
sub finish ($self) {
    while ($self->next) { }
    return $self->reply;
}

# Cancels the exchange, for example in a signal handler. `next` then dies.
sub cancel ($self) {
    Thinkwire::Library::tw_chat_cancel($self->{pointer});
    return;
}

# Ends the exchange, if it has not ended, and returns its reply.
sub reply ($self) {
    $self->close;
    return $self->{reply};
}

# Ends the exchange. Its reply remains available.
sub close ($self) {
    my $chat = delete $self->{pointer};
    $self->{reply} = Thinkwire::Reply->_new(Thinkwire::Library::tw_chat_close($chat))
        if defined $chat;
    return;
}

sub _now { return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }

1;
