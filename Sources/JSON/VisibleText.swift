extension String {
    /// The text as it may be shown to a person: what a terminal would obey or hide is written as `\u001b`,
    /// `\u202e` and the like instead.
    ///
    /// That is control characters, line ends, marks of direction, and characters without a width of their
    /// own. Of a JSON text without line ends between its values it is the same JSON: there these characters
    /// stand nowhere but in strings.
    public var visible: String {
        if utf8.allSatisfy({ (0x20...0x7e).contains($0) }) { return self }
        var text = ""
        text.reserveCapacity(utf8.count)
        for scalar in unicodeScalars {
            if isObeyedOrHidden(scalar) {
                for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

private func isObeyedOrHidden(_ scalar: Unicode.Scalar) -> Bool {
    if (0x20...0x7e).contains(scalar.value) { return false }
    let properties = scalar.properties
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    default: return properties.isDefaultIgnorableCodePoint
    }
}
