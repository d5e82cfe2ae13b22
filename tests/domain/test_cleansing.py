"""Each kind of cell: what is read, what is refused with its place, and the steps that are told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cells import GUEST, PLAIN, column, read, steps
from masterflow.domain.cleansing import MappedColumn, cleanse
from masterflow.domain.quality import RULES
from masterflow.domain.records import Place, Record, SheetRole


def test_a_clean_value_keeps_the_cell_the_column_and_the_steps():
    memory = column("memory_gb", "number", "MB", "GiB")
    clean, issues = cleanse(Record("vInfo", 2, {"Cell": 4096}), "r1", GUEST, [memory])
    value = clean.values["memory_gb"]
    assert (value.value, value.raw, value.column, value.transform) == (4.0, 4096, "Cell", ("MB->GiB /1024",))
    assert (clean.record_id, clean.sheet, clean.row, clean.role) == ("r1", "vInfo", 2, GUEST)
    assert issues == ()


@pytest.mark.parametrize(
    "raw",
    [None, "", "  ", "NULL", "None", "n/a", "N/A", "-", "[];", "unknown", "\u00a0", "\u200b", "not collected"],
)
def test_an_empty_cell_gives_neither_a_value_nor_an_issue(raw):
    for kind in ("text", "integer", "number", "percent", "boolean", "date", "ip", "mac", "fqdn", "list", "enum"):
        assert read(raw, column("other_field", kind)) == (None, [])


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (" web01 ", "web01"),
        ("web\u00a001", "web 01"),
        ("a\tb\r\nc", "a b c"),
        ("a\x00b\u200bc\ud800", "abc"),
        ("Cafe\u0301", "Café"),
        (2012, "2012"),
        (2012.0, "2012"),
        (2.5, "2.5"),
        (True, "True"),
        (12345678901234567890, "12345678901234567890"),
        ("Intel   X5675", "Intel   X5675"),
    ],
)
def test_text_is_tidied_and_otherwise_kept_as_written(raw, value):
    assert read(raw, column("model")) == (value, [])


def test_a_description_keeps_its_lines():
    assert read("first\r\nsecond", column("description"))[0] == "first\nsecond"


def test_not_a_number_is_an_empty_text():
    assert read(float("nan"), column("model")) == (None, [])


def test_text_longer_than_the_field_is_refused_and_never_cut():
    assert read("x" * 256, column("location")) == (None, ["text_too_long"])
    assert read("x" * 256, column("description")) == ("x" * 256, [])
    assert read(1 << 20_000, column("location")) == (None, ["text_too_long"])


def test_an_issue_names_the_place_the_cell_and_what_was_expected():
    _, (issue,) = cleanse(Record("vInfo", 9, {"Cell": "many" * 40}), "r", PLAIN, [column("cpu_cores", "integer")])
    assert issue.place == Place("", "vInfo", 9, "Cell")
    assert "'Cell' holds 'manymany" in issue.message
    assert "expected for cpu_cores: one number" in issue.message
    assert len(issue.message) < 250


@pytest.mark.parametrize(("raw", "value"), [("1,234.5", 1234.5), ("1.234,5", 1234.5), (7, 7.0), ("35 units", 35.0)])
def test_numbers_are_read_in_both_notations(raw, value):
    assert read(raw, column("score", "number")) == (value, [])


def test_an_ambiguous_number_is_an_issue_unless_the_column_decides():
    assert read("1.234", column("score", "number")) == (None, ["number_ambiguous"])
    assert read("1.234", column("score", "number", decimal=",")) == (1234.0, [])
    assert read("1.234", column("score", "number", decimal=".")) == (1.234, [])


@pytest.mark.parametrize("raw", [True, float("inf"), float("nan"), 10**400, "four", "61 GiB / 127 GiB"])
def test_what_is_no_number_is_refused(raw):
    assert read(raw, column("memory_gb", "number", "MB", "GiB")) == (None, ["number_unreadable"])


def test_a_conversion_beyond_a_float_is_refused():
    assert read(1e308, column("storage_gb", "number", "PB", "GiB")) == (None, ["number_unreadable"])


def test_the_unit_in_a_cell_wins_over_the_unit_of_the_column():
    mapped = column("memory_gb", "number", "MB", "GiB")
    assert read("16 GiB", mapped) == (16.0, [])
    assert steps("2 TiB", mapped) == ("text to number", "unit TiB in the cell", "TiB->GiB *1024")


def test_a_size_without_any_unit_is_not_guessed():
    assert read(4096, column("memory_gb", "number", "", "GiB")) == (None, ["unit_unknown"])
    assert read("4 GHz", column("memory_gb", "number", "MB", "GiB")) == (None, ["unit_unknown"])


def test_a_count_keeps_the_word_behind_it_as_a_step():
    assert read("4 vCPU", column("cpu_cores", "integer")) == (4, [])
    assert steps("4 vCPU", column("cpu_cores", "integer"))[-1] == "kept in vCPU"


@pytest.mark.parametrize(("raw", "value"), [(4, 4), (4.0, 4), ("4.0", 4), ("1,234,567", 1234567)])
def test_whole_numbers_are_integers(raw, value):
    found, codes = read(raw, column("cpu_cores", "integer"))
    assert (found, codes) == (value, [])
    assert isinstance(found, int)


@pytest.mark.parametrize("raw", [4.5, "4,5", 1e17])
def test_a_fraction_is_not_rounded(raw):
    assert read(raw, column("cpu_cores", "integer")) == (None, ["not_a_whole_number"])


def test_minus_one_means_not_collected_where_nothing_can_be_negative():
    assert read(-1, column("cpu_cores", "integer")) == (None, ["not_collected"])
    assert read(-1, column("cpu_utilization_percent", "percent")) == (None, ["not_collected"])
    assert read("-2", column("memory_gb", "number", "MB", "GiB")) == (None, ["number_negative"])
    assert read(-1, column("annual_cost_estimate", "number")) == (-1.0, [])


@pytest.mark.parametrize(
    ("raw", "unit", "value", "codes"),
    [
        (35, "percent", 35.0, []),
        ("35 %", "", 35.0, []),
        ("0,5 %", "", 0.5, []),
        (0.35, "fraction", 35.0, []),
        ("35 %", "fraction", 35.0, []),
        (0.35, "", 0.35, ["percent_or_fraction"]),
        (0, "", 0.0, []),
        (140, "percent", 140.0, ["percent_out_of_range"]),
        ("35 MB", "percent", None, ["number_unreadable"]),
        ("n/a", "percent", None, []),
    ],
)
def test_percentages_and_fractions_are_told_apart_by_the_column(raw, unit, value, codes):
    found, issues = read(raw, column("cpu_utilization_percent", "percent", unit, "percent"))
    assert found == (None if value is None else pytest.approx(value))
    assert issues == codes


@pytest.mark.parametrize("raw", [True, "True", "ON", "poweredOn", "ja", 1, "yes", "powered On"])
def test_words_for_yes_are_true(raw):
    assert read(raw, column("is_template", "boolean")) == (True, [])


@pytest.mark.parametrize("raw", [False, "false", "OFF", "poweredOff", "nein", 0, 0.0, "No"])
def test_words_for_no_are_false(raw):
    assert read(raw, column("is_template", "boolean")) == (False, [])


def test_another_word_is_no_boolean():
    assert read("perhaps", column("is_template", "boolean")) == (None, ["boolean_unreadable"])


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("ON", "poweredOn"),
        ("PowerState/running", "poweredOn"),
        (True, "poweredOn"),
        ("OFF", "poweredOff"),
        ("VM deallocated", "poweredOff"),
        ("Powered Off", "poweredOff"),
        ("Saved", "suspended"),
        ("unknown", "unknown"),
        ("poweredOn", "poweredOn"),
    ],
)
def test_power_words_become_four_states(raw, value):
    assert read(raw, column("power_state", "enum", values=("on", "off"))) == (value, [])


def test_a_power_word_that_nobody_knows_is_refused():
    assert read("humming", column("power_state")) == (None, ["power_state_unreadable"])
    assert read("n/a", column("power_state")) == (None, [])


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("Dev", "development", []),
        ("PRD", "production", []),
        ("Pre-Prod", "staging", []),
        ("disaster_recovery", "disaster_recovery", []),
        ("Blue", "Blue", ["environment_unrecognised"]),
        ("x" * 300, None, ["text_too_long"]),
    ],
)
def test_environment_words_get_one_form_and_others_stay(raw, value, codes):
    assert read(raw, column("environment")) == (value, codes)


@pytest.mark.parametrize(
    ("name", "environment", "confidence"),
    [("app-dev-01", "development", 0.8), ("wowasdev1", "development", 0.5), ("BOWSQLTEST15", "test", 0.5)],
)
def test_an_environment_in_the_name_is_only_suggested(name, environment, confidence):
    clean, (issue,) = cleanse(Record("S", 2, {"Cell": name}), "r", GUEST, [column("name")])
    assert "environment" not in clean.values
    assert (issue.code, issue.severity) == ("environment_suggested", "info")
    assert f"{environment} (confidence {confidence})" in issue.message


@pytest.mark.parametrize("name", ["sql01", "latest01", "contest", "wdfs1"])
def test_other_names_suggest_no_environment(name):
    assert read(name, column("name"), GUEST)[1] == []


def test_an_environment_that_is_given_needs_no_suggestion():
    columns = [column("name"), MappedColumn("Env", "environment", "text", "", "")]
    clean, issues = cleanse(Record("S", 2, {"Cell": "app-dev-01", "Env": "prod"}), "r", GUEST, columns)
    assert clean.values["environment"].value == "production"
    assert issues == ()


def test_listed_values_are_compared_without_case_and_marks():
    mapped = column("migration_status", "enum", values=("not_started", "done"))
    assert read("Not Started", mapped) == ("not_started", [])
    assert read("done", mapped) == ("done", [])
    assert read("later", mapped) == (None, ["value_not_listed"])
    assert read("later", column("migration_status", "enum")) == ("later", [])


def test_an_operating_system_stays_as_written_and_is_recognised():
    text = "Microsoft Windows Server 2008 R2 (64-bit)"
    assert read(text, column("operating_system")) == (text, [])
    assert steps(text, column("operating_system"))[-1].startswith("recognised as Windows Server 2008 R2")


def test_an_operating_system_nobody_knows_is_kept_with_a_note():
    assert read("Zorblax 9", column("os_tools")) == ("Zorblax 9", ["os_unrecognised"])
    assert read("n/a", column("os_tools")) == (None, [])


def test_a_serial_number_every_board_carries_is_refused():
    assert read("To be filled by O.E.M.", column("serial_number")) == (None, ["serial_meaningless"])


def test_an_unknown_kind_is_read_as_text():
    assert read("x", column("model", "colour")) == ("x", [])


def test_two_columns_of_a_list_are_joined():
    columns = [
        MappedColumn("IPv4", "ip_address", "ip", "", ""),
        MappedColumn("IPv6", "ip_address", "ip", "", ""),
    ]
    clean, issues = cleanse(Record("S", 2, {"IPv4": "10.0.0.5", "IPv6": "2001:db8::1"}), "r", PLAIN, columns)
    value = clean.values["ip_address"]
    assert (value.value, value.raw, value.column) == (["10.0.0.5", "2001:db8::1"], "10.0.0.5", "IPv4")
    assert value.transform == ("joined with column 'IPv6'",)
    assert issues == ()


def test_two_addresses_of_a_single_valued_field_are_joined():
    columns = [MappedColumn(name, "target_ip", "ip", "", "") for name in ("A", "B")]
    clean, _ = cleanse(Record("S", 2, {"A": "10.0.0.5", "B": "10.0.0.6"}), "r", PLAIN, columns)
    assert clean.values["target_ip"].value == ["10.0.0.5", "10.0.0.6"]


@pytest.mark.parametrize(("second", "codes"), [("x", []), ("y", ["columns_disagree"]), (None, [])])
def test_of_two_columns_the_first_stands_and_a_difference_is_an_issue(second, codes):
    columns = [MappedColumn(name, "model", "text", "", "") for name in ("A", "B")]
    clean, issues = cleanse(Record("S", 2, {"A": "x", "B": second}), "r", PLAIN, columns)
    assert clean.values["model"].value == "x"
    assert [issue.code for issue in issues] == codes


def test_the_key_column_of_a_detail_sheet_is_its_name():
    role = SheetRole("detail", "virtual_machine", "VM")
    clean, _ = cleanse(Record("vNetwork", 2, {"VM": "web01 "}), "r", role, [])
    assert clean.values["name"].value == "web01"


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=40),
    st.text(alphabet="0123456789.,:;-/[]% aMGiBTbe", max_size=24),
    st.sampled_from(["2026-11-20", "31.12.2020 10:00", "10.0.0.5;::1", "ON", "prod", "web01.example.com", "1.234 MB"]),
)
COLUMNS = st.builds(
    MappedColumn,
    column=st.just("Cell"),
    target=st.sampled_from(
        [
            *("name", "memory_gb", "ip_address", "target_ip", "mac_address", "fqdn", "hostname", "environment"),
            *("power_state", "operating_system", "description", "score", "asset_tags", "cpu_utilization_percent"),
        ]
    ),
    kind=st.sampled_from(
        ["text", "integer", "number", "percent", "boolean", "date", "ip", "mac", "fqdn", "list", "enum"]
    ),
    unit=st.sampled_from(["", "MB", "fraction", "dmy", "GHz"]),
    target_unit=st.sampled_from(["", "GiB", "percent"]),
    values=st.sampled_from([(), ("on", "off")]),
    decimal=st.sampled_from([None, ".", ","]),
)


@settings(max_examples=400, deadline=None)
@given(CELLS, COLUMNS)
def test_cleansing_never_raises_and_explains_every_refusal(raw, mapped):
    clean, issues = cleanse(Record("S", 2, {"Cell": raw}), "r", GUEST, [mapped])
    assert {issue.code for issue in issues} <= RULES.keys()
    for value in clean.values.values():
        assert value.raw is raw
        assert value.value is not None
        assert value.value != []


@settings(max_examples=400, deadline=None)
@given(CELLS, COLUMNS)
def test_cleansing_a_clean_value_again_changes_nothing(raw, mapped):
    clean, _ = cleanse(Record("S", 2, {"Cell": raw}), "r", GUEST, [mapped])
    for target, value in clean.values.items():
        cell = "".join(f"{item};" for item in value.value) if isinstance(value.value, list) else value.value
        unit = mapped.unit if mapped.kind == "date" else mapped.target_unit
        again = MappedColumn("Cell", target, mapped.kind, unit, mapped.target_unit, mapped.values, mapped.decimal)
        repeated, _ = cleanse(Record("S", 2, {"Cell": cell}), "r", GUEST, [again])
        assert repeated.values[target].value == value.value
