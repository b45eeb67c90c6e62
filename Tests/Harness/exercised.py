"""Which client methods the tests exercise: what docs/clients.md promises is compared with it."""

METHODS: dict[str, dict[str, str]] = {}


def exercises(client: str, *methods: str):
    """Marks a test as exercising methods of a client, under the names that docs/clients.md has."""

    def mark(test):
        for method in methods:
            METHODS.setdefault(client, {})[method] = test.__name__
        return test

    return mark
