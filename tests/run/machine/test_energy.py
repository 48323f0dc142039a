from __future__ import annotations

import pytest

from ablations.run.machine import energy


@pytest.fixture
def zones(tmp_path, monkeypatch):
    """Two packages, one with a part of its own, as Linux shows them."""
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    monkeypatch.setattr(energy, "gpu_joules", lambda: {"0": 50.0})
    monkeypatch.setenv("ABLATIONS_JOBS", "1")

    def write(**microjoules):
        for name, value in microjoules.items():
            zone = tmp_path / name.replace("_", ":").replace("rapl", "intel-rapl")
            zone.mkdir(exist_ok=True)
            kind = "psys" if name == "rapl_2" else "package-0"
            (zone / "name").write_text(f"{kind}\n")
            (zone / "energy_uj").write_text(f"{value}\n")
            (zone / "max_energy_range_uj").write_text("10000000\n")

    write(rapl_0=1_000_000, rapl_1=9_000_000, rapl_0_0=5, rapl_2=7)
    return write


def test_packages_and_gpus_are_added_up_and_counters_may_begin_anew(zones, monkeypatch):
    before = energy.counters()
    assert sorted(before) == ["gpu 0", "intel-rapl:0", "intel-rapl:1"]
    zones(rapl_0=3_500_000, rapl_1=1_000_000)
    monkeypatch.setattr(energy, "gpu_joules", lambda: {"0": 57.0})
    assert energy.spent(before, 0.01) == pytest.approx(2.5 + 2.0 + 7.0)


def test_a_counter_that_may_have_begun_anew_twice_tells_nothing(zones):
    before = energy.counters()
    assert energy.spent(before, 0.01) is not None
    assert energy.spent(before, 0.03) is None  # at 500 W, its 10 J of range


def test_beside_other_workers_a_trials_energy_is_unknown(zones, monkeypatch):
    monkeypatch.setenv("ABLATIONS_JOBS", "2")
    assert energy.counters() == {}
    assert energy.spent({}, 1.0) is None


def test_without_counters_energy_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "none")
    assert energy.spent(energy.counters(), 1.0) is None
