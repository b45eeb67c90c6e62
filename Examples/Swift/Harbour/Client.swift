import Ledger
import Venue

extension HarbourVenue: VenueClient {
    static let defaultBaseURL = "https://harbour.example"
    static let calls = [VenueCall("account", .account)]

    func request(
        for call: VenueCall, credentials: Credentials, token: String?, at time: Int64
    ) throws(ReadingError) -> OutgoingRequest {
        let target = "/harbour/account"
        let signature = RequestSigner(secret: credentials.secret).sign(Array(target.utf8))
        return OutgoingRequest(
            method: "GET", target: target,
            headers: [("Harbour-Key", credentials.apiKey), ("Harbour-Signature", hexText(signature))])
    }

    func statements(from bodies: [RecordedBody], account: String) throws(ReadingError) -> [Statement] {
        let answers = bodies.map(ReportedAnswer.init)
        let answer = try answers.own("account")
        return [
            Statement(
                venue: Self.name, account: account, mode: "cross", takenAt: bodies.map(\.takenAt).max() ?? 0,
                bodies: bodies,
                figures: StatementFigures(answer.commonFigures(of: HarbourFigure.self, in: profile)),
                drift: answers.drift { _, _ in .object(HarbourFigure.knownFields(in: profile)) })
        ]
    }

    func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] {
        guard let answer = try? statement.bodies.map(ReportedAnswer.init).own("account") else { return [] }
        let figures = HarbourFigures(FigureBook(), profile, FigureLayout(profile))
        for figure in HarbourFigure.allCases where figure.facts(in: profile)?.isShown == true {
            figures.report(figure, answer, at: statement.takenAt)
        }
        figures.recover(.rate, rules(at: time).maintenanceRate, as: "maintenance rate")
        return figures.audit()
    }
}
