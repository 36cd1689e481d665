"""Refusals: what Portico says no to, each with the sentence the person will read.

Services raise them; ``portico.web.errors`` turns them into pages and parts, once.
"""

from __future__ import annotations


class Refusal(Exception):
    """Something asked for will not be done. ``sentence`` is for the person who asked."""

    status = 400
    title = "That did not work"
    sentence = "We could not do that."
    hint = ""

    def __init__(self, sentence: str | None = None, *, hint: str | None = None) -> None:
        self.sentence = sentence or type(self).sentence
        self.hint = type(self).hint if hint is None else hint
        super().__init__(self.sentence)


class NotFound(Refusal):
    status = 404
    title = "Page not found"
    sentence = "There is nothing at this address."
    hint = (
        "The link may have been ended, or a part of it may be missing. "
        "Please ask the person who sent it to you for a new one."
    )


class ForeignForm(Refusal):
    """A form was posted from another site (spec L12)."""

    status = 403
    title = "Please try again from the page itself"
    sentence = "This answer did not come from our page, so nothing was changed."
    hint = "Open the link from your mail again and answer there."


class WrongContentType(Refusal):
    status = 415
    title = "We could not read that"
    sentence = "This address takes an ordinary web form; nothing was changed."


class TooMany(Refusal):
    """A limit was reached; ``wait`` is in seconds."""

    status = 429
    title = "One moment, please"
    sentence = "There were too many requests from your network in a short time."

    def __init__(self, wait: int) -> None:
        self.wait = max(1, wait)
        minutes = -(-self.wait // 60)
        when = "a minute" if minutes <= 1 else f"{minutes} minutes"
        super().__init__(hint=f"Please try again in {when}.")


class Busy(Refusal):
    """The database is locked or the disk is full: nothing was changed, trying again may help."""

    status = 503
    title = "We are busy just now"
    sentence = "Your request could not be handled at the moment, and nothing was changed."
    hint = "Please try again in a minute."


class BadInput(Refusal):
    """What was typed cannot be taken; ``errors`` says which field and why."""

    status = 422
    title = "Please look at this again"

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(" ".join(errors.values()))


class Undecidable(Refusal):
    """This document cannot be accepted or declined now; nothing was changed."""

    status = 409
    title = "This cannot be answered now"


class QuoteExpired(Undecidable):
    sentence = "This quote is no longer open: its last valid day is over."


class QuoteWithdrawn(Undecidable):
    sentence = "This quote was withdrawn and can no longer be answered."


class BeingRevised(Undecidable):
    sentence = (
        "A new version of this quote is being prepared. You will get a mail when it is ready, "
        "and nothing was decided."
    )


class NothingToDecide(Undecidable):
    sentence = "There is nothing to accept or decline on this document."


class QuoteChanged(Undecidable):
    """The revision on screen is not the one that is open now (spec L7)."""

    sentence = "This quote changed while you were reading, so nothing was decided."


class AlreadyDecided(Undecidable):
    """Somebody answered before, the other way."""

    sentence = "This quote has already been answered."


# --- for staff and scripts --------------------------------------------------------------------


class StaffRefusal(Refusal):
    """Said to the team, in a console or on the command line."""

    status = 422


class NotAllowed(StaffRefusal):
    """The role of this person does not cover what they asked for (spec C1)."""

    status = 403
    title = "Your role does not cover this"
    sentence = "Nothing was changed. An owner can give you a role that may do this."


class Unknown(StaffRefusal):
    """A record that was named does not exist (for this actor)."""

    status = 404


class Conflict(StaffRefusal):
    status = 409


class ChangedMeanwhile(Conflict):
    """Somebody else changed it since it was on this person's screen."""
