"""A mail server that keeps what it gets, and misbehaves on request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.servers.process import HOST, PATIENCE, free_port

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Received:
    """A message as it arrived, with the envelope it came in."""

    sender: str
    recipients: list[str]
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


class Inbox:
    """A real SMTP server that keeps what it accepts, and misbehaves on request.

    ``refuse("451 try later")`` answers like that at a stage: ``"MAIL"``, ``"RCPT"`` (the
    default, and only for the addresses in ``to`` if given) or ``"DATA"``. ``hang()`` stops
    answering: at ``"EHLO"``, at ``"DATA"`` (the message is not kept) or at ``"answer"`` (it is
    kept, but the sender never hears so). ``go_down()`` closes the port. ``behave()`` undoes all.
    """

    def __init__(self) -> None:
        self.host = HOST
        self.port = free_port()
        self.messages: list[Received] = []
        self._refusal: tuple[str, str, frozenset[str], int | None] | None = None
        self._hangs_at: str | None = None
        self._listener: Any = None
        self.behave()

    @property
    def url(self) -> str:
        return f"smtp://{self.host}:{self.port}"

    def refuse(
        self, answer: str, *, at: str = "RCPT", to: tuple[str, ...] = (), times: int | None = None
    ) -> None:
        """Answer with *answer* (``"550 unknown"``) at a stage, *times* times or until told."""
        if at not in {"MAIL", "RCPT", "DATA"}:
            raise ValueError(at)
        self._refusal = (at, answer, frozenset(to), times)

    def hang(self, *, at: str = "DATA") -> None:
        if at not in {"EHLO", "DATA", "answer"}:
            raise ValueError(at)
        self._hangs_at = at

    def go_down(self) -> None:
        if self._listener is not None:
            self._listener.stop(no_assert=True)
            self._listener = None

    def behave(self) -> None:
        from aiosmtpd.controller import Controller

        self._refusal = None
        self._hangs_at = None
        if self._listener is None:
            self._listener = Controller(
                self, hostname=self.host, port=self.port, ready_timeout=PATIENCE
            )
            self._listener.start()

    # What aiosmtpd calls, by these names.

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        await self._hang_at("EHLO")
        session.host_name = name
        return answers

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._refusal_at("MAIL", address)
        if refusal is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._refusal_at("RCPT", address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return refusal or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await self._hang_at("DATA")
        refusal = self._refusal_at("DATA", *envelope.rcpt_tos)
        if refusal is not None:
            return refusal
        content = envelope.original_content or b""
        self.messages.append(Received(envelope.mail_from or "", list(envelope.rcpt_tos), content))
        await self._hang_at("answer")
        return "250 OK"

    def _refusal_at(self, stage: str, *addresses: str) -> str | None:
        if self._refusal is None:
            return None
        at, answer, only, times = self._refusal
        if at != stage or (only and not only.intersection(addresses)):
            return None
        if times is not None:
            self._refusal = (at, answer, only, times - 1) if times > 1 else None
        return answer

    async def _hang_at(self, stage: str) -> None:
        while self._hangs_at == stage:
            await asyncio.sleep(0.01)


@contextmanager
def smtp_inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    try:
        yield inbox
    finally:
        inbox.behave()  # lets go of senders that still hang, so that the server can end
        inbox.go_down()
