rockspec_format = "3.0"
package = "thinkwire"
version = "scm-1"
source = { url = "." }
description = {
    summary = "Streams the reasoning and the answer of OpenAI-compatible chat APIs",
    detailed = "A binding of libthinkwire, which must be installed, for LuaJIT's FFI.",
    license = "MIT",
}
dependencies = { "lua == 5.1" }
external_dependencies = { THINKWIRE = { header = "thinkwire.cdef", library = "thinkwire" } }
build = { type = "builtin", modules = { thinkwire = "thinkwire.lua" } }
