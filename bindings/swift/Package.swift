// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "thinkwire-swift",
    products: [.library(name: "Thinkwire", targets: ["Thinkwire"])],
    targets: [
        .systemLibrary(name: "LibThinkwire", pkgConfig: "thinkwire"),
        .target(name: "Thinkwire", dependencies: ["LibThinkwire"]),
        .executableTarget(name: "conversation", dependencies: ["Thinkwire"]),
    ]
)
