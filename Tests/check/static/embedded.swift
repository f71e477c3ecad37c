import CThinkwire

// Generic code, of which the library has its own copies under the same names.
let numbers: [UInt8] = [3, 1, 2].map { $0 * 2 }.sorted()
let name: StaticString = tw_version() != nil && numbers == [2, 4, 6] ? "linked" : "failed"
print(name)
