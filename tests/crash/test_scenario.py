"""What the seeds deal: together they leave nothing out, each of them says the same again."""

from itertools import product

from tests.crash.scenario import RUNS, Kind, Phase, entries_of, scenario

DEALT = [scenario(seed) for seed in range(RUNS)]


def test_every_kind_of_fault_strikes_every_phase() -> None:
    struck = {(phase, fault.kind) for one in DEALT for phase, fault in one.faults.items()}
    assert struck == set(product(Phase, Kind))


def test_opskit_is_killed_at_every_entry_of_the_journals_of_a_switch() -> None:
    for phase in (Phase.CUTOVER, Phase.ROLLBACK):
        faults = [one.faults[phase] for one in DEALT]
        entries = {at for one in faults if one.kind is Kind.KILL_OPSKIT for at in one.entries}
        assert entries >= set(range(1, entries_of(phase) + 1)), phase


def test_whatever_an_operator_may_do_follows_a_kill_in_every_phase() -> None:
    for phase in Phase:
        faults = [one.faults[phase] for one in DEALT if phase in one.faults]
        assert len({one.then for one in faults if one.kind is Kind.KILL_OPSKIT}) > 1, phase


def test_a_seed_says_the_same_again_and_none_says_what_another_does() -> None:
    assert [scenario(seed) for seed in range(RUNS)] == DEALT
    assert len({str(one).partition("\n")[2] for one in DEALT}) == RUNS


def test_every_phase_is_struck_or_left_out_at_the_end_only() -> None:
    for one in DEALT:
        assert list(one.faults) == list(Phase)[: len(one.faults)]
        assert len(one.faults) >= 4
