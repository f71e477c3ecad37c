import Base
import CPlatform

/// A limit on the size of a response.
package enum SizeLimit {
    case headers, body
}

/// How a transfer ended.
package enum TransferEnd {
    case complete
    case failed(CURLcode)
    case timedOut(TimeoutKind)
    /// The response was larger than that limit.
    case tooLarge(SizeLimit)
}

/// What is known about a transfer that has ended.
package struct TransferResult {
    package var end: TransferEnd
    /// How many bytes of the body were received.
    package var received = 0
    /// The HTTP status of the proxy's response to CONNECT; 0 without one.
    package var proxyStatus = 0
    /// A proxy is configured. The transfer may have used it.
    package var hasProxy = false
    /// OpenSSL's reason for rejecting the certificate of the server or a proxy (X509_V_ERR_…, part
    /// of its ABI); 0 for none, 1 if verification was not reached.
    package var certificateProblem = 0
    /// The process has no file descriptors left.
    package var lacksDescriptors = false
    /// libcurl has decoded the body if a header says that it is compressed.
    package var isDecoded = false
    /// libcurl's description of its failure, if there is one.
    package var explanation: ByteString?

    package init(end: TransferEnd) { self.end = end }

    package var isComplete: Bool {
        if case .complete = end { return true }
        return false
    }
}
