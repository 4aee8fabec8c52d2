"""Faults in the console."""

from tests.mutants.fault import Fault

_SIGN_IN = ("tests/console/test_sign_in.py",)
_GUARDS = ("tests/console/test_guards.py",)
_ADDING = ("tests/console/test_adding_credits.py",)
_ACCOUNT = ("tests/console/test_account_page.py",)
_FIGURES = ("tests/console/test_figures.py",)

CONSOLE_FAULTS = (
    Fault(
        "a form of the console needs no token",
        "console/application.py",
        "        return bool(token) and compare_digest(given.encode(), token.encode())\n",
        "        return bool(token) or not given\n",
        _GUARDS,
        "test_a_form_without_its_token_is_refused",
    ),
    Fault(
        "the console takes forms from other sites",
        "console/application.py",
        '        if site not in {"same-origin", "none"}:\n            return False\n',
        "",
        _GUARDS,
        "test_a_form_that_another_site_sends_is_refused_whatever_it_has",
    ),
    Fault(
        "a password alone opens the console",
        "console/admission.py",
        "        if not session.is_complete:\n",
        "        if False:\n",
        _SIGN_IN,
        "test_a_password_alone_opens_nothing",
    ),
    Fault(
        "whoever has a token gets to the pages of staff",
        "console/admission.py",
        "            if not STAFF & set(visit.access.roles):\n",
        "            if False:\n",
        _SIGN_IN,
        "test_who_loses_their_roles_sees_nothing_from_the_next_page_on",
    ),
    Fault(
        "a session of the console is never idle",
        "console/session.py",
        'if now >= session.end or now >= seen["time"] + self._idle_seconds:',
        "if now >= session.end:",
        _SIGN_IN,
        "test_a_session_ends_when_it_is_idle_and_lives_on_while_it_is_used",
    ),
    Fault(
        "pages that are asked for at once each refresh by themselves",
        "console/session.py",
        'return f"console:{sha256(self.refresh_token.encode()).hexdigest()}"',
        'return f"console:{secrets.token_hex(16)}"',
        _SIGN_IN,
        "test_tokens_are_renewed_by_many_pages_at_once_and_the_session_goes_on",
    ),
    Fault(
        "what was not looked at is done",
        "console/credits_form.py",
        'if reading.faults or visit.form.text("looked_at", 4_096) != _mark(reading.request):',
        "if reading.faults:",
        _ADDING,
        "test_what_was_not_looked_at_is_shown_and_not_done",
    ),
    Fault(
        "a form makes its request id when it is sent",
        "console/credits_form.py",
        '        form.text("request_id", 255),\n',
        "        secrets.token_hex(_REQUEST_ID_BYTES),\n",
        _ADDING,
        "test_a_form_that_is_sent_twice_acts_once",
    ),
    Fault(
        "looking at what an act would do is the act",
        "console/credits_form.py",
        "    asked.validate_only = True\n",
        "",
        _ADDING,
        "test_what_was_not_looked_at_is_shown_and_not_done",
    ),
    Fault(
        "pages put what others have written into themselves as it is",
        "console/pages.py",
        "            autoescape=True,\n",
        "            autoescape=False,\n",
        _ACCOUNT,
        "test_what_others_have_written_is_text",
    ),
    Fault(
        "decimals that a credit type has not are cut off",
        "console/figures.py",
        '    if len(part.rstrip("0")) > decimals:\n',
        "    if False:\n",
        _FIGURES,
        "test_what_could_be_misread_is_refused_with_its_reason",
    ),
)
