import Base
import CPlatform
import Synchronization

/// The certificates that are trusted: the caller's, or the system's.
package final class TLSConfig {
    private let file: ByteString?
    private let directory: ByteString?

    /// Whether the system's certificate file is left out because there is a directory as well.
    ///
    /// libcurl reads the whole file for every new connection. That takes 20 to 50 ms, in which it
    /// notices neither cancellation nor timeouts. In a directory, OpenSSL looks up the one
    /// certificate it needs. When the directory does not verify a server, the attempt is repeated
    /// with the file, and the file is used from then on: the set of trusted certificates is the
    /// same.
    private let skipsSystemFile: Atomic<Bool>

    /// Nil for both uses the system's.
    package init(file: ByteString?, directory: ByteString?) {
        self.file = file
        self.directory = directory
        let usesSystem = file == nil && directory == nil
        let curl = platform_curl().pointee
        skipsSystemFile = Atomic(
            usesSystem && curl.ca_file != nil && curl.ca_directory != nil && curl.openssl != nil)
    }

    /// Sets libcurl's options.
    ///
    /// - Returns: Whether the system's file is left out.
    func apply(to easy: UnsafeMutableRawPointer) -> Bool {
        let curl = platform_curl().pointee
        if file != nil || directory != nil {
            // Either replaces both of the system's, which libcurl would otherwise still trust.
            set(easy, file?.cString, directory?.cString)
        } else if skipsSystemFile.load(ordering: .relaxed) {
            set(easy, nil, curl.ca_directory)
            return true
        } else {
            set(easy, curl.ca_file, curl.ca_directory)
        }
        return false
    }

    /// For the server and for an https proxy.
    private func set(
        _ easy: UnsafeMutableRawPointer, _ file: UnsafePointer<CChar>?,
        _ directory: UnsafePointer<CChar>?
    ) {
        _ = platform_set_pointer(easy, CURLOPT_CAINFO, file)
        _ = platform_set_pointer(easy, CURLOPT_CAPATH, directory)
        _ = platform_set_pointer(easy, CURLOPT_PROXY_CAINFO, file)
        _ = platform_set_pointer(easy, CURLOPT_PROXY_CAPATH, directory)
    }

    /// From now on, the system's file is used as well.
    func readSystemFile() { skipsSystemFile.store(false, ordering: .relaxed) }
}
