# frozen_string_literal: true

require "json"
require_relative "thinkwire/library"
require_relative "thinkwire/objects"
require_relative "thinkwire/request"
require_relative "thinkwire/loop"
require_relative "thinkwire/exchange"
require_relative "thinkwire/stream"
require_relative "thinkwire/client"

# A client for OpenAI-compatible chat APIs that streams reasoning and answer separately.
module Thinkwire
  # The version of the loaded library.
  def self.version = Library.string(Library.tw_version)
end
