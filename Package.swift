// swift-tools-version: 6.0
import PackageDescription

#if canImport(Glibc)
    import Glibc
#endif

// Release builds on Linux are Embedded Swift, without the Swift runtime and metadata. Debug builds
// and other platforms are ordinary Swift, so that the sanitizers and Swift Testing work. The same
// sources build both ways.
let embedded = BuildSettingCondition.when(platforms: [.linux], configuration: .release)
let swiftSettings: [SwiftSetting] = [
    .enableExperimentalFeature("CImplementation"),
    .unsafeFlags(["-warnings-as-errors"]),
    // In Embedded Swift, the checks of exclusive access call functions that do nothing.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], embedded),
    // The traps of a function share one instruction: without a debugger they look alike anyway.
    .unsafeFlags(["-Xfrontend", "-mergeable-traps"], embedded),
    // Every object file contains copies of the generic code that it uses. With sections, the linker
    // keeps one of each.
    .unsafeFlags(["-Xfrontend", "-function-sections"], embedded),
    // As for C, below.
    .unsafeFlags(
        ["-Xcc", "-fno-asynchronous-unwind-tables", "-Xcc", "-fno-unwind-tables"], embedded),
    // Otherwise the library contains a hash of each object file, by which the compiler recognises
    // one that it need not generate again.
    .unsafeFlags(["-Xfrontend", "-disable-incremental-llvm-codegen"], embedded),
]
// SwiftPM links targets that enable the feature without the Swift runtime, and omits the toolchain
// from the run path even in debug builds. Therefore only the products enable it in SwiftPM. The
// modules that the tests link pass it to the compiler.
let shippedSettings = swiftSettings + [.enableExperimentalFeature("Embedded", embedded)]
let coreSettings =
    swiftSettings + [.unsafeFlags(["-enable-experimental-feature", "Embedded"], embedded)]
// In Chat, Engine and Thinkwire, functions are optimised for speed by attribute: those that run for
// every chunk, and those of Exchange that run once per exchange. Optimising all of them makes the
// library 13 % larger, and neither a chunk nor a small exchange cheaper.
let smallSettings: [SwiftSetting] = [.unsafeFlags(["-Osize"], embedded)]
let cSettings: [CSetting] = [
    .unsafeFlags(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]),
    // The frames of the library are not unwound: an exception that leaves a callback ends the
    // process, and does not leave the library in an undefined state.
    .unsafeFlags(["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"], embedded),
    // The C code has no loops over the bytes of an answer: those are in Swift and in libc.
    .unsafeFlags(["-Os"], embedded),
]

/// Without THINKWIRE_SYMBOLS in the environment, the linker removes symbols and debug information.
let strip =
    Context.environment["THINKWIRE_SYMBOLS"] == nil ? ["-Xlinker", "-s"] : []

/// Has the linker store relative relocations in the packed format (DT_RELR), which makes the
/// library 13 KB smaller. glibc can load it from 2.36 on. With THINKWIRE_OLD_LIBC in the
/// environment, the library is for an older glibc than that of the machine that builds it.
let relocations: [String] = {
    #if canImport(Glibc)
        var name = [CChar](repeating: 0, count: 64)
        confstr(Int32(_CS_GNU_LIBC_VERSION), &name, name.count)
        let version = String(cString: name).drop { $0 != " " }.dropFirst().split(separator: ".")
        let isOld = version.compactMap { Int($0) }.lexicographicallyPrecedes([2, 36])
        if isOld || Context.environment["THINKWIRE_OLD_LIBC"] != nil { return [] }
        return ["-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"]
    #else
        return []
    #endif
}()

/// With THINKWIRE_NO_MOCK in the environment, the package lacks thinkwire-mock. The unit tests do
/// not need it, but SwiftPM would build it for them, with each sanitizer again.
let mock: [Target] =
    Context.environment["THINKWIRE_NO_MOCK"] != nil
    ? []
    : [
        .target(name: "CMock", cSettings: cSettings + [.unsafeFlags(["-std=c23"])]),
        .executableTarget(
            name: "thinkwire-mock", dependencies: ["Base", "Chat", "Transport", "CMock"],
            exclude: ["README.md", "recordings", "schemas"],
            swiftSettings: shippedSettings,
            linkerSettings: [.linkedLibrary("m"), .unsafeFlags(strip, embedded)]),
    ]

let package = Package(
    name: "thinkwire",
    products: [
        .library(name: "thinkwire", type: .dynamic, targets: ["Thinkwire"])
    ] + mock.suffix(1).map { .executable(name: $0.name, targets: [$0.name]) },
    targets: [
        .systemLibrary(name: "CThinkwire", path: "include"),
        .target(name: "CPlatform", cSettings: cSettings, linkerSettings: [.linkedLibrary("curl")]),
        .target(name: "Base", dependencies: ["CPlatform"], swiftSettings: coreSettings),
        .target(
            name: "Chat", dependencies: ["Base", "CThinkwire"],
            swiftSettings: coreSettings + smallSettings),
        .target(
            name: "Transport", dependencies: ["Base", "CPlatform"],
            swiftSettings: coreSettings),
        .target(
            name: "Engine", dependencies: ["Base", "Chat", "Transport", "CThinkwire"],
            swiftSettings: coreSettings + smallSettings),
        .target(
            name: "Thinkwire", dependencies: ["Base", "Chat", "Engine", "CThinkwire"],
            exclude: ["exports.map"],
            swiftSettings: shippedSettings + smallSettings,
            linkerSettings: [
                .unsafeFlags(
                    [
                        // gold would keep the metadata of classes in the dynamic symbol table.
                        "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "--icf=all",
                        "-Xlinker", "--version-script=Sources/Thinkwire/exports.map", "-Xlinker",
                        "-soname=libthinkwire.so.0",
                        "-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now",
                        "-Xlinker", "-z", "-Xlinker", "nodelete", "-Xlinker", "-z", "-Xlinker",
                        "noexecstack", "-Xlinker", "--no-eh-frame-hdr",
                    ] + strip + relocations, .when(platforms: [.linux], configuration: .release))
            ]),
        .testTarget(
            name: "UnitTests", dependencies: ["Base", "Chat", "Transport", "Engine"],
            path: "Tests/unit",
            swiftSettings: swiftSettings),
    ] + mock
)
