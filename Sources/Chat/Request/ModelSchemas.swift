import Base

/// The request schemas of four models
/// (https://docs.aimlapi.com/api-references/text-models-llm/alibaba-cloud).
///
/// Unknown request fields are valid: the schemas allow additional properties, and the provider's
/// own samples use them.
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

    /// The schemas of the fields. A schema is created for each check and freed after it.
    private static let fields:
        [(name: StaticString, models: Models, schema: @Sendable () -> JSONSchema)] = [
            ("messages", [.qwen3, .next], { .array(Parts.message(user: Parts.text), .max) }),
            // The sample on the model's page has no role, and the provider answers it.
            (
                "messages", .vision,
                { .array(Parts.message(user: Parts.textOrImage, needsRole: false), .max) }
            ),
            (
                "messages", .qwen36,
                { .array(Parts.message(user: Parts.textOrImage, isClosed: false), .max) }
            ),
            ("max_tokens", .all, { .number("1", nil) }),
            ("max_completion_tokens", [.qwen3, .next, .vision], { .integer("1") }),
            // The library accepts null, which the schema does not; it then sends no options.
            (
                "stream_options", .all,
                { .nullable(.object([.required("include_usage", .boolean)])) }
            ),
            ("tools", .all, { .array(Parts.tool, Request.maxTools) }),
            ("tool_choice", .all, { Parts.toolChoice }),
            ("parallel_tool_calls", .all, { .boolean }),
            ("temperature", .all, { .number("0", "2") }),
            ("top_p", .all, { .number("0.01", "1") }),
            ("stop", .all, { .nullable(.either(.string, .array(.string, 4))) }),
            ("frequency_penalty", .all, { .nullable(.number("-2", "2")) }),
            ("presence_penalty", .all, { .nullable(.number("-2", "2")) }),
            ("repetition_penalty", [.qwen3, .next, .vision], { .nullable(.number(nil, nil)) }),
            ("seed", .all, { .integer("1") }),
            ("logprobs", [.qwen3, .qwen36], { .nullable(.boolean) }),
            ("top_logprobs", [.qwen3, .qwen36], { .nullable(.number("0", "20")) }),
            ("logit_bias", .qwen36, { .nullable(.map(.number("-100", "100"))) }),
            ("response_format", .all, { Parts.responseFormat }),
            ("prediction", .all, { Parts.prediction }),
            ("reasoning_effort", .qwen36, { .enumeration(["low", "medium", "high"]) }),
            ("enable_thinking", .qwen3, { .boolean }),
            ("thinking_budget", .qwen3, { .integer("1") }),
        ]

    private let model: Models
    private let name: StaticString

    /// The schemas of a model; nil if it is unknown. The name ends at a #, after which
    /// thinkwire-mock expects options.
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

    /// Validates a field that is about to be set.
    func check(_ field: Bytes, _ value: JSONValue) throws(ArgumentError) {
        for known in ModelSchemas.fields
        where known.models.contains(model) && field.equals(known.name) {
            var validator = SchemaValidator(known.name, of: name)
            try validator.check(value, known.schema())
        }
    }

    /// Validates a message that is about to be added.
    func check(message: JSONValue) throws(ArgumentError) {
        for known in ModelSchemas.fields
        where known.models.contains(model) && StaticText.bytes(known.name).equals("messages") {
            guard case .array(let schema, _) = known.schema() else { continue }
            var validator = SchemaValidator("message", of: name)
            try validator.check(message, schema)
        }
    }
}

/// The schemas that are longer than a line.
private enum Parts {
    static var textPart: JSONSchema {
        .object([.required("type", .enumeration(["text"])), .required("text", .string)])
    }

    static var imagePart: JSONSchema {
        .object([
            .required("type", .string),
            .required(
                "image_url",
                .object([
                    .required("url", .string),
                    .optional("detail", .enumeration(["low", "high", "auto"])),
                ])),
        ])
    }

    static var refusalPart: JSONSchema {
        .object([.required("type", .string), .required("refusal", .string)])
    }

    static var text: JSONSchema { .tagged("type", [.when("text", textPart)]) }
    static var textOrImage: JSONSchema {
        .tagged("type", [.when("text", textPart), .when("image_url", imagePart)])
    }
    static var textOrRefusal: JSONSchema {
        .tagged("type", [.when("text", textPart), .when("refusal", refusalPart)])
    }

    /// A string, or an array of content parts.
    static func content(_ part: JSONSchema) -> JSONSchema { .either(.string, .array(part, .max)) }

    /// A message. `user`: the schema of a user's content parts. `isClosed`: system and tool
    /// messages have no other members.
    static func message(user: JSONSchema, needsRole: Bool = true, isClosed: Bool = true)
        -> JSONSchema
    {
        let system: [JSONSchema.Member] = [
            .required("role", .string), .required("content", content(text)),
            .optional("name", .string),
        ]
        let tool: [JSONSchema.Member] = [
            .required("role", .string), .required("content", .string),
            .required("tool_call_id", .string),
            .optional("name", .nullable(.string)),
        ]
        return .tagged(
            "role",
            [
                .when(
                    "user",
                    .object([.required("content", content(user)), .optional("name", .string)])),
                .when("system", isClosed ? .closed(system) : .object(system)),
                .when("tool", isClosed ? .closed(tool) : .object(tool)),
                .when("assistant", assistant),
            ], isRequired: needsRole)
    }

    static var assistant: JSONSchema {
        .object([
            .optional("content", content(textOrRefusal)), .optional("name", .string),
            .optional("tool_calls", .array(call, .max)),
            .optional("refusal", .nullable(.string)),
        ])
    }

    static var call: JSONSchema {
        .object([
            .required("id", .string), .required("type", .enumeration(["function"])),
            .required(
                "function", .object([.required("name", .string), .required("arguments", .string)])),
        ])
    }

    static var tool: JSONSchema {
        .closed([
            .required("type", .enumeration(["function"])),
            .required(
                "function",
                .closed([
                    .optional("description", .string), .required("name", .toolName),
                    .required("parameters", .map(.any)),
                    .optional("strict", .nullable(.boolean)),
                ])),
        ])
    }

    static var toolChoice: JSONSchema {
        .either(
            .enumeration(["none", "auto", "required"]),
            .object([
                .required("type", .enumeration(["function"])),
                .required("function", .object([.required("name", .string)])),
            ]))
    }

    static var prediction: JSONSchema {
        .object([.required("type", .enumeration(["content"])), .required("content", content(text))])
    }

    static var responseFormat: JSONSchema {
        .tagged(
            "type",
            [
                .when("text", .closed([.required("type", .string)])),
                .when("json_object", .closed([.required("type", .string)])),
                .when(
                    "json_schema",
                    .closed([.required("type", .string), .required("json_schema", jsonSchema)])),
            ])
    }

    static var jsonSchema: JSONSchema {
        .closed([
            .required("name", .string), .optional("schema", .map(.any)),
            .optional("strict", .nullable(.boolean)),
            .optional("description", .string),
        ])
    }
}
