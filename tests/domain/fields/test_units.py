"""The unit of a column: header, cells, tool, magnitude, or honestly none."""

from __future__ import annotations

import pytest

from masterflow.domain.fields import FIELDS, profile
from masterflow.domain.fields.units import find_unit
from masterflow.domain.records import Column


def unit(target, header, values, **known):
    return find_unit(FIELDS[target], profile(Column(header, 1, header), values), **known)


@pytest.mark.parametrize(
    ("target", "header", "values", "expected"),
    [
        ("memory_gb", "Memory (in MB)", [4096], "MB"),
        ("memory_gb", "Memory", [4096, 8192, 16384], "MB"),
        ("memory_gb", "Memory", [4, 8, 256], "GB"),
        ("memory_gb", "Memory", [4194304, 8388608], "KB"),
        ("memory_gb", "Memory", [8589934592, 4294967296], "B"),
        ("memory_gb", "Memory", [8, 16, 512], ""),
        ("memory_gb", "Memory", [], ""),
        ("memory_gb", "Memory", ["16 GiB", "8 GiB"], "GiB"),
        ("memory_gb", "Memory", ["16 GiB", "512 MiB"], ""),
        ("storage_gb", "Disk", [81920, 204800], "MB"),
        ("storage_gb", "Disk", [80, 200], "GB"),
        ("cpu_speed_mhz", "Speed", [2400, 2700], "MHz"),
        ("cpu_speed_mhz", "Speed", [2.4, 2.7], "GHz"),
        ("cpu_speed_mhz", "Speed", [], ""),
        ("cpu_utilization_percent", "CPU usage", [12, 55], "%"),
        ("cpu_utilization_percent", "CPU usage", [0.12, 0.55], "fraction"),
        ("network_throughput_mbps", "Throughput", [12, 55], ""),
        ("network_throughput_mbps", "Throughput (MBps)", [12, 55], "MB/s"),
        ("storage_free_gb", "Free %", [81920, 204800], "MB"),
        ("cpu_cores", "Cores", [4], ""),
    ],
)
def test_the_unit_is_found_or_left_open(target, header, values, expected):
    assert unit(target, header, values).name == expected


def test_old_rvtools_megabytes_are_binary():
    found = unit("storage_gb", "Provisioned MB", [86201], binary_megabytes=True, title="RVTools")
    assert found.name == "MiB"
    assert found.words == "RVTools writes MB and means MiB"


def test_what_the_tool_writes_goes_before_magnitude():
    found = unit("memory_gb", "Memory", [4], known="MiB", title="RVTools")
    assert found.name == "MiB"


def test_an_undetermined_unit_is_explained():
    assert "too mixed" in unit("memory_gb", "RAM", [8, 16, 512]).words
