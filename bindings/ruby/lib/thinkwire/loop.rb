# frozen_string_literal: true

require "io/wait"

module Thinkwire
  # Many exchanges of a client on one thread, in any event loop that watches `io`.
  #
  # One thread uses a loop. Exchanges may be cancelled by any.
  class Loop
    # An exchange for the callback of the library. It does not refer to the loop: what the callback
    # refers to is never garbage.
    class Task
      def initialize(chat, on_event)
        @chat = chat
        @on_event = on_event
        @mutex = Mutex.new
      end

      # Calls a function with the chat, unless the exchange has ended.
      def call(function) = @mutex.synchronize { @chat && Library.public_send(function, @chat) }

      def receive(event)
        finish if event.kind == :done
        @on_event.call(event)
      end

      private

      # The library frees the chat after its last event.
      def finish
        @mutex.synchronize { @chat = nil }
      rescue ThreadError
        @chat = nil # A finalizer cannot lock. It destroys the loop when no exchange is referenced.
      end
    end

    # An exchange in progress. After its end, these methods do nothing.
    class Exchange
      def initialize(loop, task)
        @loop = loop # It exists as long as the exchange.
        @task = task
      end

      # Cancels the exchange; an event of the kind :done follows. From any thread.
      def cancel = @task.call(:tw_chat_cancel)

      # Stops delivering events, and reading from the server, until `resume`.
      def pause = @task.call(:tw_chat_pause)
      def resume = @task.call(:tw_chat_resume)
    end

    # What the callback of the library shares with the loop.
    State = Struct.new(:tasks, :last_id, :error) do
      def callback
        pointer = Fiddle::TYPE_VOIDP
        Fiddle::Closure::BlockCaller.new(Fiddle::TYPE_INT, [pointer, pointer]) do |id, event|
          receive(id.to_i, event)
        end
      end

      # Nothing may be raised through the frames of C.
      def receive(id, pointer)
        event = Event.read(pointer)
        task = event.kind == :done ? tasks.delete(id) : tasks.fetch(id)
        task.receive(event)
        0
      rescue Exception => e # rubocop:disable Lint/RescueException
        self.error ||= e
        1
      end
    end

    # Destroying the loop delivers the last events, for which the callback must exist.
    def self.destroyer(callback)
      ->(address) { [Library.tw_loop_destroy(address), callback] }
    end

    def initialize(client)
      pointer = Library.tw_loop_create(client.to_i)
      Error.raise_last(Library::TW_INVALID) if pointer.null?
      @state = State.new({}, 0, nil)
      @callback = @state.callback
      @handle = Handle.new(pointer, self.class.destroyer(@callback))
      @io = IO.for_fd(Library.tw_loop_fd(pointer), autoclose: false)
    end

    # Readable whenever `poll` has work. It must not be read or closed.
    attr_reader :io

    # Starts a streamed exchange, whose events the block receives in `poll`; the last is :done.
    #
    # If the block raises an exception, the exchange is cancelled, and `poll` raises it.
    def start(request, &on_event)
      Exchange.new(self, start_task(:tw_loop_start, request, on_event))
    end

    # Starts an exchange by a function of the library; a list of models needs no request.
    def start_task(function, request, on_event)
      id = @state.last_id += 1
      arguments = [request&.to_i, @callback, id].compact
      chat = Library.public_send(function, @handle.to_i, *arguments)
      Error.raise_last(Library::TW_MISUSE) if chat.null?
      @state.tasks[id] = Task.new(chat, on_event)
    end

    # Delivers the events of what is ready, after waiting for `timeout` seconds at most.
    #
    # Returns the number of events.
    def poll(timeout = nil)
      @polling = true
      count = Library.tw_loop_poll(@handle.to_i, timeout ? (timeout * 1000).ceil : -1)
      @polling = false
      error = @state.error
      @state.error = nil
      raise error if error

      count.negative? ? Error.raise_last(-count) : count
    end

    # Polls until no exchange is active. Under a fiber scheduler, other fibers run meanwhile.
    def run
      while active.positive?
        @io.wait_readable
        poll(0)
      end
    end

    # The number of exchanges that have not ended.
    def active = Library.tw_loop_active(@handle.to_i)

    # Cancels every exchange, delivers :done for each, and destroys the loop.
    def close
      raise Error.new("a callback cannot close its loop", :misuse) if @polling

      @handle.release
    end
  end
end
