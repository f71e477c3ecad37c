// swift-tools-version: 6.0
import PackageDescription

// What ships is Embedded Swift: no Swift runtime, no metadata. What tests is ordinary Swift, so that the sanitizers and Swift
// Testing work. The same sources build both ways; other platforms build as ordinary Swift.
let swiftSettings: [SwiftSetting] = [
    .enableExperimentalFeature("Embedded", .when(platforms: [.linux], configuration: .release)),
    .enableExperimentalFeature("CImplementation"),
    .unsafeFlags(["-warnings-as-errors"]),
]
let cSettings: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])]

let package = Package(
    name: "thinkwire",
    products: [
        .library(name: "thinkwire", type: .dynamic, targets: ["Thinkwire"]),
    ],
    targets: [
        .systemLibrary(name: "CThinkwire", path: "include"),
        .target(name: "CPlatform", cSettings: cSettings, linkerSettings: [.linkedLibrary("curl"), .linkedLibrary("m")]),
        .target(name: "ThinkwireCore", dependencies: ["CPlatform", "CThinkwire"], swiftSettings: swiftSettings),
        .target(
            name: "Thinkwire", dependencies: ["ThinkwireCore", "CPlatform", "CThinkwire"], exclude: ["exports.map"],
            swiftSettings: swiftSettings,
            linkerSettings: [
                .unsafeFlags(
                    [
                        "-Xlinker", "--version-script=Sources/Thinkwire/exports.map", "-Xlinker", "-soname=libthinkwire.so.0",
                        "-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now",
                        "-Xlinker", "-z", "-Xlinker", "nodelete", "-Xlinker", "-z", "-Xlinker", "noexecstack",
                    ], .when(platforms: [.linux], configuration: .release)),
            ]),
        .testTarget(name: "ThinkwireCoreTests", dependencies: ["ThinkwireCore"], swiftSettings: swiftSettings),
    ]
)
