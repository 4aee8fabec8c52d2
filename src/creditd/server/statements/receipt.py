"""Receipts as documents: of a purchase that was paid, and of what was given back of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Final, NamedTuple

from creditd.documents.document import Column, Detail, Document, Section, TableRow
from creditd.domain.credit_type import CreditType
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_errors import PurchaseNotPaid, PurchaseNotRefunded
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import Purchase, PurchaseChange, PurchaseState
from creditd.server.statements.figures import read_amount, read_money, written_time
from creditd.server.statements.words import is_right_to_left

_NAMES: Final = {Provider.STRIPE: "Stripe", Provider.OMISE: "Omise", Provider.LEMON_SQUEEZY: "Lemon Squeezy"}

_WIDTHS: Final = (60.0, 60.0, 60.0)
"""Of the table of refunds, in millimetres."""


class Receipts(NamedTuple):
    """How receipts are written: the language and its words, and the time zone."""

    language: str
    words: Mapping[str, str]
    zone: tzinfo

    def of_payment(self, purchase: Purchase, changes: Sequence[PurchaseChange], credit_type: CreditType) -> Document:
        """Return the receipt of a purchase, with its history, oldest first. Raises PurchaseNotPaid."""
        if not purchase.paid:
            raise PurchaseNotPaid(purchase=purchase.name, state=purchase.state.name)
        paid = next((change for change in changes if change.state is PurchaseState.COMPLETED), None)
        details = [*self._about(purchase, credit_type), *self._when("receipt.paid_on", paid)]
        details.append(self._figure("receipt.price", self._money(purchase.amount + purchase.promo_discount, purchase)))
        if purchase.promo_discount:
            details.append(self._figure("receipt.discount", self._money(-purchase.promo_discount, purchase)))
        details.append(self._figure("receipt.paid", self._money(purchase.paid, purchase)))
        return self._document("title.receipt", purchase, details, [])

    def of_refund(self, purchase: Purchase, changes: Sequence[PurchaseChange], credit_type: CreditType) -> Document:
        """Return the receipt of what was given back until now, with each refund. Raises PurchaseNotRefunded."""
        if not purchase.refunded:
            raise PurchaseNotRefunded(purchase=purchase.name, state=purchase.state.name)
        amount = read_amount(purchase.reversed, credit_type.decimals, self.language)
        details = [
            *self._about(purchase, credit_type),
            self._figure("receipt.paid", self._money(purchase.paid, purchase)),
            self._figure("receipt.refunded", self._money(purchase.refunded, purchase)),
            self._figure("receipt.left", self._money(purchase.paid - purchase.refunded, purchase)),
            self._figure("receipt.reversed", amount),
        ]
        names = ("receipt.refunded_on", "receipt.refunded", "receipt.refunded_so_far")
        columns = [
            Column(self.words[name], width, "ltr", is_figure=name != names[0])
            for name, width in zip(names, _WIDTHS, strict=True)
        ]
        rows = list(self._refunds(purchase, changes))
        return self._document("title.refund", purchase, details, [Section("", columns, rows)] if rows else [])

    def _document(self, title: str, purchase: Purchase, details: list[Detail], sections: list[Section]) -> Document:
        warning = "" if purchase.live else self.words["receipt.test"]
        note = self.words["receipt.note"]
        created = purchase.update_time // SECOND
        is_rtl = is_right_to_left(self.language)
        return Document(
            self.language, is_rtl, self.words[title], warning, details, sections, note, self.words["page"], created
        )

    def _about(self, purchase: Purchase, credit_type: CreditType) -> Iterator[Detail]:
        code, name = credit_type.code, credit_type.display_name
        yield self._figure("receipt.number", purchase.purchase_id)
        yield self._figure("account", purchase.account_id)
        yield Detail(self.words["receipt.item"], purchase.display_name, "auto")
        yield Detail(self.words["column.credit_type"], f"{name} ({code})" if name not in {"", code} else code, "auto")
        yield self._figure("receipt.credits", read_amount(purchase.credits, credit_type.decimals, self.language))
        if purchase.bonus:
            yield self._figure("receipt.bonus", read_amount(purchase.bonus, credit_type.decimals, self.language))
        yield self._figure("receipt.ordered", self._time(purchase.create_time))
        yield self._figure("time_zone", str(self.zone))
        yield self._figure("receipt.provider", _NAMES[Provider(purchase.provider)])
        yield self._figure("receipt.payment", purchase.payment_id)

    def _when(self, name: str, change: PurchaseChange | None) -> Iterator[Detail]:
        if change is not None:
            yield self._figure(name, self._time(change.create_time))

    def _refunds(self, purchase: Purchase, changes: Sequence[PurchaseChange]) -> Iterator[TableRow]:
        # Of a very long history the beginning is not there: what was given back until then is in the sums alone.
        before = changes[0].refunded if changes and changes[0].version > 1 else 0
        for change in changes:
            if change.refunded != before:
                figures = change.refunded - before, change.refunded
                yield TableRow([self._time(change.create_time), *(self._money(figure, purchase) for figure in figures)])
                before = change.refunded

    def _figure(self, name: str, value: str) -> Detail:
        return Detail(self.words[name], value, "ltr")

    def _money(self, amount: int, purchase: Purchase) -> str:
        return read_money(amount, purchase.currency, self.language)

    def _time(self, instant: Instant) -> str:
        return written_time(instant, self.zone)
