# frozen_string_literal: true

module Thinkwire
  # An endpoint and its connections. Any number of threads can use it at once.
  #
  # What is not given is read from the environment: see thinkwire.h.
  class Client
    TEXTS = %i[base_url api_key proxy no_proxy ca_file ca_directory reasoning_replay].freeze
    TIMEOUTS = { connect_timeout: :TW_TIMEOUT_CONNECT, first_byte_timeout: :TW_TIMEOUT_FIRST_BYTE,
                 idle_timeout: :TW_TIMEOUT_IDLE, timeout: :TW_TIMEOUT_TOTAL }.freeze
    LIMITS = { event_limit: :TW_LIMIT_EVENT, reply_limit: :TW_LIMIT_REPLY,
               headers_limit: :TW_LIMIT_HEADERS }.freeze
    FLAGS = %i[comments_keep_alive require_finish].freeze

    # Creates a client; with a block, yields it, closes it, and returns the value of the block.
    def self.open(**settings)
      client = new(**settings)
      yield client
    ensure
      client&.close
    end

    # Settings: those of TEXTS, those of TIMEOUTS in seconds, those of LIMITS in bytes, FLAGS,
    # `retries`, `headers` (a Hash), `dialect` (the field that switches thinking, such as
    # :reasoning_effort), `reasoning_tags` (two), `http_version` ("1.1" or "2"), and `cleartext` (a
    # host to which the key may be sent without TLS).
    def initialize(**settings)
      options = Library.tw_options_create
      settings.each { |name, value| set(options, name, value) }
      client = [0].pack("J")
      status = Library.tw_client_create(options, client)
      Error.raise_last(status) unless status == Library::TW_OK
      @handle = Handle.new(client.unpack1("J"), Library.method(:tw_client_destroy))
      @waiters = {}.compare_by_identity
    ensure
      Library.tw_options_destroy(options)
    end

    # Begins a streamed exchange. With a block, yields its events and returns its reply.
    def stream(request, &block)
      stream = open(:tw_chat_open, :tw_loop_start, request)
      return stream unless block

      stream.each(&block)
    end

    # Sends a request and waits for the complete reply. Raises an Error unless it ends with :ok.
    def complete(request)
      open(:tw_chat_open_unstreamed, :tw_loop_start_unstreamed, request).each { |_| nil }
    end

    # The ids of the models that the endpoint offers.
    def models = open(:tw_models_open, :tw_loop_start_models).each { |_| nil }.models

    # Cancels every exchange of the client that has begun. From any thread.
    def cancel = Library.tw_client_cancel(@handle.to_i)

    # Closes the client. The exchanges of this thread's fibers are cancelled.
    def close
      _, waiter = @waiters.delete(Thread.current)
      waiter&.loop&.close
      @handle.release
    end

    def to_i = @handle.to_i

    private

    # Begins an exchange by the function for threads, or by that for loops.
    def open(chat_function, loop_function, request = nil)
      scheduler = Fiber.current_scheduler
      return Stream.new(FiberExchange.new(waiter(scheduler), loop_function, request)) if scheduler

      arguments = [@handle.to_i, request&.to_i].compact
      Stream.new(ThreadExchange.new(Library.public_send(chat_function, *arguments)))
    end

    # The loop for a scheduler, which is the only one of its thread.
    def waiter(scheduler)
      known, waiter = @waiters[Thread.current]
      return waiter if known.equal?(scheduler)

      @waiters.delete_if { |thread, _| !thread.alive? }
      @waiters[Thread.current] = [scheduler, Waiter.new(self)]
      @waiters[Thread.current].last
    end

    # The options record a failure; creating the client reports it.
    def set(options, name, value)
      case name
      when *TEXTS
        Library.public_send("tw_options_set_#{name}", options, Library.argument(value))
      when *TIMEOUTS.keys
        timeout = Library.const_get(TIMEOUTS[name])
        Library.tw_options_set_timeout(options, timeout, (value * 1000).round)
      when *LIMITS.keys
        Library.tw_options_set_limit(options, Library.const_get(LIMITS[name]), value)
      when *FLAGS
        Library.public_send("tw_options_set_#{name}", options, value ? 1 : 0)
      when :http_version
        version = Library.const_get("TW_HTTP_#{value.to_s.upcase.tr(".", "_")}")
        Library.tw_options_set_http_version(options, version)
      when :reasoning_tags
        tags = value.map { |tag| Library.argument(tag) }
        Library.tw_options_set_reasoning_tags(options, *tags)
      when :retries
        Library.tw_options_set_retries(options, value)
      when :dialect
        dialect = Library.const_get("TW_DIALECT_#{value.to_s.upcase}")
        Library.tw_options_set_dialect(options, dialect)
      when :cleartext
        Library.tw_options_allow_cleartext(options, Library.argument(value))
      when :headers
        value.each do |pair|
          Library.tw_options_set_header(options, *pair.map { |text| Library.argument(text) })
        end
      else
        raise ArgumentError, "unknown setting: #{name}"
      end
    end
  end
end
