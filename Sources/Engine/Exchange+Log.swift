import Base
import Chat
import Transport

/// What `tw_options_set_log` reports of an exchange.
extension Exchange {
    /// A time as microseconds since the call began. Not before the response did: the loop's time is
    /// sampled before libcurl connects and reads.
    func microseconds(at now: Int64) -> Int64 {
        guard callStart > 0 else { return 0 }
        return (max(now, attempt.transfer?.timing.firstByte ?? 0) - callStart) / 1000
    }

    func logBegin() {
        client?.log { line in
            line.append(resource.method)
            line.append(" ")
            if let client {
                line.append(withoutQuery(client.settings.endpoint.url(of: resource)))
            }
            if reply.attempts > 1 {
                line.append(", attempt ")
                line.append(decimal: reply.attempts)
            }
        }
    }

    func logRetry() {
        client?.log { line in
            line.append("next attempt in ")
            line.append(decimal: Int(retryWait / millisecond))
            line.append(" ms")
        }
    }

    func logEnd(at now: Int64) {
        client?.log { line in
            line.append(StaticText.name(of: reply.status))
            if reply.httpStatus > 0 {
                line.append(", HTTP ")
                line.append(decimal: reply.httpStatus)
            }
            line.append(", ")
            line.append(decimal: Int(microseconds(at: now) / 1000))
            line.append(" ms, ")
            line.append(decimal: attempt.transfer?.received ?? 0)
            line.append(" bytes")
        }
    }
}
