"""Headers: normal form, unit, fingerprint, and terms in six languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.domain.fields import fingerprint, normalise_header
from masterflow.domain.fields.words import header_terms, header_unit


@pytest.mark.parametrize(
    ("header", "normal"),
    [
        ("Memory (in MB)", "memory"),
        ("*Memory (In MB)", "memory"),
        ("PrimaryIPAddress", "primary ip address"),
        ("IPv4 Address", "ipv4 address"),
        ("vCPUs", "vcpus"),
        ("server_os_family", "server os family"),
        ("TotalDiskAllocatedGiB", "total disk allocated"),
        ("Provisioned MB", "provisioned"),
        ("Free % ", "free percent"),
        ("Free MB", "free"),
        ("# CPU", "number cpu"),
        ("Mémoire (Go)", "mémoire"),
        ("Espace utilisé Go", "espace utilisé"),
        ("ＣＰＵ数", "cpu 数"),
        ("OS according to the VMware Tools", "os according to the vmware tools"),
        ("MB", "mb"),
        ("İşletim Sistemi", "işletim sistemi"),
        ("VM(s)", "vms"),
        ("To", "to"),
        ("", ""),
    ],
)
def test_a_header_has_one_normal_form(header, normal):
    assert normalise_header(header) == normal


@given(st.text(max_size=40))
def test_the_normal_form_is_stable(header):
    once = normalise_header(header)
    assert normalise_header(once) == once


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("Memory (in MB)", "MB"),
        ("Capacity MiB", "MiB"),
        ("CPU usage %", "%"),
        ("CpuUtilizationPercentage", "%"),
        ("Speed (MHz)", "MHz"),
        ("Network In throughput (MBps)", "MB/s"),
        ("Link (Mbps)", "Mbit/s"),
        ("Rate in Gbit/s", "Gbit/s"),
        ("Disk 1 read throughput (MB per second)", "MB/s"),
        ("Mémoire (Mo)", "MB"),
        ("UtilizedMemoryBytes", "B"),
        ("Memory", ""),
        ("Reports To", ""),
    ],
)
def test_a_header_names_its_unit(header, unit):
    assert header_unit(header) == unit


def test_the_fingerprint_ignores_order_case_and_scale_but_not_columns():
    first = fingerprint(["VM", "Memory MB", "CPUs"])
    assert fingerprint(["CPUs", "vm", "Memory MiB"]) == first
    assert fingerprint(["VM", "Memory MB"]) != first


@pytest.mark.parametrize(
    ("header", "english"),
    [
        ("Anzahl der CPU-Kerne", "count cpu core"),
        ("Festplattengröße (GB)", "disk size"),
        ("Betriebssystemversion", "os version"),
        ("Nom du serveur", "name server"),
        ("Nombre de cœurs", "count core"),
        ("Nombre del servidor", "name server"),
        ("Système d'exploitation", "os"),
        ("Sistema operacional", "os"),
        ("Endereço IP", "address ip"),
        ("サーバー名", "server name"),
        ("メモリ容量(GB)", "memory size"),
        ("使用済み容量", "used size"),
        ("Percent Memory Used", "memory utilization"),
        ("mgn:server:platform", "server platform"),
        ("of the", "of the"),
    ],
)
def test_a_header_is_read_as_english_terms(header, english):
    expected = tuple(english.split())
    assert header_terms(header) == expected


def test_a_huge_header_is_read_without_failing():
    assert header_terms("name" * 5000) == ("name" * 5000,)


def test_an_unknown_word_stays_as_it_is():
    assert header_terms("Zyklotron") == ("zyklotron",)
