# frozen_string_literal: true

module Thinkwire
  # An exchange in progress: an Enumerable of its events.
  #
  # Other Ruby threads run while it waits. Only `cancel` may be called by another thread.
  class Stream
    include Enumerable

    # A wait ends after this time, so that Ruby can handle signals and Thread#raise.
    SLICE_MS = 100
    DISCARD = ->(chat) { Library.tw_reply_destroy(Library.tw_chat_close(chat)) }

    def initialize(pointer, client)
      @client = client # The client must not be garbage before the stream.
      @mutex = Mutex.new
      @event = [0].pack("J")
      @handle = Handle.new(pointer, DISCARD)
    end

    # Yields the events until the end. Raises an Error if the exchange does not end with :ok.
    #
    # A `break` closes the stream, which cancels the exchange.
    def each
      return enum_for unless block_given?

      while (event = next_event)
        yield event
      end
      close.ok!
    ensure
      close
    end

    # Waits for the next event; nil at the end, :timeout if there is none after `timeout` seconds.
    def next_event(timeout: nil)
      deadline = timeout && (now + timeout)
      loop do
        wait = deadline ? ((deadline - now) * 1000).ceil.clamp(0, SLICE_MS) : SLICE_MS
        case Library.tw_chat_next(@handle.to_i, @event, wait)
        when Library::TW_NEXT_EVENT
          return Event.read(Fiddle::Pointer.new(@event.unpack1("J")))
        when Library::TW_NEXT_END
          return nil
        end
        return :timeout if deadline && now >= deadline
      end
    end

    # Cancels the exchange. `each` then raises an Error with the status :cancelled.
    def cancel
      @mutex.synchronize { Library.tw_chat_cancel(@handle.to_i) unless @reply }
    end

    # Ends the exchange, if it has not ended, and returns its reply.
    def close
      @mutex.synchronize do
        @reply ||= @handle.release { |address| Reply.new(Library.tw_chat_close(address)) }
      end
    end
    alias reply close

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
