"""A venue in a container, for a test suite of any language's Testcontainers; here Python's.

    pip install testcontainers
    docker load --input marginalia-VERSION-image-x86_64.tar
"""

import json
import urllib.request

from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs

TOKEN = "made-up-token-of-the-tests"


class VenueContainer(DockerContainer):
    """`with VenueContainer() as venue:` is a venue with an empty ledger, gone with the block."""

    def __init__(self, image: str = "marginalia:0.1.0", clock: str = "system"):
        super().__init__(image)
        self.with_exposed_ports(8080)
        self.with_env("MARGINALIA_ADMIN_TOKEN", TOKEN)
        self.with_env("MARGINALIA_STORE", "memory:")
        self.with_env("MARGINALIA_RATE_LIMITS", "off")
        self.with_env("MARGINALIA_LEDGER_TIME", clock)

    def start(self) -> "VenueContainer":
        super().start()
        wait_for_logs(self, "marginalia is ready at", timeout=60)
        return self

    @property
    def url(self) -> str:
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(8080)}"

    def call(self, method: str, path: str, body: object = None) -> dict:
        """A call of the operator API."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/admin/v1{path}", content, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())
