"""Settings of a vendor's widget → what it is shown, and the script that shows it."""

from importlib import resources

from gateway.authn.widgets import Proofs, Prove, by_hash, by_id, by_jwt
from gateway.config.model import UpstreamSettings
from gateway.config.widget import WidgetTable
from gateway.core.problem import Answer
from gateway.orgs.org import Upstream, Widget
from gateway.pages.chatkit import ChatKit
from gateway.ports.widgets import WidgetProofs


def build_widget(settings: UpstreamSettings, table: WidgetTable, upstream: Upstream) -> Widget:
    proof = table.proof or settings.profile.widget[0]
    proofs: WidgetProofs
    if proof == "client_secret":
        workflow = table.workflow or ""  # which config/rules/widget.py has looked for
        proofs = ChatKit(upstream=upstream, workflow=workflow, lifetime=table.lifetime)
    else:
        proofs = Proofs(_prove(proof, table), lifetime=table.lifetime)
    return Widget(upstream=upstream, proofs=proofs)


def _prove(proof: str, table: WidgetTable) -> Prove:
    if proof == "user_id":
        return by_id
    secret = table.secret[0].get_secret_value()
    return by_jwt(secret) if proof == "jwt" else by_hash(secret)


def script() -> Answer:
    """The script, the same for everybody."""
    content = resources.files("gateway.assemble").joinpath("widget.js").read_bytes()
    fields = [
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"content-length", str(len(content)).encode("ascii")),
    ]
    return Answer(200, fields, content)
