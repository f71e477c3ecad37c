import Base

/// The ids of the models that an endpoint offers, in the order of the response.
package struct ModelList: ~Copyable {
    /// The ids, each followed by a NUL.
    private var text = ByteBuffer()
    private var starts: [Int] = []

    package var count: Int { starts.count }

    /// The id at an index, as a C string; nil if the index is out of range. Valid as long as the
    /// list.
    package func id(at index: Int) -> UnsafePointer<CChar>? {
        index >= 0 && index < starts.count ? text.cString + starts[index] : nil
    }

    /// Reads the response to `GET /models`; false if it is not a list of models.
    ///
    /// OpenAI and most others send `{"data": [{"id": …}]}`; Ollama sends null in place of an empty
    /// array (tinyhumansai/openhuman#4121); Together sends an array
    /// (odysseus-dev/odysseus#2202); Cohere, Gemini and Ollama's own API send
    /// `{"models": [{"name": …}]}` (CNSeniorious000/oai2ollama#5). llama.cpp sends both members
    /// (ggml-org/llama.cpp, tools/server): `data` counts.
    mutating func read(_ response: JSONValue) -> Bool {
        if response.kind == .array { return readArray(response) }
        var hasNull = false
        for name in Fields(words: "data models result") {
            guard let list = response[name] else { continue }
            if list.kind == .array { return readArray(list) }
            if list.isNull { hasNull = true }
        }
        return hasNull
    }

    /// Reads the elements. False if there are elements, but none that names a model.
    private mutating func readArray(_ list: JSONValue) -> Bool {
        var isEmpty = true
        for element in list.elements {
            isEmpty = false
            guard let id = ModelList.id(of: element) else { continue }
            starts.append(text.count)
            id.appendText(to: &text)
            text.append(0)
        }
        return isEmpty || count > 0
    }

    private static func id(of element: JSONValue) -> JSONValue? {
        if element.isString { return element }
        for name in Fields(words: "id model name") {
            if let id = element[name], id.isString, !id.contents.isEmpty { return id }
        }
        return nil
    }
}
