package Thinkwire::Library;
# The functions, enumerations and structs of include/thinkwire.h, as thinkwire.cdef declares them.
#
# thinkwire.cdef is installed with the library. No declaration is repeated here, so each function of
# the installed library exists: Thinkwire::Library::tw_version(), constant('TW_OK').
use v5.36;

use Carp ();
use Encode ();
use FFI::Platypus 2.00;
use FFI::Platypus::Buffer ();

our $ffi = FFI::Platypus->new(api => 2, lib => $ENV{THINKWIRE_LIBRARY} || 'libthinkwire.so.0');

my %TYPES = (void => 'void', size_t => 'size_t', int64_t => 'sint64', double => 'double');
# Templates of unpack for the fields of structs, which have their natural alignment.
my %TEMPLATES = (size_t => 'x!8 J', sint64 => 'x!8 q', double => 'x!8 d', sint32 => 'x!4 l');
my (%constants, %structs, @functions);

# The type of a declaration such as "const char *text". Enumerations are 32-bit integers.
sub type ($declaration) {
    return 'string' if $declaration =~ /\bconst (char|void) \*/;
    return 'opaque*' if $declaration =~ /\*\*/;
    return 'size_t*' if $declaration =~ /\bsize_t \*/;
    return 'sint32*' if $declaration =~ /\btw_status \*/;
    return 'opaque' if $declaration =~ /\*|_fn\b/;
    my ($name) = $declaration =~ /(\w+)/;
    return $TYPES{$name} // 'sint32';
}

# The type of a field: texts and other pointers are numbers.
sub template ($declaration) {
    return $TEMPLATES{size_t} if $declaration =~ /\*/;
    return $TEMPLATES{type($declaration)};
}

# The value of a constant of the header.
sub constant ($name) { return $constants{$name} // Carp::croak("there is no $name") }

# The names of an enumeration by their values: (8 => 'timeout') of "TW_TIMEOUT = 8".
sub names ($prefix) {
    my %names = map { /^${prefix}_(\w+)$/ ? ($constants{$_} => lc $1) : () }
        grep { !/_MAX_ENUM$/ } keys %constants;
    return \%names;
}

# The names of all functions.
sub functions { return @functions }

# The names of the fields of a struct, and templates of unpack for them.
sub layout ($struct) { return $structs{$struct}->@* }

# The fields of a struct, by their names.
sub fields ($struct, $pointer) {
    my @layout = layout($struct);
    my $template = join ' ', map { $_->[1] } @layout;
    my $size = length pack $template, (0) x @layout;
    my $bytes = FFI::Platypus::Buffer::buffer_to_scalar($pointer, $size);
    my %fields;
    @fields{map { $_->[0] } @layout} = unpack $template, $bytes;
    return \%fields;
}

# Bytes in UTF-8 as text. Invalid parts are replaced by U+FFFD.
sub decode ($bytes) { return Encode::decode('UTF-8', $bytes) }

# The text at an address, which is not NULL.
sub text_at ($address, $length) {
    return decode(FFI::Platypus::Buffer::buffer_to_scalar($address, $length));
}

# The text that ends in a NUL at an address; undef for NULL.
sub string_at ($address) {
    my $bytes = $ffi->cast(opaque => 'string', $address || undef);
    return defined $bytes ? decode($bytes) : undef;
}

# The text that a function returns with its length; undef for NULL.
sub text ($function, @arguments) {
    my $address = call($function, @arguments, \my $length);
    return defined $address ? text_at($address, $length) : undef;
}

# The text that a function returns without a length; undef for NULL.
sub string ($function, @arguments) {
    my $bytes = call($function, @arguments);
    return defined $bytes ? decode($bytes) : undef;
}

# Calls a function by its name.
sub call ($function, @arguments) { return __PACKAGE__->can($function)->(@arguments) }

# A function as an object that must be kept, and its address.
sub callback ($type, $function) {
    my $closure = $ffi->closure($function);
    return ($closure, $ffi->cast($type => 'opaque', $closure));
}

# Bytes for a `const char *`. In C a text ends at its first NUL: the rest would be lost.
sub argument ($text) {
    Carp::croak('the text contains a NUL') if defined $text && $text =~ /\0/;
    utf8::encode($text) if defined $text;
    return $text;
}

# The name of a status, such as "rate_limited".
sub status_name ($status) { return lc(tw_status_name($status) =~ s/^TW_//r) }

sub _load ($declarations) {
    while ($declarations =~ /(TW_\w+) = (\w+)/g) {
        my ($name, $value) = ($1, $2);
        $constants{$name} = $constants{$value} // ($value =~ /^0x/i ? hex $value : $value);
    }
    while ($declarations =~ /^typedef struct (\w+) \{(.*?)^\}/msg) {
        my ($struct, $body) = ($1, $2);
        $structs{$struct} = [map { [/(\w+)$/, template($_)] } $body =~ /^ *(.*?);/mg];
    }
    while ($declarations =~ /^(\w[\w ]*[ *])(tw_\w+)\(([^)]*)\);/mg) {
        my ($result, $name, $parameters) = ($1, $2, $3);
        my @types = $parameters eq 'void' ? () : map { type($_) } split /,/, $parameters;
        # A text that is returned with its length may contain a NUL.
        my $counted = @types && $types[-1] eq 'size_t*';
        $ffi->attach($name => \@types => $counted ? 'opaque' : type($result));
        push @functions, $name;
    }
    return;
}

sub _read_declarations {
    my @places = (
        grep({ $_ } $ENV{THINKWIRE_CDEF}),
        '/usr/local/include/thinkwire.cdef',
        '/usr/include/thinkwire.cdef',
    );
    for my $place (grep { -r } @places) {
        open my $file, '<', $place or die "$place: $!";
        local $/ = undef;
        return scalar <$file>;
    }
    local $" = ', ';
    die "thinkwire.cdef is in none of @places: set THINKWIRE_CDEF\n";
}

_load(_read_declarations());

1;
