package Thinkwire::Event;
# A piece of an answer: its fields are the methods below.
use v5.36;

use Thinkwire::Library;
use Thinkwire::Reply;
use Thinkwire::Usage;

my $KINDS = Thinkwire::Library::names('TW_EVENT');

sub _read ($class, $event) {
    my $kind = $KINDS->{Thinkwire::Library::tw_event_get_kind($event)};
    my %fields = (
        kind => $kind,
        text => Thinkwire::Library::text('tw_event_get_text', $event),
        choice => Thinkwire::Library::tw_event_get_choice($event),
    );
    if ($kind eq 'tool_call') {
        $fields{tool_index} = Thinkwire::Library::tw_event_get_tool_index($event);
        $fields{$_} = Thinkwire::Library::string("tw_event_get_$_", $event)
            for qw(tool_id tool_name);
    } elsif ($kind eq 'usage') {
        my $usage = Thinkwire::Library::tw_event_get_usage($event);
        $fields{usage} = Thinkwire::Usage->_read($usage);
    } elsif ($kind eq 'retry') {
        my $status = Thinkwire::Library::tw_event_get_status($event);
        $fields{status} = Thinkwire::Library::status_name($status);
        $fields{$_} = Thinkwire::Library::call("tw_event_get_$_", $event) for qw(attempt wait_ms);
    } elsif ($kind eq 'done') {
        my $reply = Thinkwire::Library::tw_event_get_reply($event);
        $fields{reply} = Thinkwire::Reply->_new(Thinkwire::Library::tw_reply_retain($reply));
    }
    return bless \%fields, $class;
}

# "reasoning", "content", "tool_call", …: see tw_event_kind.
sub kind ($self) { return $self->{kind} }
sub text ($self) { return $self->{text} }
sub choice ($self) { return $self->{choice} }

# For "tool_call".
sub tool_index ($self) { return $self->{tool_index} }
sub tool_id ($self) { return $self->{tool_id} }
sub tool_name ($self) { return $self->{tool_name} }

# For "usage".
sub usage ($self) { return $self->{usage} }

# For "retry": the number of the next attempt, why the last one failed, and the time between.
sub attempt ($self) { return $self->{attempt} }
sub status ($self) { return $self->{status} }
sub wait_ms ($self) { return $self->{wait_ms} }

# For "done", the last event of an exchange of a loop.
sub reply ($self) { return $self->{reply} }

1;
