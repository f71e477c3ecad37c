import Base
import CPlatform

/// libcurl's options for a transfer, and the callbacks through which it reports.
extension Transfer {
    /// Sets what is the same for every transfer of a client.
    func configure(_ easy: UnsafeMutableRawPointer) {
        _ = platform_set_pointer(easy, CURLOPT_HTTPHEADER, settings.headers.list)
        // Decodes every coding that libcurl knows. The request's own header asks for none.
        _ = platform_set_pointer(easy, CURLOPT_ACCEPT_ENCODING, StaticText.empty)
        _ = platform_set_pointer(easy, CURLOPT_PROTOCOLS_STR, StaticText.cString("http,https"))
        _ = platform_set_long(
            easy, CURLOPT_HTTP_VERSION,
            settings.usesHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
        _ = platform_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        _ = platform_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        // No signals in the host process; and cancelling does not wait for a name server.
        _ = platform_set_long(easy, CURLOPT_NOSIGNAL, 1)
        _ = platform_set_long(easy, CURLOPT_QUICK_EXIT, 1)
        _ = platform_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        // A proxy's response to CONNECT is not the server's.
        _ = platform_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        _ = platform_set_pointer(easy, CURLOPT_PROXY, settings.proxy.address.cString)
        _ = platform_set_pointer(easy, CURLOPT_NOPROXY, settings.proxy.unproxiedHosts.cString)
        _ = platform_set_long(easy, CURLOPT_PROXY_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        _ = platform_set_write(easy, CURLOPT_WRITEFUNCTION, Transfer.receiveBody)
        _ = platform_set_write(easy, CURLOPT_HEADERFUNCTION, Transfer.receiveHeader)
        _ = platform_set_resolver_start(easy) { _, _, transfer in Transfer.connects(transfer) }
        _ = platform_set_sockopt(easy) { transfer, _, _ in Transfer.connects(transfer) }
        _ = platform_set_prerequest(easy, Transfer.connected)
        _ = platform_set_progress(easy, Transfer.progress)
        _ = platform_set_long(easy, CURLOPT_NOPROGRESS, 0)
    }

    private static let progress: curl_xferinfo_callback = { transfer, _, _, _, _ in
        guard let transfer else { return 0 }
        return UnretainedReference<Transfer>(transfer).with { $0.shouldContinue() } ? 0 : 1
    }

    /// libcurl looks up a name or tries an address. That happens not only at the beginning: libcurl
    /// replaces a reused connection that ends before anything was received.
    private static func connects(_ transfer: UnsafeMutableRawPointer?) -> Int32 {
        guard let transfer else { return 0 }
        let this = Handle.object(transfer, as: Transfer.self)
        this.endWait()
        this.beginToConnect()
        if this.clock.connect(at: platform_now(), away: this.loop.timeAway) {
            this.timing.connected = -1
            this.loop.connecting.append(this)
            this.noteProgress()
        }
        return 0
    }

    private static let connected: curl_prereq_callback = { transfer, _, _, _, localPort in
        guard let transfer else { return CURL_PREREQFUNC_OK }
        let this = Handle.object(transfer, as: Transfer.self)
        let now = platform_now()
        if this.clock.phase == .connecting { this.loop.connecting.remove(this) }
        this.clock.wait(at: now)
        this.endWait()
        this.noteProgress()
        this.timing.connected = now
        this.joinConnection(Int(localPort))
        if let easy = this.easy { platform_tls_prepare(easy) }
        return CURL_PREREQFUNC_OK
    }

    private static let receiveHeader: curl_write_callback = { bytes, _, count, transfer in
        guard let bytes, let transfer else { return 0 }
        let line = Bytes(
            start: UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self), count: count)
        return UnretainedReference<Transfer>(transfer).with { $0.receive(header: line) }
            ? count : 0
    }

    /// Keeps a header line; false ends the transfer.
    private func receive(header line: Bytes) -> Bool {
        head.count(line)
        guard head.byteCount <= settings.limits.headers else {
            end = .tooLarge(.headers)
            return false
        }
        // When the connection ends inside a line, libcurl 8 passes on its beginning.
        guard line.last == UInt8(ascii: "\n") else { return true }
        let isStatusLine = head.isStatusLine(line, bodyHasBegun: received > 0)
        if isStatusLine {
            head.begin(status: easy.map { platform_get_long($0, CURLINFO_RESPONSE_CODE) } ?? 0)
        } else {
            head.add(line)
        }
        guard head.status != 0 else { return true }
        noteProgress()
        clock.receive(at: loop.now)
        lastReceived = loop.now
        if timing.firstByte < 0 {
            timing.firstByte = max(loop.now, timing.connected)
            if let sharedPort { loop.shared.noteResponse(sharedPort) }
        }
        return true
    }

    private static let receiveBody: curl_write_callback = { bytes, _, count, transfer in
        guard let bytes, let transfer else { return 0 }
        let part = UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self)
        return UnretainedReference<Transfer>(transfer).with { transfer in
            if transfer.isPaused {
                transfer.isHoldingData = true
                return Int(CURL_WRITEFUNC_PAUSE)
            }
            return transfer.receive(part, count) ? count : 0
        }
    }

    /// Keeps a part of the body; false ends the transfer.
    @inline(__always)
    private func receive(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        // libcurl accepts "HTTP/200 OK" as a status line, but without a status.
        guard head.status != 0 else {
            end = .failed(CURLE_WEIRD_SERVER_REPLY)
            return false
        }
        noteProgress()
        lastReceived = loop.now
        received += count
        let excess = received - settings.limits.body
        guard excess > 0 else {
            inbox.append(bytes, count)
            return true
        }
        // What the limit allows is kept.
        inbox.append(bytes, max(count - excess, 0))
        received -= excess
        end = .tooLarge(.body)
        return false
    }
}
