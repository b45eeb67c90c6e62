import Ledger
import Numbers

extension Touch {
    /// Whether the market has come to a resting order.
    func reaches(_ side: Side, limit: ExactDecimal, _ execution: Exchange.Execution) -> Bool {
        if isQuoted && isMarketable(side, limit: limit) { return true }
        switch execution {
        case .touch: return side == .buy ? last <= limit : last >= limit
        case .through: return side == .buy ? last < limit : last > limit
        case .manual: return false
        }
    }
}
