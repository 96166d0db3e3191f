"""One call through boto3, and everything about its answer that the model decides."""

import base64
import json

import boto3
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from provision import client

from .model import OPERATIONS, fits

# What any operation may answer beside the errors that the model lists for it.
COMMON_ERRORS = {"SerializationException", "LimitExceededException", "InvalidParameterException"}
UNSUPPORTED = "UnsupportedOperationException"
NOT_SIGNED = "MissingAuthenticationTokenException"


def is_signed(operation):
    """Whether the model wants a signature."""
    return OPERATIONS[operation].get("authtype") != "none"


def _plain(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"no JSON: {value!r}")


def _unsigned(spec):
    config = Config(signature_version=UNSIGNED, parameter_validation=False, retries={"max_attempts": 0})
    return boto3.client("cognito-idp", endpoint_url=spec["endpoint"], region_name=spec["region"], config=config)


class Caller:
    """boto3 with its own checks on; with them off, so that the members go out as they are; and without a signature."""

    def __init__(self, spec):
        self._ways = {
            "checked": client(spec),
            "unchecked": client({**spec, "unchecked": True}),
            "unsigned": _unsigned(spec),
        }
        self._answer = self._body = None
        for way, idp in self._ways.items():
            idp.meta.events.register("after-call.cognito-idp", self._keep)
            if way != "checked":
                idp.meta.events.register("before-call.cognito-idp", self._replace)

    def _keep(self, http_response, **_):
        self._answer = http_response

    def _replace(self, params, **_):
        params["body"] = self._body

    def call(self, operation, given, way):
        """`(error name or None, message, faults of the answer)`."""
        self._answer, self._body = None, json.dumps(given, default=_plain).encode()
        try:
            getattr(self._ways[way], xform_name(operation))(**(given if way == "checked" else {}))
        except ClientError:
            pass
        return self._judge(operation)

    def _judge(self, operation):
        answer, faults = self._answer, []
        headers, status = answer.headers, answer.status_code
        if not headers.get("x-amzn-requestid"):
            faults.append("no x-amzn-requestid")
        body = json.loads(answer.content) if answer.content else {}
        if status == 200:
            shape = OPERATIONS[operation].get("output")
            faults += fits(shape["shape"], body) if shape else [f"an answer: {body}"] if body else []
            return None, "", faults
        name, message = body.get("__type", ""), body.get("message", "")
        if headers.get("x-amzn-errortype", "").split(":")[0] != name:
            faults.append(f"x-amzn-errortype {headers.get('x-amzn-errortype')}, but __type {name}")
        if status >= 500:
            faults.append(f"status {status}")
        modelled = {error["shape"] for error in OPERATIONS[operation].get("errors", [])}
        if name not in modelled | COMMON_ERRORS | {UNSUPPORTED, NOT_SIGNED}:
            faults.append(f"{name} is no error of {operation}")
        if not message:
            faults.append("no message")
        return name, message, faults
