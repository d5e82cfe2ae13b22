"""Words that values of certain fields consist of, in the six languages headers are read in."""

from __future__ import annotations

_POWER = """
poweredon poweredoff suspended on off running stopped powered_on powered_off deallocated halted active
paused ein aus allumé éteint encendido apagado ligado desligado 起動中 停止 電源オン 電源オフ
"""

_ENVIRONMENTS = """
production prod prd development dev test tst staging stage stg uat qa sit dr preprod pre-production
non-production nonprod non-prod integration sandbox lab training acceptance acc produktion entwicklung abnahme
producción producao produção desarrollo desenvolvimento prueba homologação recette développement 本番 開発 検証
"""

_LEVELS = """
low medium high critical very-high normal important minor major niedrig mittel hoch kritisch faible moyen
élevé critique bajo media alto crítico baixo baja alta 低 中 高
"""

_STRATEGIES = """
rehost replatform refactor rearchitect re-host re-platform re-factor re-architect repurchase replace retire
retain relocate rebuild rewrite retained retired
"""


def _words(text: str, *phrases: str) -> frozenset[str]:
    return frozenset({*text.split(), *phrases})


VOCABULARY: dict[str, frozenset[str]] = {
    "boolean": _words("true false yes no y n 0 1 ja nein oui non si sí sim não wahr falsch vrai faux x"),
    "power_state": _words(_POWER, "powered on", "powered off"),
    "environment": _words(_ENVIRONMENTS, "disaster recovery", "user acceptance", "pre production", "non production"),
    "level": _words(_LEVELS, "very high", "business critical", "mission critical"),
    "six_r": _words(_STRATEGIES, "lift and shift", "lift & shift"),
    "protocol": _words("tcp udp icmp http https tls ssl tcp6 udp6 sctp esp gre"),
    "firmware": _words("bios efi uefi"),
    "virtual": _words("virtual physical virtuell physisch virtuel physique físico 仮想 物理"),
}
"""Shape name -> values in lower case."""
