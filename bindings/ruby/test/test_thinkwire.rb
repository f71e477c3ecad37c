# frozen_string_literal: true

require "minitest/autorun"
require "thinkwire"
require_relative "scheduler"

class ThinkwireTest < Minitest::Test
  FOX = "mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A"
  SLOW = "mock/synthetic#chunks=1000,pace=50"

  def setup = @client = Thinkwire::Client.new
  def teardown = @client.close
  def request(model, text = "Hello") = Thinkwire::Request.new(model, text)

  # The number of TCP connections of this process.
  def sockets
    Dir["/proc/self/fd/*"].count { |path| File.readlink(path).start_with?("socket:") rescue false }
  end

  def resident = File.read("/proc/self/status")[/VmRSS:\s*(\d+)/, 1].to_i

  def test_every_declared_function_exists
    header = File.read(File.expand_path("../../../include/thinkwire.h", __dir__))
    declared = header.scan(/^TW_API .*?\b(tw_\w+)\(/).flatten
    assert_operator declared.size, :>, 100
    assert_equal declared.sort, Thinkwire::Library.functions.sort
    assert_equal header[/TW_VERSION "(.*)"/, 1], Thinkwire.version
  end

  def test_reasoning_and_answer_are_separate_and_characters_whole
    events = @client.stream(request("#{FOX},write=1")).to_a
    texts = events.group_by(&:kind).transform_values { |group| group.map(&:text) }
    assert_equal ["🦊"] * 3, texts[:content]
    assert_equal ["🦊"] * 2, texts[:reasoning]
    assert_equal ["stop"], texts[:finish]
    assert(events.all? { |event| event.text.valid_encoding? })
  end

  def test_reply_of_a_block
    reply = @client.stream(request("alibaba/qwen3-32b").thinking(:on)) { |event| assert event.kind }
    assert_match(/\AHello!/, reply.content)
    assert_match(/\A\s*Okay/, reply.reasoning)
    assert_equal 2023, reply.usage.total_tokens
    assert_nil reply.usage.cached_tokens
    assert_operator reply.timing[:total], :>, 0
    assert_equal "assistant", reply.get("/choices/0/message/role")
    assert_nil reply.get("/nothing")
    assert_match(/event-stream/, reply.header("Content-Type"))
  end

  def test_text_is_sent_unchanged
    text = "🦊 \0 é \"quoted\"\n".b.force_encoding("UTF-8")
    body = JSON.parse(@client.complete(request("mock/echo", text).set("user", "bob")).content)
    assert_equal [{ "role" => "user", "content" => text }], body["messages"]
    assert_equal "bob", body["user"]
  end

  def test_tools
    parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
    request = request("mock/tools").add_tool("weather", "The weather 🌦", parameters)
    reply = @client.stream(request) { |event| event }
    call = reply.tool_calls.fetch(0)
    assert_equal "weather", call.name
    assert_kind_of String, call.parsed_arguments["city"]
    request.add_reply(reply).add_tool_result(call, "sunny 🌞")
    assert_match(/sunny 🌞/, @client.complete(request).content)
  end

  def test_error_has_status_message_and_reply
    client = Thinkwire::Client.new(retries: 0)
    error = assert_raises(Thinkwire::Error) { client.complete(request("mock/echo#status=429")) }
    assert_equal :rate_limited, error.status
    assert_match(/429/, error.message)
    assert_equal 429, error.reply.http_status
  end

  def test_received_text_of_a_truncated_answer
    error = assert_raises(Thinkwire::Error) { @client.stream(request("#{FOX},cut=900")) { |e| e } }
    assert_equal :truncated, error.status
    assert_includes error.reply.reasoning, "🦊"
  end

  def test_invalid_arguments
    error = assert_raises(Thinkwire::Error) { Thinkwire::Client.new(base_url: "ftp://x") }
    assert_equal :invalid, error.status
    assert_raises(ArgumentError) { Thinkwire::Client.new(no_such: 1) }
    assert_raises(Thinkwire::Error) { request("alibaba/qwen3-32b").set("temperature", 3) }
    assert_raises(Thinkwire::Error) { request("") }
    assert_raises(ArgumentError) { request("a\0b") }
  end

  def test_settings
    client = Thinkwire::Client.new(
      dialect: :reasoning_effort, cleartext: "example.com", http_version: "1.1",
      reasoning_tags: %w[<a> </a>], require_finish: true, comments_keep_alive: false,
      event_limit: 5000, reply_limit: 5000, headers_limit: 5000
    )
    reply = client.complete(request("mock/echo").thinking(:high))
    assert_includes reply.content, '"reasoning_effort":"high"'
    model = "mock/synthetic#chunks=1,text=%3Ca%3EHm%3C/a%3EHi"
    reply = client.stream(request(model)) { |_| nil }
    assert_equal %w[Hm Hi], [reply.reasoning, reply.content]
    large = request("mock/synthetic#chunks=1,size=10000")
    assert_equal :limit, assert_raises(Thinkwire::Error) { client.complete(large) }.status
    assert_raises(Thinkwire::Error) { Thinkwire::Client.new(reply_limit: -1) }
  end

  def test_cancel_from_another_thread_ends_a_wait
    stream = @client.stream(request("mock/synthetic#delay=60000"))
    started = Queue.new
    waiting = Thread.new { started << true; assert_raises(Thinkwire::Error) { stream.to_a } }
    started.pop
    stream.cancel
    assert_equal :cancelled, waiting.value.status
  end

  def test_break_cancels_and_the_client_remains_usable
    @client.stream(request(SLOW)).each { |event| break if event.kind == :content }
    assert_equal 3, @client.complete(request(FOX)).content.length
  end

  def test_next_event_returns_after_its_timeout
    stream = @client.stream(request("mock/synthetic#delay=60000"))
    assert_equal :timeout, stream.next_event(timeout: 0)
    assert_equal :timeout, stream.next_event(timeout: 0.01)
    assert_equal :cancelled, stream.close.status
    assert_raises(Thinkwire::Error) { stream.next_event }
  end

  def test_a_ruby_timeout_interrupts_a_wait
    require "timeout"
    assert_raises(Timeout::Error) do
      Timeout.timeout(0.05) { @client.stream(request("mock/synthetic#delay=60000")).to_a }
    end
  end

  def test_retry_event
    client = Thinkwire::Client.new(retries: 1)
    model = "mock/echo#status=503,tries=1,key=ruby,header=retry-after-ms:1"
    event = client.stream(request(model)).find { |each| each.kind == :retry }
    assert_equal [2, :server, 1], [event.attempt, event.status, event.wait_ms]
  end

  def test_models = assert_includes(@client.models, "alibaba/qwen3-32b")

  # Runs the blocks as fibers of one thread, and returns their values.
  #
  # They are not the value of the thread, which Ruby 3.1 collects while the fibers run.
  def fibers(*blocks)
    values = Array.new(blocks.size)
    Thread.new do
      Fiber.set_scheduler(Scheduler.new)
      blocks.each_with_index { |block, at| Fiber.schedule { values[at] = block.call } }
    end.join
    values
  end

  def test_fibers_wait_for_streams_at_the_same_time
    read = lambda do |name|
      @client.stream(request("mock/synthetic#chunks=5,pace=5,text=#{name}")) { |_| nil }.content
    end
    first = lambda do
      stream = @client.stream(request("mock/synthetic#delay=60000"))
      Fiber.schedule { read.call("d").then { stream.cancel } }
      assert_raises(Thinkwire::Error) { stream.to_a }.status
    end
    answers = fibers(first, *%w[a b c].map { |name| -> { read.call(name) } })
    assert_equal [:cancelled, "aaaaa", "bbbbb", "ccccc"], answers
  end

  def test_fibers_complete_list_models_and_receive_errors
    failing = -> { assert_raises(Thinkwire::Error) { @client.complete(request("no/such")) } }
    answer, models, error = fibers(
      -> { @client.complete(request(FOX)).content }, -> { @client.models }, failing
    )
    assert_equal "🦊🦊🦊", answer
    assert_includes models, "alibaba/qwen3-32b"
    assert_equal :not_found, error.status
  end

  def test_fibers_cancel_and_time_out
    waiting = @client.method(:stream).to_proc << ->(_) { request("mock/synthetic#delay=60000") }
    cancelled = lambda do
      stream = waiting.call(nil)
      Fiber.schedule { sleep(0.02).then { stream.cancel } }
      assert_raises(Thinkwire::Error) { stream.to_a }.status
    end
    timeouts = lambda do
      stream = waiting.call(nil)
      [stream.next_event(timeout: 0), stream.next_event(timeout: 0.02), stream.close.status]
    end
    left = -> { @client.stream(request(SLOW)).each { |event| break event.kind } }
    statuses = fibers(cancelled, timeouts, left)
    assert_equal [:cancelled, [:timeout, :timeout, :cancelled], :content], statuses
  end

  def test_a_fiber_that_does_not_read_holds_the_server_back
    chunks = 5000
    read = lambda do
      stream = @client.stream(request("mock/synthetic#chunks=#{chunks},size=1000"))
      stream.next_event
      other = @client.complete(request(FOX)).content
      count = stream.count { |event| event.kind == :content }
      [other, count]
    end
    assert_includes [chunks, chunks - 1], fibers(read)[0].then { |other, count| count if other }
  end

  def test_loop
    loop = Thinkwire::Loop.new(@client)
    texts = Hash.new("")
    waiting = loop.start(request("mock/synthetic#delay=60000")) { |e| texts[:end] = e.reply.status }
    loop.start(request(FOX)) do |event|
      texts[event.kind] += event.text
      waiting.cancel if event.kind == :done
    end
    assert_equal 2, loop.active
    loop.run
    assert_equal ["🦊🦊🦊", "🦊🦊", :cancelled], texts.values_at(:content, :reasoning, :end)
    waiting.cancel # It does nothing.
    loop.start(request(SLOW)) { |event| raise "too much" if event.kind == :content }
    assert_equal "too much", assert_raises(RuntimeError) { loop.run }.message
    loop.run
    loop.start(request(SLOW)) { |event| loop.close if event.kind == :content }
    assert_equal :misuse, assert_raises(Thinkwire::Error) { loop.run }.status
    loop.close
    assert_raises(Thinkwire::Error) { loop.active }
  end

  # A stream that is garbage closes its connection.
  def abandon(count)
    count.times { Thinkwire::Client.new.stream(request(SLOW)).next_event }
    count.times { Thinkwire::Loop.new(@client).start(request(SLOW)) { |_| nil } }
  end

  def test_garbage_is_released
    before = sockets
    abandon(10)
    20.times { GC.start }
    assert_operator sockets, :<, before + 5
  end

  def test_replies_and_requests_are_released
    large = "mock/synthetic#chunks=16,size=65536"
    run = proc do
      @client.stream(request(large)) { |event| event }.close
      GC.start
    end
    5.times(&run)
    before = resident
    30.times(&run)
    assert_operator resident - before, :<, 16_384, "30 replies of 1 MiB"
  end
end
