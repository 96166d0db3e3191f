#!/usr/bin/env python3
"""Derives src/api/model/cognito-idp.json from the public service model in PyPI `botocore`.

Usage: pip install botocore && scripts/derive-api-model.py [service-2.json|service-2.json.gz]

Kept: operations (input, output, authtype, error names) and shapes (type, members, required, enum,
min, max, pattern, sensitive). Dropped: documentation, HTTP bindings, the shapes of exceptions.
"""
import gzip
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "src" / "api" / "model" / "cognito-idp.json"
SERVICE = "cognito-idp/2016-04-18"


def load(path):
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def find():
    import botocore

    folder = pathlib.Path(botocore.__file__).parent / "data" / SERVICE
    return next(folder.glob("service-2.json*")), f"botocore {botocore.__version__}"


def operation(raw):
    kept = {"input": raw["input"]["shape"]} if "input" in raw else {}
    if "output" in raw:
        kept["output"] = raw["output"]["shape"]
    if "authtype" in raw:
        kept["authtype"] = raw["authtype"]
    kept["errors"] = [error["shape"] for error in raw.get("errors", [])]
    return kept


def shape(raw):
    kept = {"type": raw["type"]}
    if "members" in raw:
        kept["members"] = {name: member["shape"] for name, member in raw["members"].items()}
    for reference in ("member", "key", "value"):
        if reference in raw:
            kept[reference] = raw[reference]["shape"]
    for fact in ("required", "enum", "min", "max", "pattern", "sensitive"):
        if fact in raw:
            kept[fact] = raw[fact]
    return kept


def lines(table):
    rows = (f"    {json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table))
    return ",\n".join(rows)


def main():
    if len(sys.argv) > 1:
        source, origin = pathlib.Path(sys.argv[1]), sys.argv[1]
    else:
        source, origin = find()
    model = load(source)
    operations = {name: operation(raw) for name, raw in model["operations"].items()}
    shapes = {name: shape(raw) for name, raw in model["shapes"].items() if not raw.get("exception")}
    TARGET.write_text(
        "{\n"
        f'  "origin": {json.dumps(f"{SERVICE} of {origin}, Apache-2.0; see NOTICE")},\n'
        f'  "targetPrefix": {json.dumps(model["metadata"]["targetPrefix"])},\n'
        f'  "operations": {{\n{lines(operations)}\n  }},\n'
        f'  "shapes": {{\n{lines(shapes)}\n  }}\n'
        "}\n"
    )
    print(f"{TARGET.relative_to(ROOT)}: {len(operations)} operations, {len(shapes)} shapes")


if __name__ == "__main__":
    main()
