# frozen_string_literal: true

# Reasoning and answer, a tool, cancellation and an error.
require "thinkwire"

MODEL = ENV.fetch("THINKWIRE_MODEL", "alibaba/qwen3-32b")
CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] }.freeze

def temperature(city) = "18 degrees in #{city}"

def print_stream(client, request)
  reply = client.stream(request) do |event|
    case event.kind
    when :reasoning then $stderr.print event.text
    when :content then print event.text
    end
  end
  puts
  reply
end

Thinkwire::Client.open(timeout: 60) do |client|
  print_stream(client, Thinkwire::Request.new(MODEL, "Hello").thinking(:on))

  request = Thinkwire::Request.new(MODEL, "How warm is it in Paris?")
  request.add_tool("temperature", "The current temperature of a city", CITY)
  until (reply = print_stream(client, request)).tool_calls.empty?
    request.add_reply(reply)
    reply.tool_calls.each do |call|
      request.add_tool_result(call, temperature(call.parsed_arguments["city"]))
    end
  end

  client.stream(Thinkwire::Request.new(MODEL, "Count to a hundred")).each do |event|
    print event.text if event.kind == :content
    break if event.kind == :content # Leaving the loop cancels the exchange.
  end
  puts " [cancelled]"

  begin
    client.complete(Thinkwire::Request.new("no/such-model", "Hello"))
  rescue Thinkwire::Error => e
    puts "#{e.status}: #{e.message}"
  end
end
