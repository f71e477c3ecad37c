import Base

/// What the four models take, as their schemas have it: https://docs.aimlapi.com/api-references/text-models-llm/alibaba-cloud.
/// A field that is not here, or not the model's, passes: the schemas allow any, and the provider's own samples make use of that.
struct ModelSchemas {
    struct Models: OptionSet, Sendable {
        let rawValue: UInt8

        static let qwen3 = Models(rawValue: 1)
        static let next = Models(rawValue: 2)
        static let vision = Models(rawValue: 4)
        static let qwen36 = Models(rawValue: 8)
        static let all: Models = [.qwen3, .next, .vision, .qwen36]
    }

    private static let names: [(name: StaticString, model: Models)] = [
        ("alibaba/qwen3-32b", .qwen3),
        ("alibaba/qwen3-next-80b-a3b-thinking", .next),
        ("alibaba/qwen3-vl-32b-thinking", .vision),
        ("alibaba/qwen3.6-35b-a3b", .qwen36),
    ]

    /// The shapes are made when they are asked for: none of them stays behind.
    private static let fields:
        [(name: StaticString, models: Models, shape: @Sendable () -> JSONSchema)] = [
            ("messages", [.qwen3, .next], { .list(Parts.message(user: Parts.text), .max) }),
            // The page's own sample has no role, and an answer.
            (
                "messages", .vision,
                { .list(Parts.message(user: Parts.textOrImage, needsRole: false), .max) }
            ),
            (
                "messages", .qwen36,
                { .list(Parts.message(user: Parts.textOrImage, isClosed: false), .max) }
            ),
            ("max_tokens", .all, { .number("1", nil) }),
            ("max_completion_tokens", [.qwen3, .next, .vision], { .whole("1") }),
            // Null is ours: none are sent.
            ("stream_options", .all, { .nullable(.object([.needed("include_usage", .boolean)])) }),
            ("tools", .all, { .list(Parts.tool, Request.maxTools) }),
            ("tool_choice", .all, { Parts.toolChoice }),
            ("parallel_tool_calls", .all, { .boolean }),
            ("temperature", .all, { .number("0", "2") }),
            ("top_p", .all, { .number("0.01", "1") }),
            ("stop", .all, { .nullable(.either(.text, .list(.text, 4))) }),
            ("frequency_penalty", .all, { .nullable(.number("-2", "2")) }),
            ("presence_penalty", .all, { .nullable(.number("-2", "2")) }),
            ("repetition_penalty", [.qwen3, .next, .vision], { .nullable(.number(nil, nil)) }),
            ("seed", .all, { .whole("1") }),
            ("logprobs", [.qwen3, .qwen36], { .nullable(.boolean) }),
            ("top_logprobs", [.qwen3, .qwen36], { .nullable(.number("0", "20")) }),
            ("logit_bias", .qwen36, { .nullable(.map(.number("-100", "100"))) }),
            ("response_format", .all, { Parts.responseFormat }),
            ("prediction", .all, { Parts.prediction }),
            ("reasoning_effort", .qwen36, { .word(["low", "medium", "high"]) }),
            ("enable_thinking", .qwen3, { .boolean }),
            ("thinking_budget", .qwen3, { .whole("1") }),
        ]

    private let model: Models
    private let name: StaticString

    /// The rules for a model; nil for one that we do not know. `thinkwire-mock` takes its orders behind a #.
    static func of(_ model: Bytes) -> ModelSchemas? {
        let end = model.firstIndex(of: UInt8(ascii: "#")) ?? model.count
        let given = model.part(0..<end)
        for known in names where given.equals(known.name) {
            return ModelSchemas(model: known.model, name: known.name)
        }
        return nil
    }

    private init(model: Models, name: StaticString) {
        self.model = model
        self.name = name
    }

    /// Holds a field that is about to be set against what the model takes.
    func check(_ field: Bytes, _ value: JSONValue) throws(ArgumentError) {
        for known in ModelSchemas.fields
        where known.models.contains(model) && field.equals(known.name) {
            var check = SchemaValidator(known.name, of: name)
            try check.check(value, known.shape())
        }
    }

    /// Holds a message that is about to be added against what the model takes.
    func check(message: JSONValue) throws(ArgumentError) {
        for known in ModelSchemas.fields
        where known.models.contains(model) && StaticText.bytes(known.name).equals("messages") {
            guard case .list(let shape, _) = known.shape() else { continue }
            var check = SchemaValidator("message", of: name)
            try check.check(message, shape)
        }
    }
}

/// The shapes that take more than a line.
private enum Parts {
    static var textPart: JSONSchema {
        .object([.needed("type", .word(["text"])), .needed("text", .text)])
    }

    static var imagePart: JSONSchema {
        .object([
            .needed("type", .text),
            .needed(
                "image_url",
                .object([.needed("url", .text), .maybe("detail", .word(["low", "high", "auto"]))])),
        ])
    }

    static var refusalPart: JSONSchema {
        .object([.needed("type", .text), .needed("refusal", .text)])
    }

    static var text: JSONSchema { .tagged("type", [.when("text", textPart)]) }
    static var textOrImage: JSONSchema {
        .tagged("type", [.when("text", textPart), .when("image_url", imagePart)])
    }
    static var textOrRefusal: JSONSchema {
        .tagged("type", [.when("text", textPart), .when("refusal", refusalPart)])
    }

    /// A text, or a list of parts.
    static func content(_ part: JSONSchema) -> JSONSchema { .either(.text, .list(part, .max)) }

    /// `user`: what a user's content is made of. `isClosed`: messages of the system's and of tools have no fields beside these.
    static func message(user: JSONSchema, needsRole: Bool = true, isClosed: Bool = true)
        -> JSONSchema
    {
        let system: [JSONSchema.Member] = [
            .needed("role", .text), .needed("content", content(text)), .maybe("name", .text),
        ]
        let tool: [JSONSchema.Member] = [
            .needed("role", .text), .needed("content", .text), .needed("tool_call_id", .text),
            .maybe("name", .nullable(.text)),
        ]
        return .tagged(
            "role",
            [
                .when("user", .object([.needed("content", content(user)), .maybe("name", .text)])),
                .when("system", isClosed ? .closed(system) : .object(system)),
                .when("tool", isClosed ? .closed(tool) : .object(tool)),
                .when("assistant", assistant),
            ], isRequired: needsRole)
    }

    static var assistant: JSONSchema {
        .object([
            .maybe("content", content(textOrRefusal)), .maybe("name", .text),
            .maybe("tool_calls", .list(call, .max)),
            .maybe("refusal", .nullable(.text)),
        ])
    }

    static var call: JSONSchema {
        .object([
            .needed("id", .text), .needed("type", .word(["function"])),
            .needed("function", .object([.needed("name", .text), .needed("arguments", .text)])),
        ])
    }

    static var tool: JSONSchema {
        .closed([
            .needed("type", .word(["function"])),
            .needed(
                "function",
                .closed([
                    .maybe("description", .text), .needed("name", .toolName),
                    .needed("parameters", .map(.anything)),
                    .maybe("strict", .nullable(.boolean)),
                ])),
        ])
    }

    static var toolChoice: JSONSchema {
        .either(
            .word(["none", "auto", "required"]),
            .object([
                .needed("type", .word(["function"])),
                .needed("function", .object([.needed("name", .text)])),
            ]))
    }

    static var prediction: JSONSchema {
        .object([.needed("type", .word(["content"])), .needed("content", content(text))])
    }

    static var responseFormat: JSONSchema {
        .tagged(
            "type",
            [
                .when("text", .closed([.needed("type", .text)])),
                .when("json_object", .closed([.needed("type", .text)])),
                .when(
                    "json_schema",
                    .closed([.needed("type", .text), .needed("json_schema", jsonSchema)])),
            ])
    }

    static var jsonSchema: JSONSchema {
        .closed([
            .needed("name", .text), .maybe("schema", .map(.anything)),
            .maybe("strict", .nullable(.boolean)),
            .maybe("description", .text),
        ])
    }
}
