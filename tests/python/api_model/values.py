"""Values that keep to a shape, values that break one bound of it, and values that stand right at a bound."""

from .model import LIMITS, SHAPES, pattern_of

# Where no candidate below keeps to the pattern, or where one that means something is better.
SAMPLES = {
    "ArnType": "arn:aws:lambda:us-east-1:000000000000:function:hook",
    "OptionalArnType": "arn:aws:lambda:us-east-1:000000000000:function:hook",
    "EncryptionKeyArnType": "arn:aws:kms:us-east-1:000000000000:key/0",
    "DateType": 1_700_000_000,
    "ClientSecretType": "abcdefghijklmnopqrstuvwxyz0123456789",
    "DeviceKeyType": "us-east-1_0a",
    "DomainType": "generated",
    "EmailAddressType": "somebody@example.com",
    "HexStringType": "0a",
    "LanguageIdType": "cognito:english",
    "ManagedLoginBrandingIdType": "01234567-89ab-4def-8123-456789abcdef",
    "TermsIdType": "01234567-89ab-4def-8123-456789abcdef",
    "TermsNameType": "terms-of-use",
    "RedirectUrlType": "https://app.example/callback",
    "S3ArnType": "arn:aws:s3:::bucket",
    "SecretCodeType": "ABCDEFGHIJKLMNOP",
    "SessionIdType": "tkn" + "0" * 25,
    "SessionType": "a-session-of-twenty-characters",
    "SmsVerificationMessageType": "Your code is {####}",
    "EmailVerificationMessageType": "Your code is {####}",
    "EmailMfaMessageType": "Your code is {####}",
    "EmailVerificationMessageByLinkType": "Press {##here##}",
    "SoftwareTokenMFAUserCodeType": "012345",
    "StringType": "text",
    "UserImportJobIdType": "import-0",
    "UserPoolIdType": "us-east-1_000000000",
    "AcrLevelKeyType": "Level1",
    "AcrMappingKeyType": "Level1",
    "AWSAccountIdType": "000000000000",
    "AttributeNameType": "given_name",
    "TokenModelType": "header.payload.signature",
}
_CANDIDATES = ["text", "Text of twenty characters", "0123456789"]
_BREAKERS = ["\u0007", " ", "!"]


def _length_fits(shape, text):
    return shape.get("min", 0) <= len(text) <= shape.get("max", len(text))


def sample(name):
    """A value that keeps to every bound of the shape."""
    shape = SHAPES[name]
    kind = shape["type"]
    if name in SAMPLES:
        return SAMPLES[name]
    if kind == "structure":
        return {member: sample(of["shape"]) for member, of in shape["members"].items()}
    if kind == "list":
        return [sample(shape["member"]["shape"])] * max(1, shape.get("min", 1))
    if kind == "map":
        return {sample(shape["key"]["shape"]): sample(shape["value"]["shape"])}
    if kind == "string":
        if shape.get("enum"):
            return shape["enum"][0]
        pattern = pattern_of(shape)
        for text in _CANDIDATES:
            if _length_fits(shape, text) and (not pattern or pattern.fullmatch(text)):
                return text
        raise LookupError(f"no sample for the shape {name}: {shape}")
    return {"boolean": True, "blob": b"bytes", "timestamp": 1_700_000_000}.get(kind, max(shape.get("min", 1), 1))


def of_length(shape, start, length):
    """`start` made this long without breaking the pattern, or None."""
    pattern = pattern_of(shape)
    if length == 0:
        return None if pattern and not pattern.fullmatch("") else ""
    for text in (start[:length] + start[-1:] * (length - len(start)), "a" * length, "0" * length):
        if len(text) == length and (not pattern or pattern.fullmatch(text)):
            return text
    return None


_WRONG_TYPE = {
    "string": 7,
    "blob": 7,
    "boolean": "true",
    "integer": "1",
    "long": "1",
    "list": "text",
    "map": "text",
    "structure": "text",
    "timestamp": "text",
}


def breaking(name, value):
    """(what is wrong, value, the error it must get), each breaking one bound of the shape or of what is inside."""
    shape = SHAPES[name]
    kind = shape["type"]
    yield f"is no {kind}", _WRONG_TYPE[kind], "SerializationException"
    if kind == "structure":
        for member in shape.get("required", []):
            yield f".{member} is missing", {k: v for k, v in value.items() if k != member}, "InvalidParameterException"
    if kind == "string":
        yield from _breaking_text(shape, value)
    elif kind in ("integer", "long"):
        if "max" in shape:
            yield f"is above {shape['max']}", shape["max"] + 1, "InvalidParameterException"
        if "min" in shape:
            yield f"is below {shape['min']}", shape["min"] - 1, "InvalidParameterException"
    elif kind == "blob" and shape.get("max"):
        yield f"has over {shape['max']} bytes", b"x" * (shape["max"] + 1), "InvalidParameterException"
    elif kind == "list":
        yield from _breaking_list(name, shape, value)
    elif kind == "map" and "max" in shape:
        many = {f"Key{number}": next(iter(value.values())) for number in range(shape["max"] + 1)}
        yield f"has over {shape['max']} entries", many, "InvalidParameterException"
    for step, inner, put in inside(shape, value):
        for what, broken, error in breaking(inner[0], inner[1]):
            yield f"{step}{what if what.startswith('.') else ' ' + what}", put(broken), error


def _breaking_text(shape, value):
    if shape.get("enum"):
        yield "is none of its values", "NONE_OF_THEM", "InvalidParameterException"
        return
    if "max" in shape:
        long = value + value[-1:] * (shape["max"] + 1 - len(value))
        yield f"has over {shape['max']} characters", long, "InvalidParameterException"
    if shape.get("min"):
        yield f"has under {shape['min']} characters", value[: shape["min"] - 1], "InvalidParameterException"
    pattern = pattern_of(shape)
    if pattern:
        for breaker in _BREAKERS:
            text = breaker * max(len(value), 1)
            if not pattern.fullmatch(text):
                yield f"is {text[:3]!r}… and breaks its pattern", text, "InvalidParameterException"
                return


def _breaking_list(name, shape, value):
    item = value[0] if value else sample(shape["member"]["shape"])
    if shape.get("min"):
        yield f"has under {shape['min']} entries", [item] * (shape["min"] - 1), "InvalidParameterException"
    if "max" not in shape:
        return
    many = [item] * (shape["max"] + 1)
    if name not in LIMITS:
        yield f"has over {shape['max']} entries", many, "InvalidParameterException"
    elif LIMITS[name]:
        if isinstance(item, str):
            many = [f"{item}{number}" for number in range(shape["max"] + 1)]
        yield f"has over {shape['max']} entries", many, "LimitExceededException"


def inside(shape, value):
    """(step, (shape, value), how to put another value there), for everything one level down."""
    if shape["type"] == "structure":
        for member, of in shape["members"].items():
            inner = value[member] if member in value else sample(of["shape"])
            yield f".{member}", (of["shape"], inner), lambda new, member=member: {**value, member: new}
    elif shape["type"] == "list":
        of = shape["member"]["shape"]
        yield "[]", (of, value[0] if value else sample(of)), lambda new: [new, *value[1:]]
    elif shape["type"] == "map":
        of = shape["value"]["shape"]
        key, inner = next(iter(value.items()), (sample(shape["key"]["shape"]), sample(of)))
        yield f".{key}", (of, inner), lambda new: {**value, key: new}


def at_bounds(name, value):
    """(where, value), each standing right at a bound of the shape or of what is inside."""
    shape = SHAPES[name]
    kind = shape["type"]
    if kind == "string" and shape.get("enum"):
        for one in shape["enum"]:
            yield f"is {one}", one
    elif kind == "string":
        for bound in ("min", "max"):
            text = of_length(shape, value, shape[bound]) if bound in shape else None
            if text is not None:
                yield f"has {shape[bound]} characters", text
    elif kind in ("integer", "long"):
        for bound in ("min", "max"):
            if bound in shape:
                yield f"is {shape[bound]}", shape[bound]
    elif kind == "list":
        for bound in ("min", "max"):
            if bound in shape and value:
                yield f"has {shape[bound]} entries", value[:1] * shape[bound]
    for step, inner, put in inside(shape, value):
        for what, edge in at_bounds(inner[0], inner[1]):
            yield f"{step} {what}", put(edge)
