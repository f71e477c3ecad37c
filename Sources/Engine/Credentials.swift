import Base
import Transport

/// The endpoint of a client and the key that is sent to it.
struct Credentials {
    let endpoint: Endpoint
    let key: ByteString?

    /// The options take precedence over the environment. No provider is sent another's key.
    static func resolve(_ options: Options) throws(ArgumentError) -> Credentials {
        let credentials = try find(options)
        if let key = credentials.key, !isHeaderValue(key.bytes) {
            throw ArgumentError(
                "the API key in the environment contains a control character: check for a line end")
        }
        return credentials
    }

    private static func find(_ options: Options) throws(ArgumentError) -> Credentials {
        let ownKey = options.isKeySet ? options.key : environment("THINKWIRE_API_KEY")
        let hasKey = options.isKeySet || ownKey != nil
        let aimlapi = ByteString(StaticText.bytes("https://api.aimlapi.com/v1"))
        let openAI =
            environment("OPENAI_BASE_URL")
            ?? ByteString(StaticText.bytes("https://api.openai.com/v1"))
        if let base = options.baseURL ?? environment("THINKWIRE_BASE_URL") {
            let endpoint = try Endpoint.of(baseURL: base.bytes)
            if hasKey { return Credentials(endpoint: endpoint, key: ownKey) }
            if endpoint.isServer(of: try Endpoint.of(baseURL: aimlapi.bytes)),
                let key = environment("AIMLAPI_API_KEY")
            {
                return Credentials(endpoint: endpoint, key: key)
            }
            // An invalid OPENAI_BASE_URL does not matter to a client with another base URL.
            let isOpenAI =
                (try? Endpoint.of(baseURL: openAI.bytes)).map { endpoint.isServer(of: $0) } ?? false
            return Credentials(
                endpoint: endpoint, key: isOpenAI ? environment("OPENAI_API_KEY") : nil)
        }
        if hasKey {
            return Credentials(endpoint: try Endpoint.of(baseURL: aimlapi.bytes), key: ownKey)
        }
        if let key = environment("AIMLAPI_API_KEY") {
            return Credentials(endpoint: try Endpoint.of(baseURL: aimlapi.bytes), key: key)
        }
        if let key = environment("OPENAI_API_KEY") {
            return Credentials(endpoint: try Endpoint.of(baseURL: openAI.bytes), key: key)
        }
        throw ArgumentError(
            """
            no API key: call tw_options_set_api_key, or set THINKWIRE_API_KEY or AIMLAPI_API_KEY \
            in the environment
            """)
    }
}
