import JSON

extension JSONWriter {
    /// The bytes of one object: what `write` writes in it.
    @inlinable
    public static func object<Failure: Error>(
        reserving capacity: Int, _ write: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) -> [UInt8] {
        var writer = JSONWriter(reserving: capacity)
        writer.beginObject()
        try write(&writer)
        writer.endObject()
        return writer.bytes
    }

    /// Writes an object: what `write` writes in it.
    @inlinable
    public mutating func object<Failure: Error>(
        _ write: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        beginObject()
        try write(&self)
        endObject()
    }
}
