package Thinkwire::ToolCall;
# A tool call that the model requests.
use v5.36;

use JSON::PP ();
use Thinkwire::Library;

sub _read ($class, $pointer) {
    my $call = Thinkwire::Library::fields('tw_tool_call', $pointer);
    $call->{$_} = Thinkwire::Library::string_at($call->{$_}) for qw(id name);
    $call->{arguments} = Thinkwire::Library::text_at($call->@{qw(arguments arguments_len)});
    return bless { $call->%{qw(id name arguments choice index)} }, $class;
}

sub id ($self) { return $self->{id} }
sub name ($self) { return $self->{name} }
sub choice ($self) { return $self->{choice} }
sub index ($self) { return $self->{index} }

# JSON text, which may be invalid.
sub arguments ($self) { return $self->{arguments} }

# The arguments as a reference to a hash. Dies if the model wrote invalid JSON.
sub parsed_arguments ($self) { return JSON::PP->new->decode($self->{arguments}) }

1;
