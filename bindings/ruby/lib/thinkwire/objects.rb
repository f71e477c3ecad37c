# frozen_string_literal: true

module Thinkwire
  # The names of an enumeration as symbols, by their values: {8 => :timeout} of "TW_TIMEOUT = 8".
  def self.symbols(prefix, range)
    names = Library.constants.grep(/\A#{prefix}/).reject { |name| name.end_with?("_MAX_ENUM") }
    names.map { |name| [Library.const_get(name), name.to_s.delete_prefix(prefix).downcase.to_sym] }
         .select { |value, _| range.include?(value) }.to_h
  end

  KINDS = symbols("TW_EVENT_", 1..).freeze
  STATUSES = Hash.new do |names, value|
    names[value] =
      Library.string(Library.tw_status_name(value)).delete_prefix("TW_").downcase.to_sym
  end

  # A failed call, or an exchange that did not end with :ok.
  class Error < StandardError
    # The tw_status as a symbol, such as :rate_limited.
    attr_reader :status
    # What was received nevertheless; nil if no exchange began.
    attr_reader :reply

    def initialize(message, status, reply = nil)
      super(message)
      @status = status
      @reply = reply
    end

    # Raises the error of the last failed call on this thread.
    def self.raise_last(status)
      raise new(Library.string(Library.tw_last_error), STATUSES[status])
    end
  end

  # An object of the library. It is destroyed by `close`, or when it is garbage.
  #
  # `destroy` must not refer to the owner of the handle, which would then never be garbage.
  class Handle
    def initialize(pointer, destroy)
      @address = pointer.to_i
      @destroy = destroy
      ObjectSpace.define_finalizer(self, self.class.finalizer(@address, destroy))
    end

    def self.finalizer(address, destroy) = proc { destroy.call(address) }

    def to_i = @address || raise(Error.new("the object is closed", :misuse))

    # Calls the block with the address, which is not valid afterwards. Later calls do nothing.
    def release(&block)
      address = @address
      return unless address

      @address = nil
      ObjectSpace.undefine_finalizer(self)
      (block || @destroy).call(address)
    end
  end

  # Tokens and cost; nil for what the server did not report.
  Usage = Struct.new(:prompt_tokens, :completion_tokens, :total_tokens, :reasoning_tokens,
                     :cached_tokens, :cost, :cost_unit) do
    def self.read(pointer)
      fields = Library.fields("tw_usage", pointer)
      numbers = members[..-2].map { |name| fields[name].negative? ? nil : fields[name] }
      unit = Library.string(Library.tw_usage_get_cost_unit(pointer))
      new(*numbers, unit.empty? ? nil : unit)
    end
  end

  # A piece of an answer. `kind` is :reasoning, :content, :tool_call, …: see tw_event_kind.
  Event = Struct.new(:kind, :text, :choice, :tool_index, :tool_id, :tool_name, :usage, :attempt,
                     :status, :wait_ms, :reply) do
    def self.read(pointer)
      kind = KINDS.fetch(Library.tw_event_get_kind(pointer))
      event = new(kind, Library.text(:tw_event_get_text, pointer),
                  Library.tw_event_get_choice(pointer))
      event.read_details(pointer)
      event
    end

    def read_details(pointer)
      case kind
      when :tool_call
        self.tool_index = Library.tw_event_get_tool_index(pointer)
        self.tool_id = Library.string(Library.tw_event_get_tool_id(pointer))
        self.tool_name = Library.string(Library.tw_event_get_tool_name(pointer))
      when :usage
        self.usage = Usage.read(Library.tw_event_get_usage(pointer))
      when :retry
        self.attempt = Library.tw_event_get_attempt(pointer)
        self.status = STATUSES[Library.tw_event_get_status(pointer)]
        self.wait_ms = Library.tw_event_get_wait_ms(pointer)
      when :done # The last event of an exchange of a Loop.
        self.reply = Reply.new(Library.tw_reply_retain(Library.tw_event_get_reply(pointer)))
      end
    end
  end

  # A tool call that the model requests. `arguments` is JSON text, which may be invalid.
  ToolCall = Struct.new(:id, :name, :arguments, :choice, :index) do
    # The arguments as a Hash. Raises JSON::ParserError if the model wrote invalid JSON.
    def parsed_arguments = JSON.parse(arguments)
  end

  # The result of an exchange.
  class Reply
    def initialize(pointer)
      @handle = Handle.new(pointer, Library.method(:tw_reply_destroy))
    end

    def status = STATUSES[Library.tw_reply_status(to_i)]
    def ok? = status == :ok
    def message = Library.string(Library.tw_reply_message(to_i))
    def attempts = Library.tw_reply_attempts(to_i)
    def http_status = Library.tw_reply_http_status(to_i)
    def reasoning = Library.text(:tw_reply_reasoning, to_i)
    def content = Library.text(:tw_reply_content, to_i)
    def refusal = Library.text(:tw_reply_refusal, to_i)
    def finish_reason = Library.string(Library.tw_reply_finish_reason(to_i))
    def request_id = Library.string(Library.tw_reply_request_id(to_i))
    def usage = Usage.read(Library.tw_reply_usage(to_i))
    def json = Library.text(:tw_reply_json, to_i)

    # The times of the exchange in seconds; nil for what did not happen.
    def timing
      fields = Library.fields("tw_timing", Library.tw_reply_timing(to_i))
      fields.select { |name, _| name.end_with?("_us") }.to_h do |name, time|
        [name.to_s.delete_suffix("_us").to_sym, time.negative? ? nil : time / 1e6]
      end
    end

    # A value of the document, by a JSON pointer such as "/choices/0/message/content".
    def get(pointer) = Library.text(:tw_reply_get, to_i, Library.argument(pointer))

    def header(name)
      value = Library.tw_reply_header(to_i, Library.argument(name))
      value.null? ? nil : Library.string(value)
    end

    def tool_calls
      Array.new(Library.tw_reply_tool_call_count(to_i)) do |index|
        call = Library.fields("tw_tool_call", Library.tw_reply_tool_call(to_i, index))
        texts = call.values_at(:id, :name).map { |at| Library.string(Fiddle::Pointer.new(at)) }
        arguments = Fiddle::Pointer.new(call[:arguments])[0, call[:arguments_len]]
        ToolCall.new(*texts, arguments.force_encoding("UTF-8"), call[:choice], call[:index])
      end
    end

    # The ids of a list of models.
    def models
      Array.new(Library.tw_reply_model_count(to_i)) do |index|
        Library.string(Library.tw_reply_model(to_i, index))
      end
    end

    # Returns the reply, or raises an Error that holds it.
    def ok!
      ok? ? self : raise(Error.new(message, status, self))
    end

    def to_i = @handle.to_i
    def close = @handle.release
  end
end
