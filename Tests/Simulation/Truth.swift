import Engine
import JSON
import Journal
import Ledger
import Numbers

/// What a command of the simulation asks for, in whole numbers.
enum Deed {
    case open(account: String, parent: String?)
    case deposit(account: String, amount: Int)
    case withdraw(account: String, amount: Int, fee: Int)
    case transfer(from: String, to: String, amount: Int)
    case trade(account: String, isBuy: Bool, coins: Int, price: Int, fee: Int)
    case prices(mark: Int)

    /// The command as the operator API would take it.
    func text(id: String) -> String {
        switch self {
        case .open(let account, let parent):
            let parent = parent.map { #","parent":"\#($0)""# } ?? ""
            return
                #"{"id":"\#(id)","type":"open_account","account":"\#(account)","venue":"testing"\#(parent)}"#
        case .deposit(let account, let amount):
            return
                #"{"id":"\#(id)","type":"deposit","account":"\#(account)","asset":"USD","amount":"\#(amount)"}"#
        case .withdraw(let account, let amount, let fee):
            return """
                {"id":"\(id)","type":"withdraw","account":"\(account)","asset":"USD","amount":"\(amount)",
                "fee":"\(fee)"}
                """
        case .transfer(let from, let to, let amount):
            return """
                {"id":"\(id)","type":"transfer","account":"\(from)","to":"\(to)","asset":"USD",
                "amount":"\(amount)"}
                """
        case .trade(let account, let isBuy, let coins, let price, let fee):
            return """
                {"id":"\(id)","type":"fill","account":"\(account)","instrument":"BTC-USD",
                "side":"\(isBuy ? "buy" : "sell")","quantity":"\(coins)","price":"\(price)","fee":"\(fee)"}
                """
        case .prices(let mark):
            return #"{"id":"\#(id)","type":"prices","venue":"testing","marks":{"BTC-USD":"\#(mark)"}}"#
        }
    }
}

/// What an account has after one of its events.
struct Balance: Equatable {
    var sequence: Int64
    var at: LedgerTime
    var dollars = 0
    var coins = 0
}

/// What the ledger must be, worked out plainly from the events on the disk and the commands they came from.
struct Truth {
    /// What each command id was sent with.
    var deeds: [String: Deed] = [:]
    /// The id's sequence, of all that is on the disk.
    private(set) var sequences: [String: Int64] = [:]
    /// Each account's balances, one after the other.
    private(set) var accounts: [String: [Balance]] = [:]
    private(set) var last: Int64 = 0
    private var time = LedgerTime(milliseconds: 0)

    /// Takes over what has become durable; says what is wrong with it.
    mutating func take(_ record: EventRecord) -> String? {
        last += 1
        if record.sequence != last { return "event \(record.sequence) was written where \(last) is due" }
        if record.at < time { return "event \(last) lies before the one before it" }
        time = record.at
        guard let id = record.commandID else { return nil }
        if let earlier = sequences[id] { return "\(id) was applied twice: events \(earlier) and \(last)" }
        sequences[id] = last
        guard let deed = deeds[id] else { return "nobody sent \(id)" }
        apply(deed)
        return nil
    }

    private mutating func apply(_ deed: Deed) {
        switch deed {
        case .open(let account, _): accounts[account] = [Balance(sequence: last, at: time)]
        case .deposit(let account, let amount): change(account, dollars: amount)
        case .withdraw(let account, let amount, let fee): change(account, dollars: -amount - fee)
        case .transfer(let from, let to, let amount):
            change(from, dollars: -amount)
            change(to, dollars: amount)
        case .trade(let account, let isBuy, let coins, let price, let fee):
            let sign = isBuy ? 1 : -1
            change(account, dollars: -sign * coins * price - fee, coins: sign * coins)
        case .prices: break
        }
    }

    private mutating func change(_ account: String, dollars: Int, coins: Int = 0) {
        guard var balance = accounts[account]?.last else { return }
        balance.sequence = last
        balance.at = time
        balance.dollars += dollars
        balance.coins += coins
        accounts[account]?.append(balance)
    }

    /// What an account had after an event of its own; nil if it has none such.
    func balance(of account: String, after sequence: Int64) -> Balance? {
        accounts[account]?.last { $0.sequence <= sequence }
    }

    /// What an account had at a time, by the events up to a sequence.
    func balance(of account: String, at time: LedgerTime, upTo sequence: Int64) -> Balance? {
        accounts[account]?.last { $0.at <= time && $0.sequence <= sequence }
    }
}

extension Account {
    /// Whether it is as the truth has it.
    func matches(_ balance: Balance?) -> Bool {
        guard let balance else { return false }
        return lastSequence == balance.sequence && cash("USD") == ExactDecimal(balance.dollars)
            && cash("BTC") == ExactDecimal(balance.coins)
    }
}
