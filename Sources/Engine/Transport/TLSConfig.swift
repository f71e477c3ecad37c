import Base
import CPlatform
import Chat
import Synchronization

/// Whose certificates are trusted: those that the caller names, in place of the system's.
final class TLSConfig {
    private let file: ByteString?
    private let directory: ByteString?

    /// The system's file of certificates is left out where there is a directory of the same beside it. libcurl reads all of the file for
    /// every new connection, and while it does, for 20 to 50 ms, it hears of no cancelling and no clock; in a directory, OpenSSL looks
    /// for the one that it needs. Who is not trusted by that is looked for in the file as well, and so is everybody from then on: what
    /// is trusted is the same.
    private let skipsSystemFile: Atomic<Bool>

    init(_ options: Options) {
        file = options.certificates
        directory = options.certificateDirectory
        let isSystems = file == nil && directory == nil
        let curl = platform_curl().pointee
        skipsSystemFile = Atomic(
            isSystems && curl.ca_file != nil && curl.ca_directory != nil && curl.openssl != nil)
    }

    /// Says it to libcurl. true: the system's file is left out.
    func put(into easy: UnsafeMutableRawPointer) -> Bool {
        let curl = platform_curl().pointee
        if file != nil || directory != nil {
            // Either is in place of both of the system's, which libcurl would otherwise go on to trust.
            set(easy, file?.cString, directory?.cString)
        } else if skipsSystemFile.load(ordering: .relaxed) {
            set(easy, nil, curl.ca_directory)
            return true
        } else {
            set(easy, curl.ca_file, curl.ca_directory)
        }
        return false
    }

    /// Of the server and of an https proxy.
    private func set(
        _ easy: UnsafeMutableRawPointer, _ file: UnsafePointer<CChar>?,
        _ directory: UnsafePointer<CChar>?
    ) {
        _ = platform_set_pointer(easy, CURLOPT_CAINFO, file)
        _ = platform_set_pointer(easy, CURLOPT_CAPATH, directory)
        _ = platform_set_pointer(easy, CURLOPT_PROXY_CAINFO, file)
        _ = platform_set_pointer(easy, CURLOPT_PROXY_CAPATH, directory)
    }

    /// The directory was not enough.
    func readSystemFile() { skipsSystemFile.store(false, ordering: .relaxed) }
}
