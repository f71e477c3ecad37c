package Thinkwire::Handle;
# An object of the library, which is destroyed by `close`, or with its last reference.
use v5.36;

use Thinkwire::Error;
use Thinkwire::Library;

sub _wrap ($class, $pointer, $destroy) {
    return bless { pointer => $pointer, destroy => $destroy }, $class;
}

# The pointer for a call.
sub pointer ($self) {
    return $self->{pointer} // Thinkwire::Error->throw('misuse', 'the object is closed');
}

# Destroys the object. Later calls do nothing.
sub close ($self) {
    my $pointer = delete $self->{pointer};
    Thinkwire::Library::call($self->{destroy}, $pointer) if defined $pointer;
    return;
}

# A new thread would destroy copies of the objects of all others.
sub CLONE_SKIP { return 1 }

sub DESTROY ($self) {
    # When the process ends, the functions may have been destroyed before.
    $self->close if ${^GLOBAL_PHASE} ne 'DESTRUCT';
    return;
}

1;
