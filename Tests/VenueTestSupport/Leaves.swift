import JSON
import Venue

/// Every text, number, boolean and null of a JSON value under its path, found without the code under test:
/// `data[0].eq` → `"1"`.
public func leaves(of value: JSONValue, at path: String = "") -> [String: String] {
    switch value {
    case .object(let object):
        var found: [String: String] = [:]
        for (key, member) in object.members {
            found.merge(leaves(of: member, at: path.isEmpty ? key : "\(path).\(key)")) { first, _ in first }
        }
        return found
    case .array(let elements):
        var found: [String: String] = [:]
        for (place, element) in elements.enumerated() {
            found.merge(leaves(of: element, at: "\(path)[\(place)]")) { first, _ in first }
        }
        return found
    default: return [path: value.description]
    }
}

extension JSONValue {
    /// The same value with something in one place of it gone, emptied or of another type; what is done where
    /// follows from two numbers, whatever they are.
    public func damaged(at place: Int, by harm: Int) -> JSONValue {
        var rest = place
        return damaged(&rest, harm) ?? .null
    }

    /// Nil where the value itself is to be left out.
    private func damaged(_ rest: inout Int, _ harm: Int) -> JSONValue? {
        switch self {
        case .object(let object):
            var members: [(key: String, value: JSONValue)] = []
            for (key, member) in object.members {
                if let kept = member.damaged(&rest, harm) { members.append((key, kept)) }
            }
            return .object(JSONObject(members))
        case .array(let elements):
            if rest == 0, harm % 3 == 0 {
                rest -= 1
                return .string("none")
            }
            return .array(elements.compactMap { $0.damaged(&rest, harm) })
        default:
            rest -= 1
            if rest != -1 { return self }
            return [
                nil, .null, .string(""), .number("-0.5"), .string("1e-30"), .string("1e60"), .bool(true),
                .array([self]), .object(JSONObject([("odd", self)])), .string("word"),
            ][harm % 10]
        }
    }
}
