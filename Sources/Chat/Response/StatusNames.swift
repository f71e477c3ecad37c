import Base
import CThinkwire

extension StaticText {
    /// Name of a status in the C header; "TW_UNKNOWN" for an unknown value.
    package static func name(of status: tw_status) -> StaticString {
        switch status {
        case TW_OK: "TW_OK"
        case TW_INVALID: "TW_INVALID"
        case TW_MISUSE: "TW_MISUSE"
        case TW_CANCELLED: "TW_CANCELLED"
        case TW_RESOLVE: "TW_RESOLVE"
        case TW_CONNECT: "TW_CONNECT"
        case TW_TLS: "TW_TLS"
        case TW_NETWORK: "TW_NETWORK"
        case TW_TIMEOUT: "TW_TIMEOUT"
        case TW_AUTH: "TW_AUTH"
        case TW_FORBIDDEN: "TW_FORBIDDEN"
        case TW_QUOTA: "TW_QUOTA"
        case TW_NOT_FOUND: "TW_NOT_FOUND"
        case TW_BAD_REQUEST: "TW_BAD_REQUEST"
        case TW_RATE_LIMITED: "TW_RATE_LIMITED"
        case TW_SERVER: "TW_SERVER"
        case TW_TRUNCATED: "TW_TRUNCATED"
        case TW_PROTOCOL: "TW_PROTOCOL"
        case TW_LIMIT: "TW_LIMIT"
        default: "TW_UNKNOWN"
        }
    }
}
