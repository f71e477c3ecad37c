import CPlatform

/// Identifies the process that created a value. A child of fork has another identity.
@usableFromInline package struct ProcessIdentity: Sendable {
    private let generation = platform_process()

    package init() {}

    package var isCurrent: Bool { generation == platform_process() }
}
