package Thinkwire::Request;
# A conversation and its settings. It can be changed and sent any number of times.
use v5.36;
use parent 'Thinkwire::Handle';

use JSON::PP ();
use Thinkwire::Library;

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;

# `fields` are fields of the API, such as `temperature => 0.5`.
sub new ($class, $model, $text = undef, %fields) {
    my $pointer = Thinkwire::Library::tw_request_create(Thinkwire::Library::argument($model));
    Thinkwire::Error->check(Thinkwire::Library::constant('TW_INVALID')) unless defined $pointer;
    my $self = $class->_wrap($pointer, 'tw_request_destroy');
    $self->set($_, $fields{$_}) for sort keys %fields;
    $self->add(user => $text) if defined $text;
    return $self;
}

# Adds a message. `content` is a text, or a reference to an array of parts as in the API.
sub add ($self, $role, $content, %members) {
    my $json = $JSON->encode({ %members, role => $role, content => $content });
    return $self->_call('tw_request_add_message_json', $json, length $json);
}

# Adds the assistant's message of a reply, with its tool calls and its reasoning.
sub add_reply ($self, $reply) { return $self->_call('tw_request_add_reply', $reply->pointer) }

# Adds the result of a tool call.
sub add_tool_result ($self, $call, $content) {
    return $self->add(tool => $content, tool_call_id => $call->{id});
}

# Offers the model a function; `parameters` is the JSON schema of an object.
sub add_tool ($self, $name, $description, $parameters = undef) {
    my @texts = map { Thinkwire::Library::argument($_) } $name, $description;
    my $json = defined $parameters ? $JSON->encode($parameters) : undef;
    return $self->_call('tw_request_add_tool', @texts, $json);
}

# Adds an image file to the last message.
sub add_image ($self, $path, $detail = undef) {
    my @texts = map { Thinkwire::Library::argument($_) } $path, $detail;
    return $self->_call('tw_request_add_image_file', @texts);
}

# Sets a field of the body to a value that can be written as JSON; \1 and \0 are true and false.
sub set ($self, $field, $value) {
    my @texts = (Thinkwire::Library::argument($field), $JSON->encode($value));
    return $self->_call('tw_request_set', @texts);
}

# Switches thinking: "off", "on", "low", "medium", "high", …; `budget` is in tokens.
sub thinking ($self, $mode, $budget = 0) {
    my $value = Thinkwire::Library::constant('TW_THINKING_' . uc $mode);
    return $self->_call('tw_request_set_thinking', $value, $budget);
}

# The body as JSON text.
sub json ($self) { return Thinkwire::Library::text('tw_request_json', $self->pointer) }

sub _call ($self, $function, @arguments) {
    my $status = Thinkwire::Library::call($function, $self->pointer, @arguments);
    # A failure is reported here: it must not make a later exchange fail.
    Thinkwire::Library::tw_request_clear_error($self->pointer)
        if $status != Thinkwire::Library::constant('TW_OK');
    Thinkwire::Error->check($status);
    return $self;
}

1;
