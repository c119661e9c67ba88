#!/usr/bin/env python3
"""Check an export or the proof of one entry without the program that wrote it: Python 3.8 and the openssl program.

PATH: an export's folder, zip or manifest, or a proof. KEY: what the keeper of the books published, 64 hex digits or
a file with them or a PEM key. Checked are signatures, the list of keys, size and SHA-256 of each file, rows and sums
of each CSV, the way of an entry up to a signed block. Exit 0: all of it holds. 1: the first fault and its kind.
2: nothing to check, or no openssl. Whoever relies on this script reads it whole, so it stays below 150 lines.
"""

# fmt: off
import argparse, base64, csv, hashlib, io, json, re  # noqa: E401, I001 one line
import shutil, struct, subprocess, sys, tempfile, uuid, zipfile  # noqa: E401 one line
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

EPOCH = datetime(2000, 1, 1)
number = lambda cell: int.from_bytes(cell, "big", signed=True)  # noqa: E731 one line
sha256 = lambda content: hashlib.sha256(content).hexdigest()  # noqa: E731 one line
unhex = lambda text: re.fullmatch("[0-9a-f]*", text) and bytes.fromhex(text)  # noqa: E731 one line
# How PostgreSQL writes a value of each type; and the columns of each record by their number: refusal to entry.
READ = {20: number, 21: number, 23: number, 17: bytes.hex, 25: bytes.decode,
        2950: lambda cell: str(uuid.UUID(bytes=cell)), 1082: lambda cell: str((EPOCH + timedelta(number(cell))).date()),
        1016: lambda cell: [value for _, value in struct.iter_unpack(">iq", cell[20:])],
        1184: lambda cell: (EPOCH + timedelta(microseconds=number(cell))).isoformat(timespec="microseconds") + "Z"}
NAMES = {1: "refused", 4: "institution request fields entry", 7: "ord fen debit credit contract debit_item credit_item",
         8: "institution block entries tree_size root previous sealed_at totals", 14: "institution fund effective_on"
            " entry recorded_at hours hold_action hold_fen contract hold reverses ref kind actor"}
SAID = re.compile(r"custody checkpoint 1\ninstitution (\d+) (\S+)\nblock (\d+)\nentries (\d+)\nhash (\S+)\n"
                  r"sealed (\S+)\nsigned \S+\nkey (\d+)\n")

def need(holds, kind, where):
    if not holds:
        sys.exit(print(f"fault {kind}: {where}") or 1)

def is_signed(public, said, signature):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)  # as RFC 8410 writes it
        Path(folder, "words").write_bytes(said), Path(folder, "seal").write_bytes(signature)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in words -sigfile seal"
        return subprocess.run(command, shell=True, check=False, cwd=folder, capture_output=True).returncode == 0

def as_written(content, title, names, where):
    """The document in its one spelling: with any other byte it would not be this file."""
    found = json.loads(content.decode())
    again = json.dumps(found, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    need(again.encode() == content and found["format"] == title and len(found) == names, "not_as_written", where)
    return found

def check_keys(rows, trusted):
    """Keys by number, each signed by the one before. With a trusted key only that one and later ones count."""
    keys = [unhex(row["public"]) for row in rows]
    for n, row in enumerate(rows):
        need(row["key"] == n + 1 and len(row) == 4, "key_missing", n + 1)
        said = f"custody signing key 1\nkey {n + 1}\npublic {row['public']}\nadded {row['added_at']}\n"
        need(is_signed(keys[max(n - 1, 0)], said.encode(), unhex(row["signature"])), "key_not_signed", n + 1)
    need(trusted is None or trusted in keys, "key_unknown", "the key given is not in the list")
    return {n: key for n, key in enumerate(keys, 1) if trusted is None or n > keys.index(trusted)}

def check_export(read, name, trusted):
    content, signature = read(name), read(name + ".sig")
    listed = as_written(read(name + ".keys"), "custody keys 1", 2, name + ".keys")["keys"]
    keys = check_keys(listed, trusted)
    by = next((n for n in sorted(keys, reverse=True) if is_signed(keys[n], content, signature)), None)
    need(by, "signature_wrong", name)
    export = as_written(content, "custody export 1", 9, name)
    for one in export["checkpoints"]:  # an older key may have signed it: the manifest around it bears one that counts
        _, code, block, _, _, _, number = SAID.match(one["statement"]).groups()
        public, said = unhex(listed[int(number) - 1]["public"]), one["statement"].encode()
        need(is_signed(public, said, unhex(one["signature"])), "signature_wrong", f"{code} block {block}")
        need(export["blocks"].get(code) == int(block), "checkpoint_differs", f"{code} block {block}")
    for file in export["files"]:
        need(Path(file["name"]).name == file["name"], "not_as_written", file["name"])
        found = read(file["name"])
        need((len(found), sha256(found)) == (file["bytes"], file["sha256"]), "file_changed", file["name"])
        if file["name"].endswith(".csv"):
            lines = list(csv.DictReader(io.StringIO(found.decode("utf-8-sig"), newline="")))
            need(len(lines) == file.get("rows", export["rows"]), "rows_differ", file["name"])
            for column, fen in file.get("sums_fen", export["sums_fen"]).items():
                total = sum(Decimal(line[column]) for line in lines) * 100
                need(total == fen, "sum_differs", f"{file['name']}, {column}: {total} fen, not {fen}")
        print(f"holds: {file['name']}, {len(found)} bytes, sha256 {sha256(found)}")
    print("blocks:", ", ".join(f"{code} {block}" for code, block in sorted(export["blocks"].items())) or "none")
    return by, keys

def records(content):
    """What hashed bytes say: after domain and version come records as PostgreSQL's record_send writes them."""
    at, found = 2, []
    while at < len(content):
        (count,), at, values = struct.unpack_from(">i", content, at), at + 4, []
        for _ in range(count):
            (kind, size), at = struct.unpack_from(">ii", content, at), at + 8
            cell, at = content[at:at + max(size, 0)], at + max(size, 0)
            values.append(None if size < 0 else READ[kind](cell))
        found.append(dict(zip(NAMES[count].split(), values)))  # noqa: B905 Python 3.8 has no strict
    return found

def check_proof(content, where, trusted):
    proof = as_written(content, "custody proof 1", 6, where)
    keys, leaf, blocks, signed = check_keys(proof["keys"], trusted), proof["leaf"], proof["blocks"], proof["checkpoint"]
    content, node, path = unhex(leaf["content"]), unhex(leaf["hash"]), [unhex(one) for one in leaf["path"]]
    need([len(one) for one in (leaf, signed, *blocks)] == [4, 3] + [3] * len(blocks), "not_as_written", where)
    need(content[:2] == b"\0\1" and sha256(content) == node.hex(), "leaf_changed", where)
    asked, answer, *transfers = records(content)
    entry = {**asked, **answer, **({} if "refused" in answer else {"transfers": transfers})}
    need(proof["entry"] == entry, "entry_differs", where)
    for n, block in enumerate(blocks):
        content, says, before = unhex(block["content"]), block["says"], blocks[n - 1]
        need(content[:2] == b"\2\1" and sha256(content) == block["hash"], "block_changed", where)
        need([says] == records(content), "block_differs", says["block"])
        follows = (says["previous"], says["block"]) == (before["hash"], before["says"]["block"] + 1)
        need(says["institution"] == entry["institution"] and (follows or not n), "chain_broken", says["block"])
    index, last = leaf["index"], blocks[0]["says"]["entries"] - 1
    need(0 <= index <= last, "path_wrong", where)
    while last:  # RFC 6962: a node without a neighbour moves up unchanged
        if index % 2 or index < last:
            other = path.pop(0)
            node = hashlib.sha256(b"\1" + (other + node if index % 2 else node + other)).digest()
        index, last = index // 2, last // 2
    need(not path and node.hex() == blocks[0]["says"]["root"], "path_wrong", where)
    told, says, statement = SAID.match(signed["statement"]).groups(), blocks[-1]["says"], signed["statement"].encode()
    meant = (says["institution"], told[1], says["block"], says["tree_size"], blocks[-1]["hash"], says["sealed_at"])
    need(told == tuple(str(one) for one in (*meant, signed["key"])), "checkpoint_differs", where)
    need(signed["key"] in keys, "key_unknown", signed["key"])
    need(is_signed(keys[signed["key"]], statement, unhex(signed["signature"])), "signature_wrong", where)
    print("holds:", json.dumps(entry, ensure_ascii=False))
    print("block", blocks[0]["says"]["block"], "checkpoint", *(sha256(statement)[n:n + 4] for n in range(0, 40, 4)))
    return signed["key"], keys

def public_key(text):
    text = Path(text).read_text() if Path(text).is_file() else text
    pem = re.search("-----BEGIN PUBLIC KEY-----([^-]+)-----END", text)
    return base64.b64decode(pem[1])[-32:] if pem else bytes.fromhex(text)

try:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("path", type=Path, metavar="PATH"), asked.add_argument("--key", type=public_key)
    given = asked.parse_args()
    folder, name = (given.path, "manifest.json") if given.path.is_dir() else (given.path.parent, given.path.name)
    if not (folder / name).exists() or not shutil.which("openssl"):
        asked.error(f"there is no {folder / name}, or no openssl program")
    read = lambda name: Path(folder, name).read_bytes()  # noqa: E731 one line
    if zipfile.is_zipfile(given.path):
        read, name = zipfile.ZipFile(given.path).read, "manifest.json"
    check = check_proof if b'"format": "custody proof 1"' in read(name) else check_export
    by, keys = check(read(name) if check is check_proof else read, name, given.key)
    print("key", by, keys[by].hex(), "" if given.key else "(no --key: trusted as it lies in the file itself)")
except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError, struct.error) as fault:
    need(False, "file_missing" if isinstance(fault, FileNotFoundError) else "not_as_written", repr(fault))
