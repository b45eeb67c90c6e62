import Numbers

extension FigureError {
    /// What stood in the way of figures, as a venue tells it: a price that is missing, or a number that does
    /// not fit.
    public init(_ error: any Error) {
        switch error {
        case let error as FigureError: self = error
        case let error as NumberError: self = .number(error)
        default: self = .number(.overflow)
        }
    }

    /// Runs `body`, whose errors become a venue's.
    public static func turning<Result>(_ body: () throws -> Result) throws(FigureError) -> Result {
        do { return try body() } catch { throw FigureError(error) }
    }
}
