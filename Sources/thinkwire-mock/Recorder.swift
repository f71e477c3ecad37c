import Base
import CMock
import CPlatform
import Chat
import Transport

/// Forwards requests to a provider, and stores them and their responses in a file without secrets.
///
/// The requests of all connections share libcurl's event loop, whose descriptor the server watches.
final class Recorder {
    private let destination: ForwardedExchange.Destination
    private let file: Int32
    private let loop: EventLoop
    private var exchanges: [ForwardedExchange] = []
    private var reader = JSONReader()

    private init(_ destination: ForwardedExchange.Destination, file: Int32, _ loop: EventLoop) {
        self.destination = destination
        self.file = file
        self.loop = loop
    }

    /// Prepares forwarding to a base URL such as https://api.openai.com/v1.
    ///
    /// `authorities`: a file of certificates that are trusted instead of the system's.
    static func create(url: Bytes, file path: Bytes, authorities: Bytes?) throws(StartError)
        -> Recorder
    {
        // A handle that is used again would keep the headers of its last request, so none is kept.
        guard platform_curl_init() == CURLE_OK,
            let loop = EventLoop.create(OpenSockets(), WakeList(), maxIdleConnections: 0)
        else { throw StartError(ByteArray("libcurl cannot be initialised")) }
        let destination: ForwardedExchange.Destination
        do throws(ArgumentError) {
            let endpoint = try Endpoint.of(baseURL: url)
            var host = ByteBuffer()
            host.append(endpoint.host)
            guard endpoint.isSecure || platform_is_private_host(host.cString) else {
                throw ArgumentError("the keys would be sent in clear text: use https")
            }
            let proxy = try ProxyConfig.resolve(nil, unproxiedHosts: nil, for: endpoint)
            destination = ForwardedExchange.Destination(
                endpoint: endpoint, proxy: proxy,
                tls: TLSConfig(file: authorities.map { ByteString($0) }, directory: nil))
        } catch {
            throw StartError("--record: ", error.message.text.bytes, "")
        }
        return Recorder(destination, file: try openForAppending(path), loop)
    }

    /// Descriptor that is readable when `turn` has something to do.
    var descriptor: Int32 { loop.descriptor }

    /// Sends a request to the provider. Its response is passed to the connection during a turn.
    func forward(
        _ request: borrowing HTTPRequest, to resource: Resource, for connection: UInt64,
        _ context: HTTPResponse.ResponseContext
    ) {
        loop.updateTime()
        let exchange = ForwardedExchange(request, resource, connection, context, destination)
        exchanges.append(exchange)
        exchange.start(on: loop)
        loop.wake()
    }

    /// Ends the exchange of a connection that was closed, and stores nothing of it.
    func cancel(_ connection: UInt64) {
        guard let index = exchanges.firstIndex(where: { $0.connection == connection }) else {
            return
        }
        exchanges.remove(at: index).stop()
        loop.wake()
    }

    /// Receives what has arrived, and passes it to the connections.
    func turn(_ server: Server) {
        loop.turn(until: 0)
        var deadline = Int64.max
        for exchange in exchanges {
            exchange.receive(on: loop)
            if exchange.hasEnded {
                exchanges.removeAll { $0 === exchange }
                var line = ByteBuffer()
                exchange.append(to: &line, &reader)
                writeAll(line.bytes, to: file)
            } else {
                deadline = min(deadline, exchange.deadline)
            }
            server.received(exchange)
        }
        loop.arm(until: deadline)
    }
}
