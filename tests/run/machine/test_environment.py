from __future__ import annotations

import pytest

from ablations.run.machine import environment


@pytest.fixture
def facts(monkeypatch):
    """What a machine with these lines in /proc/cpuinfo says of itself."""

    def found(**cpu):
        monkeypatch.setattr(
            environment,
            "_cpu_facts",
            lambda *names: next((cpu[name] for name in names if name in cpu), ""),
        )
        return environment._machine_facts.__wrapped__()

    return found


def test_the_instructions_that_libraries_choose_by_are_recorded(facts):
    assert facts(flags="fpu sse2 avx2 avx512f avx512_vnni")["instructions"] == (
        "avx2, avx512f, avx512_vnni"
    )
    assert facts(Features="fp asimd sve")["instructions"] == "asimd, sve"
    assert "instructions" not in facts()


def test_what_a_user_chose_of_them_is_recorded_and_no_other_variable(facts, monkeypatch):
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    assert "ONEDNN_MAX_CPU_ISA" not in facts()
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    monkeypatch.setenv("SECRET_OF_MINE", "x")
    found = facts()
    assert found["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    assert "x" not in found.values()
