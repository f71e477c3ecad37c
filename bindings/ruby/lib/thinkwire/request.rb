# frozen_string_literal: true

module Thinkwire
  # A conversation and its settings. It can be changed and sent any number of times.
  class Request
    def initialize(model, text = nil, **fields)
      pointer = Library.tw_request_create(Library.argument(model))
      Error.raise_last(Library::TW_INVALID) if pointer.null?
      @handle = Handle.new(pointer, Library.method(:tw_request_destroy))
      fields.each { |name, value| set(name, value) }
      add("user", text) if text
    end

    # Adds a message. `content` is a text, or an Array of parts as in the API.
    def add(role, content, **members)
      json = JSON.generate({ role: role, content: content, **members })
      call(:tw_request_add_message_json, json, json.bytesize)
    end

    # Adds the assistant's message of a reply, with its tool calls and its reasoning.
    def add_reply(reply) = call(:tw_request_add_reply, reply.to_i)

    # Adds the result of a tool call.
    def add_tool_result(tool_call, content)
      add("tool", content, tool_call_id: tool_call.id)
    end

    # Offers the model a function; `parameters` is the JSON schema of an object.
    def add_tool(name, description, parameters = nil)
      call(:tw_request_add_tool, Library.argument(name), Library.argument(description),
           parameters && Library.argument(JSON.generate(parameters)))
    end

    # Adds an image file to the last message.
    def add_image(path, detail = nil)
      call(:tw_request_add_image_file, Library.argument(path), detail && Library.argument(detail))
    end

    # Sets a field of the body to a value that can be written as JSON.
    def set(field, value)
      call(:tw_request_set, Library.argument(field), Library.argument(JSON.generate(value)))
    end

    # Switches thinking: :off, :on, :low, :medium, :high, …, and the maximum number of tokens.
    def thinking(mode, budget: 0)
      value = Library.const_get("TW_THINKING_#{mode.to_s.upcase}")
      call(:tw_request_set_thinking, value, budget)
    end

    # The body as JSON text.
    def json = Library.text(:tw_request_json, to_i)

    def to_i = @handle.to_i
    def close = @handle.release

    private

    def call(function, *arguments)
      status = Library.public_send(function, to_i, *arguments)
      return self if status == Library::TW_OK

      error = Error.new(Library.string(Library.tw_last_error), STATUSES[status])
      Library.tw_request_clear_error(to_i)
      raise error
    end
  end
end
