/// The parts of a text between separators.
///
/// A list in one literal takes no more space than its text. In an array of literals, the address,
/// the length and the relocation of an element take more space than most texts.
package struct Fields: Sequence, IteratorProtocol {
    private var rest: Bytes?
    private let separator: UInt8

    package init(_ text: Bytes, _ separator: UInt8) {
        rest = text
        self.separator = separator
    }

    /// The words of a literal, which single spaces separate.
    package init(words: StaticString) { self.init(StaticText.bytes(words), UInt8(ascii: " ")) }

    @inline(never)
    package mutating func next() -> Bytes? {
        guard let text = rest else { return nil }
        let end = text.firstOffset(of: separator, from: 0)
        rest = end < text.count ? text.dropping(end + 1) : nil
        return text.part(0..<end)
    }
}
