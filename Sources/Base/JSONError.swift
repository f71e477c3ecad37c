/// The reason why a text is not JSON, and its offset.
package struct JSONError: Error, Equatable {
    /// The number of bytes before the error.
    package var offset: Int
    package var problem: Problem

    package enum Problem: UInt8 {
        case unexpectedEnd, expectedValue, expectedKey, expectedColon, expectedCommaOrEnd,
            controlCharacter, badEscape, badNumber
        case badUTF8, trailingText, tooDeep, tooLarge, tooManyValues, numberTooLong

        package var text: StaticString {
            switch self {
            case .unexpectedEnd: "the text ends too early"
            case .expectedValue: "a value is expected"
            case .expectedKey: "a name in quotes is expected"
            case .expectedColon: "a colon is expected"
            case .expectedCommaOrEnd: "a comma or the closing bracket is expected"
            case .controlCharacter: "a control character in a string must be escaped"
            case .badEscape: "invalid escape sequence"
            case .badNumber: "invalid number"
            case .badUTF8: "invalid UTF-8"
            case .trailingText: "text after the value"
            case .tooDeep: "nested too deeply"
            case .tooLarge: "too large"
            case .tooManyValues: "more than 16777216 values"
            case .numberTooLong: "a number of more than 1000 characters"
            }
        }
    }
}
