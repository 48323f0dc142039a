from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ablations.core.design import Resources
from ablations.errors import StudyError
from ablations.plan import builtin_titles, load_study, plan_trials, study_schema, write_example


def test_a_study_file_becomes_a_study(study):
    assert study.slug == "small"
    assert len(study.arms) == 4
    assert study.seeds == (0, 1, 2)
    assert study.baseline.name == study.reference.name == "a=off, b=off"
    assert study.arm_settings(study.arms[-1]) == {"epochs": 2, "a": 0.1, "b": 0.05}


def test_overrides_take_toml_values_or_plain_text(study_path):
    study_path.write_text(study_path.read_text().replace("epochs = 2", 'epochs = 2\nw = ""\nl = 1'))
    loaded = load_study(study_path, overrides=["epochs=7", "w=a/b.h5", 'l=["x"]'], seeds=2)
    assert loaded.settings == {"epochs": 7, "w": "a/b.h5", "l": ["x"]}
    assert loaded.seeds == (0, 1)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            "question =",
            "qestion =",
            "small.toml: unknown key 'qestion'. Received: Which of the two raises accuracy?. Did you "
            "mean 'question'? Known here are title, question, trial, factors, design, analysis, resources, gates, chapters, import, published.",
        ),
        (
            "seeds = 3",
            "sseds = 3",
            "small.toml: unknown key 'design.sseds'. Received: 3. Did you mean 'seeds'? Known here "
            "are kind, baseline, seeds, applies, generators, halvings, fold_over, arms.",
        ),
        (
            "at_least = 0.6",
            "at_lest = 0.6",
            "small.toml: unknown key 'gates[0].at_lest'. Received: 0.6. Did you mean 'at_least'? "
            "Known here are metric, where, at_least, at_most, judge.",
        ),
        (
            "seeds = 3",
            "seeds = []",
            "small.toml: design.seeds is empty. Received: []. Name at least one seed.",
        ),
        (
            "seeds = 3",
            "seeds = [1, 1]",
            "small.toml: design.seeds names a seed twice. Received: [1, 1]. Each seed is one "
            "replicate; name each once.",
        ),
        (
            "on = { a = 0.1 }",
            "",
            "small.toml: factor 'a' needs at least two levels. Received: levels=['off']. Add a "
            "level, or move it to [trial.settings].",
        ),
        (
            "on = { a = 0.1 }",
            "on = {}",
            "small.toml: factor 'a' has two levels with the same settings. Received: 'off' and 'on' "
            "= {}. Change one of them or remove it.",
        ),
        (
            "on = { a = 0.1 }",
            "on = { epochs = 2 }",
            "small.toml: two arms have the same settings. Received: a=off, b=off and a=on, b=off: "
            '{"epochs": 2}. Change a level, or the shared setting that makes two levels alike.',
        ),
        (
            "on = { a = 0.1 }",
            "on = { a = inf }",
            "small.toml: settings may hold text, finite numbers, booleans, lists and tables. "
            "Received: a=on, b=off: Out of range float values are not JSON compliant. Write dates "
            "and other values as text.",
        ),
        (
            "on = { a = 0.1 }",
            "on = { a = 2026-01-01 }",
            "small.toml: settings may hold text, finite numbers, booleans, lists and tables. "
            "Received: a=on, b=off: Object of type date is not JSON serializable. Write dates and "
            "other values as text.",
        ),
        (
            "on = { b = 0.05 }",
            "on = { a = 0.05 }",
            "small.toml: setting 'a' is set by two factors. Received: factors 'a' and 'b'. Set it in "
            "one factor only.",
        ),
        (
            "on = { a = 0.1 }",
            "off = { a = 0.1 }",
            "small.toml is not valid TOML. Received: Cannot overwrite a value (at line 13, column "
            "18). Write each key and level only once, and text in quotes.",
        ),
        (
            "seeds = 3",
            'seeds = 3\nbaseline = { a = "none" }',
            "small.toml: design.baseline names no level of factor 'a'. Received: 'none'. Did you "
            "mean 'on'? Its levels are off, on.",
        ),
        (
            'where = { a = "on" }',
            'where = { a = "maybe" }',
            "small.toml: gates[0].where names no trained level of 'a'. Received: maybe. Known here "
            "are off, on.",
        ),
        (
            'where = { a = "on" }',
            'where = { aa = "on" }',
            "small.toml: gates[0].where names no factor. Received: aa. Did you mean 'a'? Known here "
            "are a, b.",
        ),
        (
            "[[gates]]",
            '[[chapters]]\ntitle = "C"\nwhere = { a = "onn" }\n\n[[gates]]',
            "small.toml: chapters[0].where names no trained level of 'a'. Received: onn. Did you "
            "mean 'on'? Known here are off, on.",
        ),
        (
            "at_least = 0.6",
            "",
            "small.toml: gates[0] needs exactly one of at_least and at_most. Received: "
            "at_least=None, at_most=None. Write two gates for two thresholds.",
        ),
        (
            'title = "Does a pay, and does b?"',
            "",
            "small.toml: 'title' is missing. Received: nothing. Add it; 'ablations init' writes a "
            "commented example.",
        ),
        (
            "epochs = 2\n",
            "epochs = 2\n[trial.more]\nx = 1\n",
            "small.toml: unknown key 'trial.more'. Received: {'x': 1}. Known here are run, settings, "
            "threads, timeout_seconds, memory_gib.",
        ),
        (
            "seeds = 3",
            'kind = "factorial"',
            "small.toml: 'design.kind' cannot be used: input should be 'full-factorial', "
            "'fractional', 'screening', 'one-factor-out', 'one-factor-in' or 'arms'. Received: factorial. Did "
            "you mean 'full-factorial'? See 'ablations schema' for its form.",
        ),
    ],
)
def test_what_is_wrong_in_a_study_file_is_one_line(edit, old, new, text):
    path = edit(old, new)
    with pytest.raises(StudyError) as caught:
        load_study(path)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (
            "train",
            "small.toml: trial.run must have the form 'module:function'. Received: train. Write for "
            "example 'ablations.vision:train'.",
        ),
        (
            "no_such_module:train",
            "small.toml: trial.run: entry 'no_such_module:train' cannot be imported. Received: "
            "ModuleNotFoundError: No module named 'no_such_module'. Name a module beside the study "
            "file or an installed one.",
        ),
        (
            "json:nothing",
            "small.toml: trial.run: module 'json' has no function 'nothing'. Received: "
            "json:nothing. Name a function that takes (trial, log).",
        ),
        (
            "ablations.vision:trian",
            "small.toml: trial.run: module 'ablations.vision' has no function 'trian'. Received: "
            "ablations.vision:trian. Did you mean 'train'? Name a function that takes (trial, "
            "log).",
        ),
        (
            "math:pi",
            "small.toml: trial.run: entry 'math:pi' is not a function. Received: float. Name a "
            "function that takes (trial, log).",
        ),
    ],
)
def test_an_entry_that_cannot_be_used_is_one_line(study_path, entry, text):
    lines = study_path.read_text().splitlines()
    changed = [f'run = "{entry}"' if line.startswith("run =") else line for line in lines]
    study_path.write_text("\n".join(changed))
    with pytest.raises(StudyError) as caught:
        load_study(study_path)
    assert str(caught.value) == text


def test_a_misspelt_table_is_named_before_the_one_that_is_missing(study_path):
    text = study_path.read_text()
    for own, wrong in (("trial", "trail"), ("factors", "factor")):
        study_path.write_text(text.replace(f"[{own}", f"[{wrong}"))
        with pytest.raises(StudyError, match=rf"unknown key '{wrong}'.*Did you mean '{own}'\?"):
            load_study(study_path)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("epochs", r"--set needs key=value\. Received: epochs"),
        ("a=1", r"--set a would change nothing, because factor 'a' sets it\. Received: a=1"),
    ],
)
def test_overrides_that_change_nothing_are_refused(study_path, override, problem):
    with pytest.raises(StudyError, match=problem):
        load_study(study_path, overrides=[override])


def test_an_unknown_study_names_those_there_are(tmp_path):
    with pytest.raises(StudyError, match=r"Received: nope\. Built in are .*quickstart"):
        load_study("nope")
    assert "quickstart" in builtin_titles()


def test_the_schema_is_json_and_closed():
    schema = json.loads(json.dumps(study_schema()))
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"title", "trial"}


def test_the_schema_says_what_each_key_means():
    schema = study_schema()
    for table in (schema, *schema["$defs"].values()):
        for key, own in table["properties"].items():
            assert own.get("description") or "$ref" in own, key


def test_the_example_can_be_loaded_and_is_never_written_over(tmp_path):
    path = tmp_path / "study.toml"
    write_example(path)
    assert len(load_study(path).arms) == 4
    with pytest.raises(StudyError, match=r"cannot be written\. Received: .*File exists"):
        write_example(path)


@pytest.mark.parametrize("name", ["quickstart", "cats-vs-dogs", "fine-tuning", "precision"])
def test_planning_the_built_in_studies_imports_no_framework(name):
    code = (
        "import sys; from ablations.plan import load_study, plan_trials; "
        f"plan_trials(load_study({name!r})); "
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow', 'jax', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "raise SystemExit(0)",
            "trial.run: entry '{module}:train' cannot be imported. Received: SystemExit: 0. Name a "
            "module beside the study file or an installed one.",
        ),
        (
            "def check_settings(settings):\n    raise ZeroDivisionError('zero')",
            "'check_settings' beside the training function failed. Received: ZeroDivisionError: "
            "zero. Correct it, or have it raise a StudyError that says what is wrong.",
        ),
    ],
)
def test_a_module_that_misbehaves_is_one_line(study_path, code, text):
    (module,) = study_path.parent.glob("training_*.py")
    module.write_text(module.read_text() + code + "\n")
    with pytest.raises(StudyError) as caught:
        load_study(study_path)
    assert str(caught.value) == f"small.toml: {text.format(module=module.stem)}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seeds = 3", "seeds = [9223372036854775808]"),
        ("seeds = 3", "seeds = 0"),
        ("at_least = 0.6", "at_least = nan"),
        ("[trial.settings]", "timeout_seconds = inf\n[trial.settings]"),
        ("epochs = 2", f"epochs = {'9' * 5000}"),
        ("epochs = 2", f"epochs = {'[' * 5000}{']' * 5000}"),
        ('title = "Does', 'title = "  " # "Does'),
    ],
)
def test_numbers_beyond_reason_are_one_line(edit, old, new):
    with pytest.raises(StudyError, match=r"Received: ") as caught:
        load_study(edit(old, new))
    assert "\n" not in str(caught.value)


def test_another_encoding_is_named_and_saving_as_utf_8_helps(study_path):
    text = study_path.read_text(encoding="utf-8").replace('title = "', 'title = "Größe: ', 1)
    study_path.write_text(text, encoding="latin-1")
    with pytest.raises(StudyError) as caught:
        load_study(study_path)
    assert str(caught.value) == (
        "small.toml is not text in UTF-8, as a study file must be. Received: b'\\xf6' at byte "
        f"{text.index('ö')}. Save it as UTF-8; editors offer this as the encoding of the file."
    )
    study_path.write_text(text, encoding="utf-8")
    assert load_study(study_path).title.startswith("Größe")


def test_a_byte_order_mark_is_no_matter(study_path):
    study_path.write_bytes(b"\xef\xbb\xbf" + study_path.read_bytes())
    assert load_study(study_path).slug == "small"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("quickstrt", "quickstart"), ("Post-A-Clean", "post-a-clean"), ("smal.toml", "small.toml")],
)
def test_a_misspelt_study_is_asked_about_and_the_answer_loads(study_path, written, meant):
    with pytest.raises(StudyError, match=rf"Received: {written}\. Did you mean '{meant}'\? Built"):
        load_study(written)
    assert load_study(meant).title


HOOKED = """
from ablations import StudyError


def train(trial, log):
    log.metric("test_accuracy", 0.5)


def check_settings(settings):
    unknown = [key for key in settings if key not in ("a", "b", "epochs", "depth")]
    if unknown:
        raise StudyError("unknown", received=unknown, cure="Remove it")
"""


def test_an_unknown_setting_is_refused_on_the_command_line(study_path):
    with pytest.raises(StudyError) as caught:
        load_study(study_path, overrides=["epoch=7"])
    assert str(caught.value) == (
        "small.toml: --set epoch: the study has no such setting. Received: epoch=7. Did you mean "
        "'epochs'? Write it into [trial.settings] first, where there are epochs."
    )
    assert load_study(study_path, overrides=["epochs=7"]).settings["epochs"] == 7
    with pytest.raises(StudyError, match="--set nothing: the study has no such setting"):
        load_study(study_path, overrides=["nothing=1"])
    study_path.write_text(study_path.read_text().replace("epochs = 2", "epochs = 2\nnothing = 0"))
    assert load_study(study_path, overrides=["nothing=1"]).settings["nothing"] == 1


def test_a_setting_that_the_training_function_checks_may_be_set(study_path, tmp_path):
    (tmp_path / "hooked_training.py").write_text(HOOKED)
    text = study_path.read_text()
    run = text.split('run = "')[1].split('"')[0]
    study_path.write_text(text.replace(run, "hooked_training:train"))
    assert load_study(study_path, overrides=["depth=3"]).settings["depth"] == 3
    with pytest.raises(StudyError, match=r"small.toml: unknown\. Received: \['nothing'\]"):
        load_study(study_path, overrides=["nothing=1"])


def test_the_built_in_training_function_knows_its_settings():
    assert load_study("quickstart", overrides=["learning_rate=0.01"]).settings["learning_rate"]
    with pytest.raises(StudyError, match="unknown setting 'epoch'"):
        load_study("quickstart", overrides=["epoch=1"])
    with pytest.raises(StudyError, match="settings of your own need 'build'"):
        load_study("quickstart", overrides=["build_nothing=1"])


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (
            "def train(model, data, epochs): ...",
            "cannot be called with (trial, log). Received: (model, data, epochs). Define it as def "
            "train(trial, log).",
        ),
        (
            "def train(): ...",
            "cannot be called with (trial, log). Received: (). Define it as def train(trial, log).",
        ),
        (
            "async def train(trial, log): ...",
            "would not run when it is called. Received: a coroutine. Define it as def train(trial, "
            "log).",
        ),
        (
            "def train(trial, log): yield 1",
            "would not run when it is called. Received: a generator. Define it as def train(trial, "
            "log).",
        ),
    ],
)
def test_a_training_function_of_another_form_is_an_error_at_plan_time(
    study_path, tmp_path, code, problem
):
    module = study_path.read_text().split('run = "')[1].split(":")[0]
    (tmp_path / f"{module}.py").write_text(code)
    with pytest.raises(StudyError) as caught:
        load_study(study_path)
    assert str(caught.value) == f"small.toml: trial.run: '{module}:train' {problem}"


def test_a_hook_of_another_form_is_an_error_at_plan_time(study_path, tmp_path):
    module = study_path.read_text().split('run = "')[1].split(":")[0]
    with (tmp_path / f"{module}.py").open("a") as file:
        file.write("\n\ndef check_settings(): ...\n")
    with pytest.raises(StudyError) as caught:
        load_study(study_path)
    assert str(caught.value) == (
        "small.toml: 'check_settings' beside the training function cannot be called with "
        "(settings). Received: (). Define it as def check_settings(settings), or give it another "
        "name."
    )


def test_a_folder_is_no_study(study_path):
    (study_path.parent / "folder.toml").mkdir()
    with pytest.raises(StudyError, match=r"this is a folder.*Received: folder\.toml"):
        load_study("folder.toml")


def test_resources_are_those_of_the_study_with_the_last_that_matches_an_arm(edit):
    path = edit(
        "[design]",
        """\
        [resources]
        cpus = 2
        memory_gib = 4
        [[resources.arms]]
        where = { a = "on" }
        gpus = 0.5
        [[resources.arms]]
        where = { a = "on", b = "on" }
        gpus = 2
        accelerator = "A100"
        [design]
        """,
    )
    study = load_study(path)
    found = {arm.name: study.arm_resources(arm) for arm in study.arms}
    assert found == {
        "a=off, b=off": Resources(2, 0, 4),
        "a=off, b=on": Resources(2, 0, 4),
        "a=on, b=off": Resources(2, 0.5, 4),
        "a=on, b=on": Resources(2, 2, 4, "A100"),
    }


def test_a_trial_has_a_core_for_each_thread_and_the_memory_that_it_may_hold(edit):
    study = load_study(edit("[trial.settings]", "memory_gib = 3\n[trial.settings]"), threads=2)
    assert {study.arm_resources(arm) for arm in study.arms} == {Resources(2, 0, 3)}


def test_resources_are_no_part_of_a_trials_name(study, edit):
    given = load_study(edit("[design]", "[resources]\ncpus = 4\ngpus = 1\n[design]"))
    assert [t.key for t in plan_trials(given)] == [t.key for t in plan_trials(study)]


@pytest.mark.parametrize(("table", "message"), [
    ("cpus = 0.5", "resources.cpus is less than the threads of a trial (a=off, b=off). "
     "Received: cpus = 0.5, threads = 1. Give each thread a core, or leave cpus out."),
    ("gpus = 1.5", "resources.gpus is a part of one GPU, or a whole number (a=off, b=off). "
     "Received: gpus = 1.5. Write for example 0.5 for half of a GPU, or 2."),
    ("accelerator = 'A100'", "resources.accelerator needs resources.gpus (a=off, b=off). "
     "Received: accelerator = 'A100', gpus = 0. Add gpus = 1, or leave accelerator out."),
    ("[[resources.arms]]\nwhere = { c = 'on' }", "resources.arms[0].where names no factor"),
    ("[[resources.arms]]\ngpus = 1", "resources.arms[0].where"),
    ("gpu = 1", "resources.gpu"),
])  # fmt: skip
def test_resources_that_cannot_be_given_are_refused(edit, table, message):
    path = edit("[design]", f"[resources]\n{table}\n[design]")
    with pytest.raises(StudyError) as found:
        load_study(path)
    assert message in str(found.value)
