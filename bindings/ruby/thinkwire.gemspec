# frozen_string_literal: true

header = File.read(File.expand_path("../../include/thinkwire.h", __dir__))

Gem::Specification.new do |gem|
  gem.name = "thinkwire"
  gem.version = header[/^#define TW_VERSION "(.*)"/, 1]
  gem.summary = "Streams the reasoning and the answer of OpenAI-compatible chat APIs"
  gem.description = "A binding of libthinkwire, which must be installed, over Fiddle."
  gem.authors = ["Thinkwire contributors"]
  gem.license = "MIT"
  gem.required_ruby_version = ">= 3.1"
  gem.files = Dir["lib/**/*.rb"] + ["README.md"]
end
