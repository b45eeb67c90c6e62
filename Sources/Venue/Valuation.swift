import Ledger
import Numbers

extension ValuationPrices {
    /// An asset's USD price. Throws `FigureError.priceMissing` where none is known: unknown is not zero.
    public func requiredIndex(_ asset: String) throws(FigureError) -> ExactDecimal {
        guard let price = index(asset) else { throw .priceMissing(asset) }
        return price
    }

    /// An instrument's mark price. Throws `FigureError.priceMissing` where none is known.
    public func requiredMark(_ instrument: Instrument) throws(FigureError) -> ExactDecimal {
        guard let price = mark(instrument) else { throw .priceMissing(instrument.name) }
        return price
    }
}
