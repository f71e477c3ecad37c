package Thinkwire::Usage;
# Tokens and cost; undef for what the server did not report.
use v5.36;

use Thinkwire::Library;

my @NUMBERS = qw(prompt_tokens completion_tokens total_tokens reasoning_tokens cached_tokens cost);

sub _read ($class, $usage) {
    my %fields = map { $_ => Thinkwire::Library::call("tw_usage_get_$_", $usage) } @NUMBERS;
    $_ = undef for grep { $_ < 0 } values %fields;
    $fields{cost_unit} = Thinkwire::Library::string('tw_usage_get_cost_unit', $usage) || undef;
    return bless \%fields, $class;
}

sub prompt_tokens ($self) { return $self->{prompt_tokens} }
sub completion_tokens ($self) { return $self->{completion_tokens} }
sub total_tokens ($self) { return $self->{total_tokens} }
sub reasoning_tokens ($self) { return $self->{reasoning_tokens} }
sub cached_tokens ($self) { return $self->{cached_tokens} }
sub cost ($self) { return $self->{cost} }
sub cost_unit ($self) { return $self->{cost_unit} }

1;
