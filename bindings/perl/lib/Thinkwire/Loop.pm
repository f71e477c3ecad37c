package Thinkwire::Loop;
# Many exchanges of a client on one thread, in any event loop that watches descriptors.
use v5.36;
use parent 'Thinkwire::Handle';

use Scalar::Util ();
use Thinkwire::Event;
use Thinkwire::Exchange;
use Thinkwire::Library;

sub new ($class, $client) {
    my $pointer = Thinkwire::Library::tw_loop_create($client->pointer);
    Thinkwire::Error->check(Thinkwire::Library::constant('TW_INVALID')) unless defined $pointer;
    my $self = $class->_wrap($pointer, 'tw_loop_destroy');
    $self->{exchanges} = {};
    Scalar::Util::weaken(my $loop = $self);
    ($self->{closure}, $self->{function}) = Thinkwire::Library::callback(
        '(opaque,opaque)->int',
        sub ($id, $event) { return $loop->_receive($id, $event) },
    );
    return $self;
}

# Starts a streamed exchange, whose events `on_event` receives in `poll`; the last one is "done".
#
# If `on_event` dies, the exchange is cancelled, and `poll` dies with the first such error.
sub start ($self, $request, $on_event) {
    my $id = ++$self->{last_id};
    my @arguments = ($request->pointer, $self->{function}, $id);
    my $chat = Thinkwire::Library::tw_loop_start($self->pointer, @arguments)
        // Thinkwire::Error->check(Thinkwire::Library::constant('TW_MISUSE'));
    my $exchange = Thinkwire::Exchange->_new($chat);
    $self->{exchanges}{$id} = { exchange => $exchange, on_event => $on_event };
    return $exchange;
}

# Delivers the events of what is ready. It waits for `timeout` seconds; without it, until an event.
#
# Returns the number of events. Signals are handled after the wait.
sub poll ($self, $timeout = undef) {
    my $milliseconds = defined $timeout ? sprintf('%.0f', $timeout * 1000) : -1;
    local $self->{polling} = 1;
    my $count = Thinkwire::Library::tw_loop_poll($self->pointer, $milliseconds);
    my $error = delete $self->{error};
    die $error if defined $error;
    Thinkwire::Error->check(-$count) if $count < 0;
    return $count;
}

# Cancels every exchange, delivers "done" for each, and destroys the loop.
sub close ($self) {
    Thinkwire::Error->throw('misuse', 'a callback cannot close its loop') if $self->{polling};
    return $self->SUPER::close;
}

# A descriptor that is readable whenever `poll` has work. It must not be read or closed.
sub fd ($self) { return Thinkwire::Library::tw_loop_fd($self->pointer) }

# The number of exchanges that have not ended.
sub active ($self) { return Thinkwire::Library::tw_loop_active($self->pointer) }

sub _receive ($self, $id, $address) {
    my ($exchange, $on_event) = $self->{exchanges}{$id}->@{qw(exchange on_event)};
    my $event = Thinkwire::Event->_read($address);
    my $done = eval { $on_event->($event); 1 };
    # A callback of C must not die.
    $self->{error} //= $@ unless $done;
    if ($event->kind eq 'done') {
        $exchange->_end;
        delete $self->{exchanges}{$id};
    }
    return $done ? 0 : 1;
}

1;
