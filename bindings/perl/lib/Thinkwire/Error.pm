package Thinkwire::Error;
# A failed call, or an exchange that did not end with "ok".
use v5.36;

use Carp ();
use Thinkwire::Library;
use overload '""' => sub ($self, @) { return $self->{text} }, fallback => 1;

# Messages name the line of the program, not of this package.
$Carp::Internal{"Thinkwire$_"}++ for '', map { "::$_" } qw(Client Error Exchange Handle Library
    Loop Reply Request Stream);

sub throw ($class, $status, $message, $reply = undef) {
    my $text = Carp::shortmess($message);
    die bless { status => $status, message => $message, reply => $reply, text => $text }, $class;
}

# Throws the error of the last failed call unless the status is TW_OK.
sub check ($class, $status) {
    return if $status == Thinkwire::Library::constant('TW_OK');
    my $message = Thinkwire::Library::string('tw_last_error');
    $class->throw(Thinkwire::Library::status_name($status), $message);
}

# The tw_status, such as "rate_limited".
sub status ($self) { return $self->{status} }
sub message ($self) { return $self->{message} }
# What was received nevertheless; undef if no exchange began.
sub reply ($self) { return $self->{reply} }

1;
