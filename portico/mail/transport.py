"""The way out: SMTP with a time-out, or a folder of files in the demonstration."""

from __future__ import annotations

import os
import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from portico import clock
from portico.config import Smtp, settings
from portico.mail.letters import Letter


class NotSent(Exception):
    """The mail did not go out; ``final`` says that trying again is no use."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom. The name shown is the organization's, the address the installation's."""

    sender_name: str
    reply_to: str
    recipient_name: str
    recipient: str
    message_id: str


def send(letter: Letter, envelope: Envelope) -> None:
    """Send one letter. Raises NotSent."""
    try:
        message = _message(letter, envelope)
    except (ValueError, UnicodeError) as problem:
        raise NotSent(f"the mail could not be put together: {problem}", final=True) from None
    smtp = settings().smtp
    if smtp is None:
        _catch(message, settings().mail_folder)
    else:
        _deliver(message, envelope.recipient, smtp)


def _message(letter: Letter, envelope: Envelope) -> EmailMessage:
    message = EmailMessage()
    message["From"] = Address(envelope.sender_name, addr_spec=settings().mail_from)
    message["To"] = Address(envelope.recipient_name, addr_spec=envelope.recipient)
    message["Reply-To"] = envelope.reply_to
    message["Subject"] = letter.subject
    message["Message-ID"] = envelope.message_id
    message["Date"] = format_datetime(clock.now())
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    for file in letter.attached:
        message.add_attachment(
            file.data, maintype="application", subtype=file.subtype, filename=file.name
        )
    return message


def _deliver(message: EmailMessage, recipient: str, smtp: Smtp) -> None:
    try:
        server = _connect(smtp)
        try:
            if smtp.username:
                server.login(smtp.username, smtp.password or "")
            server.send_message(message, from_addr=settings().mail_from, to_addrs=[recipient])
        finally:
            _leave(server)
    except smtplib.SMTPRecipientsRefused as refused:
        code, text = next(iter(refused.recipients.values()))
        raise NotSent(f"{code} {_plain(text)}", final=500 <= code < 600) from None
    except smtplib.SMTPAuthenticationError as refused:
        # The team mends the password, and then the mail goes out.
        raise NotSent(f"{refused.smtp_code} {_plain(refused.smtp_error)}") from None
    except smtplib.SMTPResponseException as refused:
        final = 500 <= refused.smtp_code < 600
        raise NotSent(f"{refused.smtp_code} {_plain(refused.smtp_error)}", final=final) from None
    except (smtplib.SMTPException, OSError) as problem:
        raise NotSent(f"the mail server could not be used: {problem}") from None


def _connect(smtp: Smtp) -> smtplib.SMTP:
    if smtp.security == "tls":
        trust = ssl.create_default_context()
        return smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=smtp.timeout, context=trust)
    server = smtplib.SMTP(smtp.host, smtp.port, timeout=smtp.timeout)
    if smtp.security == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server


def _leave(server: smtplib.SMTP) -> None:
    """Say good-bye. However that goes, it says nothing about a mail that was taken."""
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()


def _catch(message: EmailMessage, folder: Path) -> None:
    """Keep the mail as a file. The same message again replaces itself."""
    folder.mkdir(parents=True, exist_ok=True)
    name = message["Message-ID"].strip("<>").partition("@")[0]
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_bytes(message.as_bytes())
    os.replace(draft, folder / f"{name}.eml")


def _plain(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
