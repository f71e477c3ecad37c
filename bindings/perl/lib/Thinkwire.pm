package Thinkwire;
# A client for OpenAI-compatible chat APIs that streams reasoning and answer separately.
use v5.36;

use Thinkwire::Client;
use Thinkwire::Library;
use Thinkwire::Loop;
use Thinkwire::Request;

# The version of the loaded library.
sub version { return Thinkwire::Library::tw_version() }

1;
