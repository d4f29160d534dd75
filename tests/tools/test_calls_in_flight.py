"""Whether all calls of a run wait, so that it can be paused without losing one."""

import contextvars

from interleavethinker.tools.calls_in_flight import CallsInFlight, call_in_flight, call_waiting, count_calls_in


def test_a_run_only_waits_if_every_call_of_it_waits() -> None:
    calls = CallsInFlight()
    seen: list[bool] = []

    def work() -> None:
        count_calls_in(calls)
        seen.append(calls.only_wait)
        with call_in_flight():
            seen.append(calls.only_wait)
            with call_waiting():
                seen.append(calls.only_wait)
                with call_in_flight():
                    seen.append(calls.only_wait)
                    with call_waiting():
                        seen.append(calls.only_wait)
                seen.append(calls.only_wait)
            seen.append(calls.only_wait)
        seen.append(calls.only_wait)

    contextvars.copy_context().run(work)
    assert seen == [False, False, True, False, True, True, False, False]
    with call_in_flight(), call_waiting():  # Of no run.
        assert not calls.only_wait
