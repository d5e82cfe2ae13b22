"""Header words of six languages and common abbreviations, each reduced to one English term."""

from __future__ import annotations

# One line per English term: the term, then the spellings that mean it. Marks on Latin letters are
# dropped before the look-up ("größe" -> "grosse"), so both German spellings are listed.
_ENGLISH = """
name: names nm
count: number num no nr nbr nb qty quantity
memory: ram mem memories
business: biz
cpu: cpus processor processors proc procs
vcpu: vcpus
core: cores
socket: sockets
disk: disks hdd drive drives harddisk
nic: nics
server: servers svr srv
vm: vms
computer: computers
address: addresses addr addrs
ip: ips ipv4 ipv6
mac: macs
os: oss
database: db databases dbms datenbank
environment: env environments
application: app apps applications appl
datacenter: datacentre dc datacentres datacenters
department: dept
owner: owners owned
utilization: utilisation usage util load
provisioned: allocated alloc assigned
used: consumed occupied
size: capacity sizes
maximum: max peak highest
average: avg mean
vendor: manufacturer maker mfr
version: ver vers release
description: descr desc
state: status states stat stats
location: locations loc
serial: sn
criticality: critical
cost: costs price
annual: yearly annually
monthly:
percent: percentage pct perc
tag: tags
label: labels
wave: waves
source: src
target: destination dest dst
network: networks net
adapter: adapters
interface: interfaces
operation: operations ops
identifier: ident
category: categories
technology: technologies tech
technical:
comment: comments
note: notes
organization: organisation org
virtualization: virtualisation
physical: phys
hypervisor: hypervisors
configuration: config
"""

_GERMAN = """
server: maschine
computer: rechner
address: adresse adressen
os: betriebssystem
memory: arbeitsspeicher hauptspeicher
storage: speicherplatz plattenplatz
disk: festplatte festplatten platte platten
cpu: prozessor prozessoren
core: kern kerne kernen
socket: sockel
count: anzahl
size: grosse groesse kapazitat kapazitaet
used: belegt belegter belegte genutzt verwendet benutzt
free: frei freier freie verfugbar
provisioned: zugewiesen zugewiesener bereitgestellt zugeteilt
utilization: auslastung nutzung
environment: umgebung
location: standort lokation ort
datacenter: rechenzentrum rz
network: netzwerk netz
owner: verantwortlicher verantwortliche eigentumer eigentuemer besitzer inhaber
business: fachlicher fachliche geschaft geschaefts geschafts fach
technical: technischer technische technisch
application: anwendung anwendungen applikation applikationen
department: abteilung
vendor: hersteller
model: modell
serial: serien serie
description: beschreibung
comment: bemerkung kommentar bemerkungen
cost: kosten
annual: jahrlich jahrliche jaehrlich jaehrliche jahres jahr
monthly: monatlich monatliche monats monat
criticality: kritikalitat kritikalitaet
priority: prioritat prioritaet
state: zustand
power: strom betriebs
cluster: kluster
card: karte karten
type: typ
migration: migrations
wave: welle
virtual: virtuell virtuelle virtueller
physical: physisch physische physikalisch
source: quelle quell
target: ziel
maximum: maximale maximaler maximal
average: durchschnittliche durchschnitt mittlere
role: rolle funktion
"""

_ROMANCE = """
name: nom nome nombre
server: serveur serveurs servidor servidores
machine: maquina maquinas
computer: ordinateur ordenador computador equipo
host: hote anfitrion hospedeiro
address: direccion direcciones endereco enderecos
memory: memoire memoria
storage: stockage almacenamiento armazenamento
disk: disque disques disco discos
space: espace espacio espaco
cpu: processeur processeurs procesador procesadores processador processadores
core: coeur coeurs nucleo nucleos
count: numero cantidad quantidade qtd
size: taille capacite tamano capacidad tamanho capacidade
used: utilise utilisee usado usada utilizado utilizada occupe ocupado
free: libre livre disponible disponivel
provisioned: alloue allouee asignado asignada alocado alocada provisionne provisionado aprovisionado
utilization: uso utilizacion utilizacao charge
environment: environnement entorno ambiente
location: emplacement ubicacion localizacion localizacao localisation sede lieu
network: reseau red rede
owner: proprietaire responsable propietario proprietario responsavel dueno dono
business: metier negocio
technical: technique tecnico tecnica
application: aplicacion aplicacao aplicativo aplicaciones aplicacoes
department: departement departamento
vendor: fabricant fabricante constructeur fournisseur proveedor fornecedor
model: modele modelo
description: descripcion descricao
comment: commentaire commentaires remarque remarques observaciones observacoes comentario comentarios
cost: cout couts coste costo custo custos
annual: annuel annuelle anual
monthly: mensuel mensuelle mensual mensal
criticality: criticite criticidad criticidade
priority: priorite prioridad prioridade
state: etat statut estado
power: alimentation energia
version: versao
type: tipo
wave: vague ola onda
virtual: virtuelle virtuel
physical: physique fisico fisica
system: systeme sistema
operating: exploitation operativo operacional
center: centre centro
data: donnees datos dados
card: carte cartes tarjeta tarjetas placa placas
strategy: strategie estrategia
role: funcao funcion fonction
target: destino cible
source: origen origem
maximum: maximale maximo maxima
average: moyenne moyen promedio media medio
"""

_JAPANESE = """
server: サーバー サーバ
vm: 仮想マシン 仮想サーバー 仮想サーバ
host: ホスト
machine: 機器 マシン
computer: コンピュータ コンピューター
name: 名 名称 名前
ip: アイピー
address: アドレス
os: オペレーティングシステム 基本ソフト
memory: メモリ メモリー
storage: ストレージ
disk: ディスク
cpu: プロセッサ プロセッサー
core: コア
socket: ソケット
count: 数 台数 個数
size: 容量 サイズ
used: 使用済み 使用量
free: 空き
provisioned: 割り当て 割当
utilization: 使用率
environment: 環境
location: 場所 設置場所 所在地 拠点
datacenter: データセンター データセンタ
network: ネットワーク
owner: 所有者 責任者
technical: 管理者 担当者
application: アプリケーション アプリ
department: 部門 部署
vendor: メーカー ベンダー 製造元
model: 型番 機種 モデル
serial: シリアル シリアル番号 製造番号
description: 説明 備考
cost: 費用 コスト
annual: 年間
monthly: 月額 月間
criticality: 重要度
priority: 優先度
state: 状態 ステータス
power: 電源
cluster: クラスター クラスタ
version: バージョン
type: 種別 種類 タイプ
migration: 移行
maximum: 最大
average: 平均
"""

_ARTICLES = """
of the for a an and or by on at de des du d la le les l el los las del do da dos das der die das von fur
fuer davon en em et y e の
"""
STOP_WORDS = frozenset(_ARTICLES.split())
"""Articles and prepositions; "per" and "in" carry meaning ("cores per CPU", "in use")."""

DROPPED = frozenset({"total", "vmware", "gesamt", "gesamter", "overall", "合計", "総", "vive"})
"""Words that do not change what a column means."""

PHRASES: dict[tuple[str, str], str] = {
    ("operating", "system"): "os",
    ("system", "operating"): "os",
    ("virtual", "machine"): "vm",
    ("machine", "virtual"): "vm",
    ("virtual", "server"): "vm",
    ("host", "name"): "hostname",
    ("name", "host"): "hostname",
    ("data", "center"): "datacenter",
    ("data", "centre"): "datacenter",
    ("center", "data"): "datacenter",
    ("power", "state"): "powerstate",
    ("state", "power"): "powerstate",
    ("in", "use"): "used",
}
"""Two neighbouring terms that are one term."""

COUNTED = frozenset({"cpu", "vcpu", "core", "disk", "nic", "socket", "card", "vm", "adapter", "connection"})
"""Before one of these the French "nombre" is a count; the Spanish word means name."""


def _read(*tables: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for table in tables:
        for line in table.strip().splitlines():
            term, _, spellings = line.partition(":")
            for spelling in (term, *spellings.split()):
                words.setdefault(spelling, term)
    return words


TERMS: dict[str, str] = _read(_ENGLISH, _GERMAN, _ROMANCE, _JAPANESE)
"""Spelling (lower case, no marks) -> English term."""

_GLUED = ("host", "dns", "ip", "name", "rack", "backup", "plan", "stage", "image", "hyper")
PARTS: dict[str, str] = {
    **{word: term for word, term in TERMS.items() if len(word) >= 3 or not word.isascii()},
    **{word: word for word in _GLUED},
    "daten": "data",
    "名": "name",
    "数": "count",
}
"""Words a compound may be made of (German compounds, unspaced Japanese)."""
