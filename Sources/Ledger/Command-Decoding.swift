import JSON

extension Command {
    /// Reads a command as the operator API and scenario files write it (`docs/commands.md`).
    ///
    /// Strict: a field that the command does not have is refused by name, and amounts must be texts.
    public init(decoding value: JSONValue) throws(Refusal) {
        let type = try FieldReader(value, subject: "A command").text("type")
        guard let forms = CommandForm.byType[type] else {
            throw Refusal(
                .unknownCommand,
                "There is no command of type \(type.prefix(64))."
                    + NearestName.question(type, among: CommandForm.types),
                field: "type")
        }
        let reader = try FieldReader(value, subject: type)
        let meant = try CommandForm.meant(of: forms, reader)
        let content = try meant.form.read(reader)
        self.init(
            id: try reader.optionalLabel("id"), at: reader.has("at") ? try reader.time("at") : nil,
            account: meant.isOfMarket ? nil : try reader.label("account"), content: content)
    }
}

extension CommandForm {
    /// Every type of command, in alphabetical order.
    public static let types = byType.keys.sorted()

    /// The forms of each type of command, put together once; funding has two, of an account and of a market.
    fileprivate static let byType = Dictionary(grouping: all, by: \.type)

    /// The form that is meant, of several the one whose subject is named.
    fileprivate static func meant(
        of forms: [CommandForm], _ reader: FieldReader
    ) throws(Refusal) -> CommandForm {
        guard forms.count > 1, let ofAccount = forms.first(where: { !$0.isOfMarket }),
            let ofMarket = forms.first(where: \.isOfMarket)
        else { return forms[0] }
        guard reader.has("venue") else {
            guard reader.has("account") else {
                throw Refusal(
                    .missingField, "\(reader.subject): account must be given, or a venue for all at once.",
                    field: "account")
            }
            return ofAccount
        }
        for name in ofAccount.form.names where reader.has(name) && !ofMarket.form.names.contains(name) {
            throw Refusal(
                .invalidField, "\(reader.subject): \(name) does not go with venue, which is for all at once.",
                field: name)
        }
        return ofMarket
    }
}
