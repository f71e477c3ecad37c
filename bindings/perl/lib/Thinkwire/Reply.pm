package Thinkwire::Reply;
# The result of an exchange.
use v5.36;
use parent 'Thinkwire::Handle';

use Thinkwire::Library;
use Thinkwire::ToolCall;
use Thinkwire::Usage;

sub _new ($class, $pointer) { return $class->_wrap($pointer, 'tw_reply_destroy') }

# The tw_status, such as "ok" or "rate_limited".
sub status ($self) { return Thinkwire::Library::status_name($self->_call('tw_reply_status')) }
sub is_ok ($self) { return $self->status eq 'ok' }

# Returns the reply, or dies with a Thinkwire::Error that holds it.
sub or_die ($self) {
    Thinkwire::Error->throw($self->status, $self->message, $self) unless $self->is_ok;
    return $self;
}

# What happened and what to do; "" for "ok".
sub message ($self) { return Thinkwire::Library::string('tw_reply_message', $self->pointer) }
sub attempts ($self) { return $self->_call('tw_reply_attempts') }
# 0 if there was no response.
sub http_status ($self) { return $self->_call('tw_reply_http_status') }
sub reasoning ($self) { return $self->_text('tw_reply_reasoning') }
sub content ($self) { return $self->_text('tw_reply_content') }
sub refusal ($self) { return $self->_text('tw_reply_refusal') }

sub finish_reason ($self) {
    return Thinkwire::Library::string('tw_reply_finish_reason', $self->pointer);
}

sub request_id ($self) { return Thinkwire::Library::string('tw_reply_request_id', $self->pointer) }
sub usage ($self) { return Thinkwire::Usage->_read($self->_call('tw_reply_usage')) }

# The complete answer as JSON text, or the provider's error.
sub json ($self) { return $self->_text('tw_reply_json') }

# A value of that document, by a JSON pointer such as "/choices/0/message/content".
sub get ($self, $pointer) {
    return $self->_text('tw_reply_get', Thinkwire::Library::argument($pointer));
}

# The value of a response header; undef if absent.
sub header ($self, $name) {
    my $argument = Thinkwire::Library::argument($name);
    return Thinkwire::Library::string('tw_reply_header', $self->pointer, $argument);
}

# The times of the exchange in seconds, by their names; undef for what did not happen.
sub timing ($self) {
    my $fields = Thinkwire::Library::fields('tw_timing', $self->_call('tw_reply_timing'));
    my %times = map { s/_us$//r => $fields->{$_} < 0 ? undef : $fields->{$_} / 1e6 }
        grep { /_us$/ } keys %$fields;
    return \%times;
}

sub tool_calls ($self) {
    my $last = $self->_call('tw_reply_tool_call_count') - 1;
    return map { Thinkwire::ToolCall->_read($self->_call('tw_reply_tool_call', $_)) } 0 .. $last;
}

# The ids of a list of models.
sub models ($self) {
    my $last = $self->_call('tw_reply_model_count') - 1;
    return map { Thinkwire::Library::string('tw_reply_model', $self->pointer, $_) } 0 .. $last;
}

sub _call ($self, $function, @arguments) {
    return Thinkwire::Library::call($function, $self->pointer, @arguments);
}

sub _text ($self, $function, @arguments) {
    return Thinkwire::Library::text($function, $self->pointer, @arguments);
}

1;
