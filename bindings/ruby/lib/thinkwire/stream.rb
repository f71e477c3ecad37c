# frozen_string_literal: true

module Thinkwire
  def self.now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  # An exchange in progress: an Enumerable of its events.
  #
  # Other Ruby threads run while it waits, and under a fiber scheduler other fibers. Only `cancel`
  # may be called by another thread.
  class Stream
    include Enumerable

    # A wait ends after this time, so that Ruby can handle signals and Thread#raise.
    SLICE = 0.1

    def initialize(exchange)
      @exchange = exchange
      @mutex = Mutex.new
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
      raise Error.new("the stream is closed", :misuse) if @reply

      deadline = timeout && (Thinkwire.now + timeout)
      loop do
        event = @exchange.wait(deadline ? (deadline - Thinkwire.now).clamp(0, SLICE) : SLICE)
        return event if event != :timeout || (deadline && Thinkwire.now >= deadline)
      end
    end

    # Cancels the exchange. `each` then raises an Error with the status :cancelled.
    def cancel
      @mutex.synchronize { @exchange.cancel unless @reply }
    end

    # Ends the exchange, if it has not ended, and returns its reply.
    def close
      @mutex.synchronize { @reply ||= @exchange.close }
    end
    alias reply close
  end
end
