import JSON
import Testing
import Venue

@testable import Engine

@Suite struct DigestTests {
    private func digest(_ text: String) throws -> String {
        hexText(ContentDigest.bytes(of: try JSONValue(parsing: text), without: "id"))
    }

    /// What must never change, as it is stored: worked out apart from this code, from the definition in
    /// `ContentDigest.swift`.
    @Test func storedDigestsStayAsTheyAre() throws {
        let text = """
            {"type":"raise","id":"x","account":"desk","flag":"colRes",
            "value":{"a":[1,null,true,false,"tenletters"],"b":"é"}}
            """
        #expect(try digest(text) == "9aca5ae4b2c7a17932bf731055c89670")
    }

    /// Order, blanks, escapes and the id do not matter; everything else does.
    @Test func theSameContentHasTheSameDigest() throws {
        let same = [
            #"{"type":"raise","value":{"a":1,"b":["x","y"]},"id":"1"}"#,
            #"{"id":"2","value":{"b":["x","y"],"a":1},"type":"raise"}"#,
            #" { "type" : "r\u0061ise" , "value" : { "a" : 1 , "b" : [ "x" , "y" ] } } "#,
        ]
        #expect(Set(try same.map { try digest($0) }).count == 1)
        let others = [
            same[0], #"{"type":"raise","value":{"a":2,"b":["x","y"]}}"#,
            #"{"type":"raise","value":{"a":1,"b":["y","x"]}}"#,
            #"{"type":"raise","value":{"a":"1","b":["x","y"]}}"#,
            #"{"type":"raise","value":{"a":1.0,"b":["x","y"]}}"#,
            #"{"type":"raise","value":{"a":1,"b":["xy"]}}"#,
            #"{"type":"raise","value":{"b":1,"a":["x","y"]}}"#,
            #"{"type":"raise","value":{"a":1,"b":["x","y",null]}}"#,
            #"{"type":"raise","value":{"a":1},"b":["x","y"]}"#,
            #"{"type":"raise","value":{"a":1,"b":["x",{}]}}"#,
            #"{"type":"raise","value":{"a":1,"b":["x",[]]}}"#,
            #"{"type":"raise","value":{"a":1,"id":"1","b":["x","y"]}}"#,
            #"{"type":"raise","value":{"a":1,"b":["x\u0000","y"]}}"#, "{}", "[]", "null", "false", "true",
            "0", #""""#,
        ]
        #expect(Set(try others.map { try digest($0) }).count == others.count)
    }
}
