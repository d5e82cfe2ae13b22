"""Small clean rows and the inventory built of them."""

from masterflow.domain.inventory import build_inventory
from masterflow.domain.records import CleanRecord, CleanValue, SheetRole

GUEST = SheetRole("asset", "virtual_machine")
SERVER = SheetRole("asset", "server")
CLUSTER = SheetRole("asset", "cluster")
PART = SheetRole("detail", "virtual_machine", "VM")


def row(number, role=GUEST, sheet="vInfo", **values):
    clean = {target: CleanValue(value, value, target) for target, value in values.items()}
    return CleanRecord(f"{sheet}:{number}", sheet, number, role, clean)


def build(*rows):
    return build_inventory(rows, source="test")


def keys(inventory):
    return [asset.key for asset in inventory.assets]


def codes(inventory):
    return [issue.code for issue in inventory.issues]
