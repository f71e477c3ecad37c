import Testing
@testable import ThinkwireCore

@Test func readsAValue() throws {
    var reader = JSONReader()
    let text: [UInt8] = Array(#"{"a":[1,2,{"b":"x\n\ud83d\ude0a"}],"a":12.0}"#.utf8)
    try text.withUnsafeBufferPointer { bytes in
        let value = try reader.read(bytes)
        #expect(value["a"]?.integer == 12)
    }
}
