"""The public service model as botocore ships it, and where Poolgate decides otherwise."""

import re

import botocore.loaders

SERVICE, VERSION = "cognito-idp", "2016-04-18"

# Shape → what is different, and why. `interface.md` and the table of overrides in the gateway say the same.
DECIDED_OTHERWISE = {
    # The guide's pattern, so that its SAML_provider_1 works; all of Unicode.
    "ProviderNameType": {"pattern": r"[\w\s+=.@-]+", "min": 1, "max": 40},
    "ProviderNameTypeV2": {"pattern": r"[\w\s+=.@-]+", "min": 1, "max": 40},
    # A custom domain is a host name.
    "DomainType": {"pattern": r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?"},
    # A federated username is `{provider}_{subject}`, and either may hold a space.
    "UsernameType": {"pattern": None},
}

# Lists whose bound is a limit of the pool: LimitExceededException with the number. None: the operation's own rules
# look at the entries first.
LIMITS = {
    "CallbackURLsListType": "100",
    "LogoutURLsListType": "100",
    "IdpIdentifiersListType": "50",
    "ResourceServerScopeListType": "100",
    "SchemaAttributesListType": None,
    "ScopeListType": None,
}

# What a Unicode property holds of ASCII: enough to make a value, and to see that one breaks the pattern.
_PROPERTIES = {"L": "a-zA-Z", "M": "", "S": "$+<=>^`|~", "N": "0-9", "P": "!-#%-*,-/:;?@\\[-\\]_{}", "Z": " "}


def _load():
    model = botocore.loaders.Loader().load_service_model(SERVICE, "service-2", VERSION)
    for name, change in DECIDED_OTHERWISE.items():
        model["shapes"][name] = {**model["shapes"][name], **change}
    return model


MODEL = _load()
OPERATIONS = MODEL["operations"]
SHAPES = MODEL["shapes"]


def pattern_of(shape):
    """The pattern of a string shape for whole values, or None."""
    if not shape.get("pattern"):
        return None
    python = re.sub(r"\\p\{(\w)\}", lambda found: _PROPERTIES[found[1]], shape["pattern"])
    # A class in which nothing of ASCII is left apart from the first and last: `]` closes it early otherwise.
    return re.compile(python.replace("[^_ ]", "[^_ ]"), re.ASCII)


def input_of(operation):
    """Its input shape: members and required ones."""
    reference = OPERATIONS[operation].get("input")
    return SHAPES[reference["shape"]] if reference else {"type": "structure", "members": {}}


def fits(shape_name, value, path="answer"):
    """What of an answer the model does not know: a list of faults."""
    shape = SHAPES[shape_name]
    kind = shape["type"]
    types = {
        "structure": dict,
        "map": dict,
        "list": list,
        "string": str,
        "blob": str,
        "boolean": bool,
        "integer": int,
        "long": int,
        "timestamp": (int, float),
    }
    right = isinstance(value, types[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if not right:
        return [f"{path} is {value!r}, not a {kind}"]
    if kind == "structure":
        faults = []
        for name, member in value.items():
            known = shape["members"].get(name)
            faults += fits(known["shape"], member, f"{path}.{name}") if known else [f"{path}.{name} is unknown"]
        return faults
    if kind == "map":
        return [
            fault
            for key, entry in value.items()
            for fault in fits(shape["key"]["shape"], key, path) + fits(shape["value"]["shape"], entry, f"{path}.{key}")
        ]
    if kind == "list":
        return [fault for item in value for fault in fits(shape["member"]["shape"], item, f"{path}[]")]
    if kind == "string" and shape.get("enum") and value not in shape["enum"]:
        return [f"{path} is {value!r}, not one of {shape['enum']}"]
    return []
