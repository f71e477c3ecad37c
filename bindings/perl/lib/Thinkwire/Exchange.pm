package Thinkwire::Exchange;
# An exchange of a loop. After its end, these methods do nothing.
use v5.36;

use Thinkwire::Library;

sub _new ($class, $chat) { return bless { chat => $chat }, $class }
sub _end ($self) { return delete $self->{chat} }

# Cancels the exchange; "done" follows with the status "cancelled".
sub cancel ($self) { return Thinkwire::Library::tw_chat_cancel($self->{chat}) }

# Stops delivering events, and reading from the server, until `resume`.
sub pause ($self) { return $self->_call('tw_chat_pause') }
sub resume ($self) { return $self->_call('tw_chat_resume') }

# A new thread has no access to the loop.
sub CLONE_SKIP { return 1 }

sub _call ($self, $function) {
    my $chat = $self->{chat} // return;
    Thinkwire::Error->check(Thinkwire::Library::call($function, $chat));
    return;
}

1;
