# frozen_string_literal: true

require "fiddle"

module Thinkwire
  # The functions, enumerations and structs of include/thinkwire.h, as thinkwire.cdef declares them.
  #
  # thinkwire.cdef is installed with the library. No declaration is repeated here, so each function
  # of the installed library exists: Library.tw_version, Library::TW_OK, Library.fields(name, at).
  module Library
    TYPES = {
      "void" => Fiddle::TYPE_VOID, "size_t" => Fiddle::TYPE_SIZE_T,
      "int64_t" => Fiddle::TYPE_LONG_LONG, "double" => Fiddle::TYPE_DOUBLE
    }.freeze
    # Directives of String#unpack for the fields of structs.
    FORMATS = {
      Fiddle::TYPE_SIZE_T => "J", Fiddle::TYPE_LONG_LONG => "q", Fiddle::TYPE_DOUBLE => "d",
      Fiddle::TYPE_INT => "l", Fiddle::TYPE_VOIDP => "J"
    }.freeze
    SIZES = { "l" => 4 }.tap { |sizes| sizes.default = 8 }.freeze
    FUNCTION = /^(\w[\w ]*[ *])(tw_\w+)\(([^)]*)\);/
    STRUCT = /^typedef struct (\w+) \{(.*?)^\}/m

    class << self
      # The C type of a declaration such as "const char *text". Enumerations are int.
      def type(declaration)
        return Fiddle::TYPE_VOIDP if declaration.match?(/\*|_fn\b/)

        TYPES.fetch(declaration[/\w+/], Fiddle::TYPE_INT)
      end

      # The text that a function returns with its length, as a UTF-8 string; nil for NULL.
      def text(function, *arguments)
        length = [0].pack("J")
        pointer = public_send(function, *arguments, length)
        pointer.null? ? nil : utf8(pointer[0, length.unpack1("J")])
      end

      # The text of a pointer that ends in a NUL, as a UTF-8 string.
      def string(pointer) = utf8(pointer.to_s)

      # The argument for a `const char *`. Ruby's own bytes need not end in a NUL.
      def argument(text)
        text = text.to_s.encode(Encoding::UTF_8)
        raise ArgumentError, "the text contains a NUL" if text.include?("\0")

        "#{text}\0"
      end

      # The fields of a struct, by their names.
      def fields(struct, pointer)
        @structs.fetch(struct).to_h do |name, offset, format|
          [name, pointer[offset, SIZES[format]].unpack1(format)]
        end
      end

      # The names of all functions.
      def functions = @functions.keys

      private

      def utf8(bytes) = bytes.force_encoding(Encoding::UTF_8)

      def load(declarations, library)
        declarations.scan(/(TW_\w+) = (\w+)/) do |name, value|
          const_set(name, value.start_with?("TW_") ? const_get(value) : Integer(value))
        end
        @structs = declarations.scan(STRUCT).to_h { |name, body| [name, layout(body)] }
        @functions = declarations.scan(FUNCTION).to_h do |result, name, parameters|
          arguments = parameters == "void" ? [] : parameters.split(",").map { |each| type(each) }
          [name, Fiddle::Function.new(library[name], arguments, type(result))]
        end
        @functions.each { |name, function| define_singleton_method(name, &function) }
      end

      def layout(body)
        offset = 0
        body.scan(/^ *(.+?)(\w+);/).map do |declaration, name|
          format = FORMATS.fetch(type(declaration))
          size = SIZES[format]
          offset = (offset + size - 1) / size * size
          [name.to_sym, offset, format].tap { offset += size }
        end
      end

      def find_declarations
        places = ENV.fetch("THINKWIRE_CDEF") { "" }.then { |path| path.empty? ? [] : [path] }
        places += %w[/usr/local/include/thinkwire.cdef /usr/include/thinkwire.cdef]
        places.find { |path| File.readable?(path) } or
          raise LoadError, "thinkwire.cdef is in none of #{places.join(", ")}: set THINKWIRE_CDEF"
      end
    end

    path = ENV.fetch("THINKWIRE_LIBRARY", "libthinkwire.so.0")
    load(File.read(find_declarations), Fiddle.dlopen(path))
  end
end
