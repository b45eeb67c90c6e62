import Numbers

/// Everything an account has of one asset.
///
/// All amounts are in the asset itself. `cash` is the free cash: an isolated position's wallet is in the
/// position, and money given to a strategy is in `reserved`.
public struct Holding: Sendable, Equatable {
    public let asset: String
    /// Free cash; negative where the venue lends.
    public var cash: ExactDecimal = .zero
    /// Principal of an explicit loan (`borrow`); never negative.
    public var borrowed: ExactDecimal = .zero
    /// Interest accrued and not yet paid, where the venue keeps it apart from cash; never negative.
    public var interest: ExactDecimal = .zero
    /// Funds in use elsewhere, by purpose (`strategy`, `copy_trading`, `reserved` …); amounts never negative.
    public var reserved: [Earmark] = []
    /// Trial and promotional funds, by purpose (`promo`, `reward`); outside cash.
    public var credits: [Earmark] = []
    /// What the spot trades of this asset cost; nil until one is made.
    public var spotCost: SpotCost?
    /// All that ever moved this asset, by cause.
    public var flows = Flows()
    /// When anything here last changed.
    public var updatedAt: LedgerTime

    public init(asset: String, updatedAt: LedgerTime) {
        self.asset = asset
        self.updatedAt = updatedAt
    }

    /// The amount reserved for a purpose; zero if none is.
    public func reserved(for purpose: String) -> ExactDecimal {
        reserved.first { $0.purpose == purpose }?.amount ?? .zero
    }

    /// The amount credited for a purpose; zero if none is.
    public func credited(for purpose: String) -> ExactDecimal {
        credits.first { $0.purpose == purpose }?.amount ?? .zero
    }
}

/// An amount with a purpose.
public struct Earmark: Sendable, Equatable {
    public let purpose: String
    public var amount: ExactDecimal

    public init(purpose: String, amount: ExactDecimal) {
        self.purpose = purpose
        self.amount = amount
    }
}

/// Everything that ever moved an asset of an account, each as a signed running total in that asset.
///
/// Their sum is what the account holds: free cash, isolated wallets and strategy funds together
/// (`Account.imbalances` checks it).
public struct Flows: Sendable, Equatable {
    /// Deposits, as a positive total.
    public var deposited: ExactDecimal = .zero
    /// Withdrawals without their fees, as a positive total.
    public var withdrawn: ExactDecimal = .zero
    /// Fees of withdrawals, as a positive total.
    public var withdrawalFees: ExactDecimal = .zero
    /// Transfers received less transfers sent; negative where more was sent.
    public var transferred: ExactDecimal = .zero
    /// What spot fills and the venue's own exchanges brought less what they took.
    public var exchanged: ExactDecimal = .zero
    /// Realized profit of contracts and of session settlements; negative for a loss.
    public var realised: ExactDecimal = .zero
    /// Fees of fills; positive when paid, negative for rebates.
    public var tradingFees: ExactDecimal = .zero
    /// Funding received less funding paid; negative where more was paid.
    public var funding: ExactDecimal = .zero
    /// Loans taken less loans repaid.
    public var borrowed: ExactDecimal = .zero
    /// Interest paid out of cash, as a positive total.
    public var interestPaid: ExactDecimal = .zero
    /// Isolated wallets that came with imported positions and not out of cash, as a positive total.
    public var imported: ExactDecimal = .zero

    public init() {}

    /// What all of it comes to: the amount that must be somewhere in the account.
    public func total() throws(NumberError) -> ExactDecimal {
        let received = try deposited + transferred + exchanged + realised + funding + borrowed + imported
        return try received - withdrawn - withdrawalFees - tradingFees - interestPaid
    }
}

/// What the spot trades of an asset cost, in USD.
///
/// Deposits do not count, and selling all drops the record.
public struct SpotCost: Sendable, Equatable {
    /// Bought less sold, in the asset; positive while the record exists.
    public var quantity: ExactDecimal
    /// Sum of purchases, in USD.
    public var boughtValue: ExactDecimal
    /// Sum of sales, in USD.
    public var soldValue: ExactDecimal
    /// Cost of `quantity` at the moving average of purchases, in USD; sales leave the average as it is.
    public var openCost: ExactDecimal

    public init(
        quantity: ExactDecimal, boughtValue: ExactDecimal, soldValue: ExactDecimal, openCost: ExactDecimal
    ) {
        self.quantity = quantity
        self.boughtValue = boughtValue
        self.soldValue = soldValue
        self.openCost = openCost
    }
}
