// swift-tools-version: 6.0
import PackageDescription

// What ships is Embedded Swift: no Swift runtime, no metadata. What tests is ordinary Swift, so that the sanitizers and Swift
// Testing work. The same sources build both ways; other platforms build as ordinary Swift.
let embedded = BuildSettingCondition.when(platforms: [.linux], configuration: .release)
let swiftSettings: [SwiftSetting] = [
    .enableExperimentalFeature("CImplementation"),
    .unsafeFlags(["-warnings-as-errors"]),
    // Embedded Swift's checks of exclusive access are calls to functions that do nothing.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], embedded),
    // Every object file brings its own copy of what it uses of the standard library: one is kept of each.
    .unsafeFlags(["-Xfrontend", "-function-sections"], embedded),
]
// Where SwiftPM sees the feature, it links without the Swift runtime, and leaves the toolchain out of the run path in debug builds
// as well. So it is told for what is shipped; the core, which the tests link, tells the compiler alone.
let shippedSettings = swiftSettings + [.enableExperimentalFeature("Embedded", embedded)]
let coreSettings =
    swiftSettings + [.unsafeFlags(["-enable-experimental-feature", "Embedded"], embedded)]
let cSettings: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])]

let package = Package(
    name: "thinkwire",
    products: [
        .library(name: "thinkwire", type: .dynamic, targets: ["Thinkwire"]),
        .executable(name: "thinkwire-mock", targets: ["thinkwire-mock"]),
    ],
    targets: [
        .systemLibrary(name: "CThinkwire", path: "include"),
        .target(name: "CPlatform", cSettings: cSettings, linkerSettings: [.linkedLibrary("curl")]),
        .target(name: "Base", dependencies: ["CPlatform"], swiftSettings: coreSettings),
        .target(name: "Chat", dependencies: ["Base", "CThinkwire"], swiftSettings: coreSettings),
        .target(
            name: "Engine", dependencies: ["Base", "Chat", "CThinkwire"],
            swiftSettings: coreSettings),
        .target(
            name: "Thinkwire", dependencies: ["Base", "Chat", "Engine", "CThinkwire"],
            exclude: ["exports.map"],
            swiftSettings: shippedSettings,
            linkerSettings: [
                .unsafeFlags(
                    [
                        // gold would leave the classes' metadata in the table of dynamic symbols.
                        "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "--icf=all",
                        "-Xlinker", "--version-script=Sources/Thinkwire/exports.map", "-Xlinker",
                        "-soname=libthinkwire.so.0",
                        "-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now",
                        "-Xlinker", "-z", "-Xlinker", "nodelete", "-Xlinker", "-z", "-Xlinker",
                        "noexecstack", "-Xlinker", "-s",
                    ], .when(platforms: [.linux], configuration: .release))
            ]),
        .target(name: "CMock", cSettings: cSettings + [.unsafeFlags(["-std=c23"])]),
        .executableTarget(
            name: "thinkwire-mock", dependencies: ["Base", "Chat", "CMock"],
            exclude: ["recordings", "schemas"],
            swiftSettings: shippedSettings,
            linkerSettings: [.linkedLibrary("m"), .unsafeFlags(["-Xlinker", "-s"], embedded)]),
        .testTarget(
            name: "UnitTests", dependencies: ["Base", "Chat", "Engine"], path: "Tests/unit",
            swiftSettings: swiftSettings),
    ]
)
