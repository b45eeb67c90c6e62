/// Why a command was refused: nothing changed.
///
/// `code` is stable and made for programs; `message` is one sentence for a person; `field` names the field at
/// fault where there is one. Neither ever holds a secret.
public struct Refusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of refusal it is, for programs.
    public let code: Code
    /// Why, in one sentence for a person.
    public let message: String
    /// The field at fault; nil where it is none alone.
    public let field: String?
    /// Whether what the store holds is damaged, so that trying again is of no use.
    public let isDamage: Bool

    public init(_ code: Code, _ message: String, field: String? = nil, isDamage: Bool = false) {
        self.code = code
        self.message = message
        self.field = field
        self.isDamage = isDamage
    }

    public var description: String { message }

    /// There is no such account; `field` is the one that names it.
    public static func unknown(account id: String, field: String = "account") -> Refusal {
        Refusal(.unknownAccount, "There is no account \(id); open it first.", field: field)
    }

    /// What kind of refusal it is. A struct, so that codes can be added without breaking anybody's switch.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// A field is missing.
        public static let missingField = Code(rawValue: "missing_field")
        /// A field that this command does not have.
        public static let unknownField = Code(rawValue: "unknown_field")
        /// A field of the wrong type, or a value outside its set.
        public static let invalidField = Code(rawValue: "invalid_field")
        /// A text that is no decimal, has too many places or does not fit.
        public static let invalidAmount = Code(rawValue: "invalid_amount")
        /// A command type that does not exist.
        public static let unknownCommand = Code(rawValue: "unknown_command")
        public static let unknownVenue = Code(rawValue: "unknown_venue")
        public static let unknownAccount = Code(rawValue: "unknown_account")
        public static let accountExists = Code(rawValue: "account_exists")
        /// Neither the same account nor one of its family, or a parent that cannot be one.
        public static let notFamily = Code(rawValue: "not_family")
        public static let unknownAsset = Code(rawValue: "unknown_asset")
        public static let unknownInstrument = Code(rawValue: "unknown_instrument")
        public static let unknownOrder = Code(rawValue: "unknown_order")
        public static let orderExists = Code(rawValue: "order_exists")
        public static let noPosition = Code(rawValue: "no_position")
        /// A reduce-only order that has nothing to reduce.
        public static let nothingToReduce = Code(rawValue: "nothing_to_reduce")
        /// A post-only order that would fill at once.
        public static let wouldTake = Code(rawValue: "would_take")
        /// A fill-or-kill order that cannot be filled as a whole.
        public static let unfillable = Code(rawValue: "unfillable")
        /// An amendment that changes nothing.
        public static let unchanged = Code(rawValue: "unchanged")
        /// A price that the command needs and nobody has given.
        public static let priceMissing = Code(rawValue: "price_missing")
        /// More than the account has free for it; the message says how much is missing.
        public static let insufficientBalance = Code(rawValue: "insufficient_balance")
        /// The venue does not allow it, or not in this state.
        public static let notAllowed = Code(rawValue: "not_allowed")
        /// An earlier time than that of the account's last event.
        public static let timeBackwards = Code(rawValue: "time_backwards")
        /// An id that stands for another command.
        public static let idReused = Code(rawValue: "id_reused")
        /// A figure that does not fit into 18 places and 38 digits.
        public static let overflow = Code(rawValue: "overflow")
        /// More than the ledger keeps of something in one account.
        public static let tooMany = Code(rawValue: "too_many")
        /// The store cannot be written at the moment.
        public static let storeUnavailable = Code(rawValue: "store_unavailable")
        /// Nobody knows whether it was carried out.
        public static let timedOut = Code(rawValue: "timed_out")
        /// The limit of waiting slow reads is reached.
        public static let busy = Code(rawValue: "busy")
    }
}
