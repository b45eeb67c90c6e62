import Ledger
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

extension Refusal {
    /// The refusal of a command that needs a figure which cannot be worked out.
    public init(_ error: FigureError) {
        switch error {
        case .number: self.init(.overflow, error.description)
        case .priceMissing: self.init(.priceMissing, error.description)
        }
    }

    /// Runs `body`; a figure that cannot be worked out there refuses the command.
    public static func turning<Result>(_ body: () throws -> Result) throws(Refusal) -> Result {
        do {
            return try body()
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(FigureError(error))
        }
    }

    /// The refusal of a command that needs so much more than there is, `insufficient_balance`. The amount is
    /// rounded up to 18 places: with as much more the command would be accepted.
    public static func missing(_ amount: ExactFraction, _ unit: String, field: String) -> Refusal {
        let shown = try? amount.rounded(places: ExactDecimal.places, rounding: .ceiling)
        return Refusal(
            .insufficientBalance,
            "The available balance is too small: \(shown?.description ?? amount.description) \(unit) is "
                + "missing.", field: field)
    }
}
