"""Faults in promo codes."""

from tests.mutants.fault import Fault

_TEXT = ("tests/domain/test_promo_text.py",)
_RULES = ("tests/domain/test_promo_code.py",)
_WIRE = ("tests/contract/test_promo_codes.py",)
_RACES = ("tests/contract/test_promo_races.py",)
_PURCHASES = ("tests/contract/payments/test_promo_purchases.py",)

PROMO_FAULTS = (
    Fault(
        "a use of a promo code is not counted",
        "storage/promo/promo_claims.py",
        "UPDATE promo_codes SET used = used + 1, given",
        "UPDATE promo_codes SET used = used, given",
        _RACES,
        "test_of_sixty_at_once_on_two_servers_ten_have_it",
    ),
    Fault(
        "an account that has had its uses of a promo code is told of a conflict",
        "service/promo/promo_claims.py",
        "wanted.account_id) >= code.terms.account_limit:",
        "wanted.account_id) > code.terms.account_limit:",
        _WIRE,
        "test_a_code_gives_its_credits_once_and_the_ledger_says_by_which",
    ),
    Fault(
        "a repeated request takes another use of a promo code",
        "service/promo/promo_claims.py",
        "                if known is not None:\n                    return _same(known, wanted)\n",
        "",
        _WIRE,
        "test_a_request_that_was_cut_off_is_finished_by_its_repeat_and_by_no_other",
    ),
    Fault(
        "what was claimed of a promo code is forgotten",
        "service/promo/promo_claim_worker.py",
        "                await driven(self._redemptions.complete(claimed))\n",
        "                pass\n",
        _WIRE,
        "test_what_was_claimed_and_not_given_is_given_by_itself",
    ),
    Fault(
        "a promo claim is given back while a slow call can still bring its credits",
        "service/promo/promo_claims.py",
        "            self._ledger.transact(lambda transaction: _use_up(transaction, claimed))\n",
        "            pass\n",
        _WIRE,
        "test_what_an_account_does_not_take_goes_back_to_the_code",
    ),
    Fault(
        "what is given back of a promo code stays counted",
        "storage/promo/promo_claims.py",
        "UPDATE promo_codes SET used = used - 1, given = given - gone.value FROM gone",
        "UPDATE promo_codes SET used = used, given = given - gone.value FROM gone",
        _WIRE,
        "test_what_an_account_does_not_take_goes_back_to_the_code",
    ),
    Fault(
        "nobody counts wrong promo codes",
        "service/promo/promo_claims.py",
        "                self._attempts.note(account_id, text)\n",
        "                pass\n",
        _WIRE,
        "test_who_goes_on_guessing_is_held_up_and_flagged",
    ),
    Fault(
        "a promo code is good at its end",
        "domain/promo/promo_code.py",
        "terms.expire_time is not None and now >= terms.expire_time:",
        "terms.expire_time is not None and now > terms.expire_time:",
        _RULES,
        "test_it_is_good_from_its_start_until_before_its_end_while_there_are_uses",
    ),
    Fault(
        "the percentage of a promo code is rounded up",
        "domain/promo/promo_code.py",
        "value = whole * terms.percent // 100",
        "value = -(-whole * terms.percent // 100)",
        _RULES,
        "test_a_percentage_is_rounded_down_capped_and_leaves_a_price",
    ),
    Fault(
        "the provider is asked for the whole price in spite of a promo code",
        "service/promo/promo_claims.py",
        "return package._replace(amount=package.amount - self.discount, bonus=package.bonus + self.bonus)",
        "return package._replace(bonus=package.bonus + self.bonus)",
        _PURCHASES,
        "test_the_provider_is_asked_for_the_discounted_price_and_paid_it",
    ),
    Fault(
        "a purchase that was not paid keeps its use of a promo code",
        "domain/promo/promo_claim.py",
        "    if purchase.state == PurchaseState.EXPIRED:\n        return ClaimFate.GIVEN_BACK\n",
        "",
        _PURCHASES,
        "test_a_purchase_that_is_never_paid_gives_its_use_back",
    ),
    Fault(
        "a second first purchase has the promo code",
        "service/promo/promo_claims.py",
        "if not (is_first and first_purchase_promos.take(connection, key)):",
        "if not is_first:",
        _PURCHASES,
        "test_a_code_for_first_purchases_is_for_the_first_alone",
    ),
    Fault(
        "capitals make another promo code",
        "domain/promo/promo_text.py",
        'unicodedata.normalize("NFKC", written).casefold())',
        'unicodedata.normalize("NFKC", written))',
        _TEXT,
        "test_what_people_take_for_the_same_code_is_the_same",
    ),
    Fault(
        "a discounted payment is credited though others have the use of its promo code",
        "service/payments/recorder.py",
        "if purchase.promo_given_back and purchase.promo_discount and not purchase.granted:",
        "if False:",
        _PURCHASES,
        "test_a_discounted_payment_after_its_use_went_back_waits_for_a_person",
    ),
    Fault(
        "a provider is asked for the price of a promo code however late",
        "service/payments/payment_requests.py",
        "if purchase.promo_code and not _is_asked(purchase)",
        "if False and not _is_asked(purchase)",
        _PURCHASES,
        "test_a_provider_is_not_asked_for_a_discounted_price_a_day_later",
    ),
)
