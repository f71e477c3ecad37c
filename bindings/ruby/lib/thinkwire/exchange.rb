# frozen_string_literal: true

module Thinkwire
  # An exchange for which its thread waits.
  class ThreadExchange
    DISCARD = ->(chat) { Library.tw_reply_destroy(Library.tw_chat_close(chat)) }

    def initialize(pointer)
      @event = [0].pack("J")
      @handle = Handle.new(pointer, DISCARD)
    end

    # Returns the next event, nil at the end, or :timeout if none arrives within `seconds`.
    def wait(seconds)
      case Library.tw_chat_next(@handle.to_i, @event, (seconds * 1000).ceil)
      when Library::TW_NEXT_EVENT then Event.read(Fiddle::Pointer.new(@event.unpack1("J")))
      when Library::TW_NEXT_END then nil
      else :timeout
      end
    end

    def cancel = Library.tw_chat_cancel(@handle.to_i)

    # Cancels the exchange unless it has ended, and returns its reply.
    def close = @handle.release { |address| Reply.new(Library.tw_chat_close(address)) }
  end

  # An exchange for which a fiber waits, while its scheduler runs others.
  class FiberExchange
    # The exchange is paused when this many of its events have not been read.
    MAX_QUEUE = 64

    # Events that have not been read. It does not refer to the FiberExchange, which can be garbage.
    Inbox = Struct.new(:events, :task, :paused, :reply) do
      def receive(event)
        return self.reply = event.reply if event.kind == :done

        events << event
        return if paused || events.size < MAX_QUEUE

        self.paused = true
        task.call(:tw_chat_pause)
      end

      def ready? = reply || !events.empty?

      def take
        event = events.shift
        if paused && events.empty?
          self.paused = false
          task.call(:tw_chat_resume)
        end
        event || (reply ? nil : :timeout)
      end
    end

    def initialize(waiter, function, request)
      @waiter = waiter
      @inbox = Inbox.new([])
      @inbox.task = waiter.loop.start_task(function, request, @inbox.method(:receive))
      ObjectSpace.define_finalizer(self, self.class.finalizer(waiter.dropped, @inbox.task))
    end

    # A finalizer cannot lock, hence not cancel.
    def self.finalizer(dropped, task) = proc { dropped << task }

    def wait(seconds)
      @waiter.wait_until(seconds) { @inbox.ready? }
      @inbox.take
    end

    def cancel = @inbox.task.call(:tw_chat_cancel)

    def close
      ObjectSpace.undefine_finalizer(self)
      cancel
      @waiter.loop.poll(0) until @inbox.reply
      @inbox.reply
    end
  end

  # The loop of a client for the fibers of a scheduler.
  #
  # One of the fibers that wait polls the loop, for all of them. When its own event has arrived,
  # another does.
  class Waiter
    # `dropped` are exchanges that are garbage, and are cancelled by the next fiber that waits.
    attr_reader :loop, :dropped

    def initialize(client)
      @loop = Loop.new(client)
      @dropped = []
      @mutex = Mutex.new
      @polled = ConditionVariable.new
      @polling = false
    end

    # Waits until the block returns true, at most for that many seconds.
    def wait_until(seconds)
      @dropped.shift.call(:tw_chat_cancel) until @dropped.empty?
      deadline = Thinkwire.now + seconds
      until yield
        left = [deadline - Thinkwire.now, 0].max
        left.zero? || !@polling ? poll(left) : @mutex.synchronize { @polled.wait(@mutex, left) }
        break if left.zero?
      end
    end

    private

    def poll(seconds)
      @polling = true
      @loop.io.wait_readable(seconds) if seconds.positive?
      @loop.poll(0)
    ensure
      @polling = false
      @polled.broadcast
    end
  end
end
